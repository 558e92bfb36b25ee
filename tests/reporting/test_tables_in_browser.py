"""Tables of the page in a real browser: filters select rows of a mart, and the saved CSV contains what is shown."""

import csv
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from shipment_etl.cli.rendering import print_csv
from shipment_etl.reporting.reading import Facts
from shipment_etl.reporting.render import draw
from shipment_etl.reporting.tables import mart_table, marts_of

from .chromium import chromium, needs_chromium
from .made_up import DAY, facts

pytestmark = [pytest.mark.slow, needs_chromium]

FORMULA = "=1+1"
NAMES = ("DHL", FORMULA, 'says "no", often', "-5", "two\nlines", "Łódź ＝")


@pytest.fixture(scope="module")
def made() -> Facts:
    found = facts(60, carriers=NAMES)
    return replace(found, demand=found.demand.assign(congested=[True, False, None] * (len(found.demand) // 3)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saved")


@pytest.fixture(scope="module")
def browser(made: Facts, folder: Path) -> Iterator[webdriver.Chrome]:
    page = folder / "page.html"
    page.write_text(draw(made, "const vegaEmbed = async () => {};", datetime(2026, 11, 24, tzinfo=UTC)).html, "utf-8")
    with chromium("desktop", folder) as driver:
        driver.get(page.as_uri())
        driver.execute_script("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        yield driver


@pytest.fixture(autouse=True)
def _unfiltered(browser: webdriver.Chrome) -> None:
    with filtering(browser):
        browser.execute_script("document.querySelector('#filter button[type=reset]').click()")


@contextmanager
def filtering(browser: webdriver.Chrome) -> Iterator[None]:
    """Wait until the page has filtered its tables."""
    browser.execute_script("window.seen = new Promise(see => document.addEventListener('filtered', see, {once: true}))")
    yield
    browser.execute_async_script("window.seen.then(() => arguments[0]())")


def choose(browser: webdriver.Chrome, **values: str) -> None:
    for name, value in values.items():
        field = browser.find_element(By.NAME, "from" if name == "from_" else name)
        browser.execute_script(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change', {bubbles: true}))",
            field,
            value,
        )


def shown(browser: webdriver.Chrome, mart: str) -> list[list[str]]:
    rows = f"[...document.querySelector('[data-mart={mart}]').tBodies[0].rows]"
    return browser.execute_script(f"return {rows}.map(row => [...row.cells].map(cell => cell.textContent))")


def status(browser: webdriver.Chrome, mart: str) -> str:
    return browser.execute_script(f"return document.querySelector('#mart-{mart} [role=status]').textContent")


def saved(browser: webdriver.Chrome, folder: Path, name: str) -> str:
    file = folder / f"{name}.csv"
    file.unlink(missing_ok=True)
    button = browser.find_element(By.XPATH, f"//button[text()='Download {name}.csv']")
    browser.execute_script("arguments[0].click()", button)
    deadline = time.monotonic() + 20
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    # As bytes, so that line ends within a cell are kept.
    return file.read_bytes().decode("utf-8-sig")


def test_a_saved_mart_is_what_show_prints(
    browser: webdriver.Chrome, made: Facts, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, frame in marts_of(made).items():
        table = mart_table(name, frame)
        capsys.readouterr()
        print_csv(table.columns, [dict(zip(table.columns, row, strict=True)) for row in table.rows])
        assert saved(browser, folder, name) == capsys.readouterr().out, name


def test_a_filter_shows_and_saves_matching_rows(browser: webdriver.Chrome, made: Facts, folder: Path) -> None:
    choose(browser, carrier=FORMULA, origin_warehouse="W1", destination_city="X", from_="2026-11-05", to="2026-11-20")
    costs = made.costs
    own = costs[(costs["carrier"] == FORMULA) & (costs["origin_warehouse"] == "W1") & (costs["destination_city"] == "X")]
    november = mart_table("cost_analysis", own[own["month"] == "2026-11"])
    assert shown(browser, "cost_analysis") == november.shown
    assert "1 of 108 rows. Months are shown in full." in status(browser, "cost_analysis")
    rows = list(csv.reader(io.StringIO(saved(browser, folder, "cost_analysis"))))
    assert [row[:4] for row in rows[1:]] == [["2026-11", f"'{FORMULA}", "W1", "X"]]
    days = {row[0] for row in shown(browser, "delay_trends")}
    assert (min(days), max(days)) == ("2026-11-05", "2026-11-20")
    assert "Not filtered by carrier and warehouse: it has no such column." in status(browser, "delay_trends")
    assert {row[0] for row in shown(browser, "warehouse_demand")} == {"W1"}
    assert [row[0] for row in shown(browser, "carrier_performance")] == [FORMULA]
    choose(browser, from_="2027-01-01")
    assert shown(browser, "delay_trends") == []
    assert status(browser, "delay_trends").startswith("0 of 180 rows.")


def test_values_read_the_same_with_and_without_a_filter(browser: webdriver.Chrome, made: Facts) -> None:
    first = {name: mart_table(name, frame).shown for name, frame in marts_of(made).items()}
    choose(browser, from_=str(DAY.replace(year=2020)))
    assert {name: shown(browser, name)[: len(rows)] for name, rows in first.items()} == first


def test_it_works_by_keyboard_alone(browser: webdriver.Chrome) -> None:
    carrier = browser.find_element(By.NAME, "carrier")
    carrier.send_keys("DHL")
    carrier.send_keys(Keys.ENTER)
    assert Select(carrier).first_selected_option.text == "DHL"
    assert [row[0] for row in shown(browser, "carrier_performance")] == ["DHL"]
    with filtering(browser):
        browser.find_element(By.CSS_SELECTOR, "#filter button").send_keys(Keys.ENTER)
    assert len(shown(browser, "carrier_performance")) == len(NAMES)


def test_other_tables_are_saved_as_shown(browser: webdriver.Chrome, folder: Path) -> None:
    for name in ("carriers", "in-transit", "rejected-rows", "runs", "tables"):
        head, *rows = csv.reader(io.StringIO(saved(browser, folder, name)))
        assert rows
        assert {len(row) for row in rows} == {len(head)}
    _, *rows = csv.reader(io.StringIO(saved(browser, folder, "carriers")))
    assert f"'{FORMULA}" in {row[0] for row in rows}
    assert {row[2] for row in rows} == {"90"}
