"""The page in a real browser: it draws, sorts and switches, fits a phone, and loads nothing from the network."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from shipment_etl.reporting.bundle import script
from shipment_etl.reporting.reading import Rejected
from shipment_etl.reporting.render import draw

from .chromium import WIDTHS, chromium, drawn, needs_chromium, opened
from .made_up import DAY, facts

HOSTILE = "<script>window.hacked=1</script>"

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    sample = Rejected("s", DAY, HOSTILE, 1, {HOSTILE: HOSTILE}, ((HOSTILE, HOSTILE),))
    names = (HOSTILE, "'\"><img src=x onerror=window.hacked=1>", "</script><script>window.hacked=1</script>", "C")
    every = {
        "usual": facts(30, carriers=("FedEx", "UPS", "Amazon Logistics"), origins=("NY_Warehouse", "TX_Warehouse")),
        "hostile": facts(14, carriers=names, origins=names, cities=names, rejected=[sample]),
        "years": facts(3653),
        "unknown": facts(3, known=False, carriers=("An unreasonably long name of a carrier, " * 3,)),
    }
    made, bundle = {}, script()
    for name, told in every.items():
        made[name] = folder / f"{name}.html"
        made[name].write_text(draw(told, bundle, datetime(2026, 11, 24, tzinfo=UTC)).html, "utf-8")
    return made


@pytest.fixture(scope="module", params=list(WIDTHS))
def browser(request: pytest.FixtureRequest) -> Iterator[webdriver.Chrome]:
    with chromium(request.param) as driver:
        yield driver


@pytest.mark.parametrize("name", ["usual", "hostile", "years", "unknown"])
def test_it_draws_without_errors_network_or_overflow(browser: webdriver.Chrome, pages: dict[str, Path], name: str) -> None:
    opened(browser, pages[name])
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert browser.execute_script("return window.hacked") is None
    marks = browser.execute_script(
        "return [...document.querySelectorAll('.chart')].filter(e => e.offsetParent)"
        ".map(e => e.querySelectorAll('svg .mark-rect path, svg .mark-line path, svg .mark-symbol path').length)"
    )
    assert len(marks) >= 4
    assert min(marks) > 0
    wide, seen = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert wide <= seen
    cut = "return [...document.querySelectorAll('svg text')].map(e => e.textContent).filter(text => text.includes('…'))"
    assert browser.execute_script(cut) == []
    wider = (
        "return [...document.querySelectorAll('.scroll')].filter(e => !e.closest('.mart') && e.offsetParent"
        " && e.scrollWidth > e.clientWidth).map(e => e.textContent)"
    )
    assert browser.execute_script(wider) == []


def test_foreign_content_is_blocked_and_logged(browser: webdriver.Chrome, pages: dict[str, Path], tmp_path: Path) -> None:
    foreign = (
        "<script>window.hacked=1</script><img src=x onerror=window.hacked=1><style>body { color: red }</style>"
        '<p style="color: red"></p><img src="https://example.invalid/pixel.png">'
    )
    page = tmp_path / "page.html"
    page.write_text(pages["usual"].read_text("utf-8").replace("</main>", f"{foreign}</main>"), "utf-8")
    opened(browser, page)
    logged = [entry["message"] for entry in browser.get_log("browser") if "Content Security Policy" in entry["message"]]
    blocked = [sum(directive in message for message in logged) for directive in ("script-src", "style-src", "img-src")]
    # The script and the handler; the stylesheet and the attribute; the local and the remote image.
    assert blocked == [2, 2, 2]
    assert browser.execute_script("return window.hacked") is None
    assert browser.execute_script("return getComputedStyle(document.body).color") != "rgb(255, 0, 0)"


def test_a_heading_sorts_and_unknown_comes_last(browser: webdriver.Chrome, pages: dict[str, Path]) -> None:
    opened(browser, pages["usual"])
    names = "return [...document.querySelectorAll('.sortable tbody th')].map(e => e.textContent)"
    heading = browser.find_element(By.CSS_SELECTOR, ".sortable th:first-child button")
    browser.execute_script("arguments[0].click()", heading)
    assert browser.execute_script(names) == ["Amazon Logistics", "FedEx", "UPS"]
    browser.execute_script("arguments[0].click()", heading)
    assert browser.execute_script(names) == ["UPS", "FedEx", "Amazon Logistics"]
    assert heading.find_element(By.XPATH, "..").get_attribute("aria-sort") == "descending"


def test_the_lanes_switch_between_measures(browser: webdriver.Chrome, pages: dict[str, Path]) -> None:
    opened(browser, pages["usual"])
    for measure in ("on_time_pct", "cost_per_tonne_km", "shipments"):
        browser.execute_script("arguments[0].click()", browser.find_element(By.ID, f"tab-{measure}"))
        drawn(browser)
        visible = "return [...document.querySelectorAll('[role=tabpanel]')].filter(e => !e.hidden).map(e => e.id)"
        assert browser.execute_script(visible) == [f"panel-{measure}"]
        assert browser.find_elements(By.CSS_SELECTOR, f"#panel-{measure} svg .mark-rect path")


def test_light_and_dark_by_system_and_by_hand(browser: webdriver.Chrome, pages: dict[str, Path]) -> None:
    colour = "return getComputedStyle(document.body).backgroundColor"
    seen = {}
    for scheme in ("light", "dark"):
        feature = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})
        opened(browser, pages["usual"])
        seen[scheme] = browser.execute_script(colour)
    assert seen["light"] != seen["dark"]
    browser.execute_script("document.getElementById('theme').click()")
    assert browser.execute_script(colour) == seen["light"]
    browser.execute_script("document.getElementById('theme').click()")
    assert browser.execute_script(colour) == seen["dark"]


def test_every_mark_has_a_tooltip(browser: webdriver.Chrome, pages: dict[str, Path]) -> None:
    opened(browser, pages["usual"])
    mark = browser.find_element(By.CSS_SELECTOR, "[data-chart=load-0] svg .mark-rect path")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", mark)
    ActionChains(browser).move_to_element(mark).perform()
    tip = browser.find_element(By.ID, "vg-tooltip-element").text
    assert "shipments a day" in tip
    assert "capacity a day" in tip
