"""Charts of the page in a real browser: they show the filtered rows of the marts, and say what cannot be filtered."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from selenium import webdriver

from shipment_etl.reporting.bundle import script
from shipment_etl.reporting.reading import Facts
from shipment_etl.reporting.render import draw

from .chromium import chromium, needs_chromium, opened
from .made_up import facts

pytestmark = [pytest.mark.slow, needs_chromium]

KEEP_VIEWS = """
const embed = vegaEmbed;
vegaEmbed = async (place, spec, options) => {
  const found = await embed(place, spec, options);
  (window.views ??= {})[place.dataset.chart] = found.view;
  return found;
};
"""
"""Lets a test read the marks of a chart."""

MARKS = """
const found = [];
const walk = (item) => {
  if (item.datum && item.mark?.marktype === arguments[1] && item.opacity !== 0) {
    found.push({ ...Object.fromEntries(Object.entries(item.datum).filter(([, value]) => typeof value !== "object")),
      day: item.datum.day === undefined ? undefined : new Date(item.datum.day).toISOString().slice(0, 10),
      opacity: item.opacity });
  }
  (item.items ?? []).forEach(walk);
};
walk(window.views[arguments[0]].scenegraph().root);
return found;
"""


@pytest.fixture(scope="module")
def made() -> Facts:
    """Facts whose numbers differ from row to row."""
    found = facts(40)
    costs, trends = found.costs, found.trends
    return replace(
        found,
        costs=costs.assign(total_cost=[10.25 + n * n for n in range(len(costs))], shipments=range(1, len(costs) + 1)),
        trends=trends.assign(delayed_shipments=[n % 90 for n in range(len(trends))]),
    )


@pytest.fixture(scope="module")
def browser(made: Facts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    page = tmp_path_factory.mktemp("filtered") / "page.html"
    page.write_text(draw(made, script() + KEEP_VIEWS, datetime(2026, 11, 24, tzinfo=UTC)).html, "utf-8")
    with chromium("desktop") as driver:
        opened(driver, page)
        driver.set_script_timeout(60)
        yield driver


def choose(browser: webdriver.Chrome, **values: str) -> None:
    """Set the filter to exactly these values, and wait until the charts are drawn."""
    browser.execute_async_script(
        """
        const form = document.getElementById("filter");
        [...form.elements].forEach((field) => { if (field.name) field.value = arguments[0][field.name] ?? ""; });
        form.dispatchEvent(new Event("change", { bubbles: true }));
        Promise.all(Object.values(window.views).map((view) => view.runAsync())).then(() => arguments[1]());
        """,
        {name.rstrip("_"): value for name, value in values.items()},
    )


def marks(browser: webdriver.Chrome, chart: str, kind: str) -> list[dict[str, Any]]:
    return browser.execute_script(MARKS, chart, kind)


def note(browser: webdriver.Chrome, chart: str) -> str:
    return browser.execute_script(f"return document.querySelector('.unfiltered[data-of={chart}]').textContent")


def costs_of(rows: pd.DataFrame) -> dict[str, tuple[float, int, float]]:
    sums = rows.groupby("carrier")[["total_cost", "shipments"]].sum()
    whole = sums["total_cost"].sum()
    return {name: (row.total_cost, row.shipments, 100 * row.total_cost / whole) for name, row in sums.iterrows()}


def test_costs_are_those_of_the_chosen_rows_of_the_mart(browser: webdriver.Chrome, made: Facts) -> None:
    november = made.costs[made.costs["month"] == "2026-11"]
    for chosen, rows in (
        ({}, november),
        ({"origin_warehouse": "W1"}, november[november["origin_warehouse"] == "W1"]),
        (
            {"origin_warehouse": "W2", "destination_city": "Y"},
            november[(november["origin_warehouse"] == "W2") & (november["destination_city"] == "Y")],
        ),
    ):
        choose(browser, **chosen, from_="2026-11-05")
        found = {
            row["carrier"]: (row["cost"], row["shipments"], row["pct"])
            for row in marks(browser, "cost", "rect")
            if row["month"] == "2026-11"
        }
        expected = costs_of(rows)
        assert set(found) == set(expected)
        for name, values in expected.items():
            assert found[name] == pytest.approx(values)
        assert {row["month"] for row in marks(browser, "cost", "rect")} == {"2026-11"}
    assert note(browser, "cost") == "Months are shown in full."
    choose(browser, carrier="C2")
    assert {row["carrier"] for row in marks(browser, "cost", "rect")} == {"C2"}


def test_delays_are_those_of_the_chosen_city_and_days(browser: webdriver.Chrome, made: Facts) -> None:
    choose(browser, destination_city="Y", from_="2026-11-05", to="2026-11-20", carrier="C1")
    rows = made.trends[made.trends["destination_city"] == "Y"]
    expected = {
        str(row.shipment_date): 100 * row.delayed_shipments / row.with_delay
        for row in rows.itertuples()
        if "2026-11-05" <= str(row.shipment_date) <= "2026-11-20"
    }
    assert {row["day"]: row["pct"] for row in marks(browser, "trend", "symbol")} == pytest.approx(expected, abs=1e-3)
    week = rows[(rows["shipment_date"].map(str) >= "2026-10-30") & (rows["shipment_date"].map(str) <= "2026-11-05")]
    (first,) = [row for row in marks(browser, "trend", "symbol") if row["day"] == "2026-11-05"]
    share = 100 * week["delayed_shipments"].sum() / week["with_delay"].sum()
    assert first["pct_7d"] == pytest.approx(share, abs=1e-3), "of seven days, whatever is chosen"
    assert note(browser, "trend") == "Not filtered by carrier: delay_trends has no such column."


def test_load_is_that_of_the_chosen_days_and_warehouse(browser: webdriver.Chrome) -> None:
    choose(browser, origin_warehouse="W2", from_="2026-11-05", to="2026-11-07", destination_city="X")
    assert {row["day"] for row in marks(browser, "load-1", "rect")} == {"2026-11-05", "2026-11-06", "2026-11-07"}
    cards = "[...document.querySelectorAll('[data-warehouse]')].filter(card => card.offsetParent)"
    assert browser.execute_script(f"return {cards}.map(card => card.dataset.warehouse)") == ["W2"]
    assert note(browser, "load-0") == "Not filtered by destination: warehouse_demand has no such column."


def test_lanes_that_are_not_chosen_are_pale(browser: webdriver.Chrome) -> None:
    choose(browser, origin_warehouse="W1", carrier="C1", from_="2026-11-05")
    bright = {
        (row["origin"], row["city"]) for row in marks(browser, "lanes-shipments", "rect") if (row["opacity"] or 1) == 1
    }
    assert bright == {("W1", city) for city in "XYZ"}
    assert note(browser, "lanes-shipments") == "Not filtered by carrier and period: route_efficiency has no such column."


def test_without_a_filter_everything_is_shown(browser: webdriver.Chrome, made: Facts) -> None:
    choose(browser)
    sums = made.trends.groupby("shipment_date")[["delayed_shipments", "with_delay"]].sum()
    expected = {str(day): 100 * row.delayed_shipments / row.with_delay for day, row in sums.iterrows()}
    assert {row["day"]: row["pct"] for row in marks(browser, "trend", "symbol")} == pytest.approx(expected, abs=1e-3)
    texts = browser.execute_script("return [...document.querySelectorAll('.unfiltered')].map(e => e.textContent)")
    assert set(texts) == {""}


def test_charts_whose_rows_do_not_fit_say_so(tmp_path: Path) -> None:
    made = facts(100, cities=[f"X{n:02d}" for n in range(40)], carriers=[f"C{n}" for n in range(7)])
    page = tmp_path / "page.html"
    page.write_text(draw(made, script() + KEEP_VIEWS, datetime(2026, 11, 24, tzinfo=UTC)).html, "utf-8")
    with chromium("desktop") as driver:
        opened(driver, page)
        driver.set_script_timeout(60)
        before = marks(driver, "trend", "symbol")
        choose(driver, destination_city="X39", origin_warehouse="W1")
        assert marks(driver, "trend", "symbol") == before
        assert "Not filtered by destination: its rows do not fit on the page." in note(driver, "trend")
        assert note(driver, "cost") == "Not filtered by warehouse and destination: its rows do not fit on the page."
        assert "it counts the rows of all batches" in note(driver, "accounting")
