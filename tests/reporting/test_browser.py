"""The page in a real browser: it draws, sorts and switches, fits a phone, and asks no network for anything."""

import json
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from shipment_etl.reporting.bundle import script
from shipment_etl.reporting.reading import Rejected
from shipment_etl.reporting.render import render

from .made_up import DAY, facts

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
DRIVER = shutil.which("chromedriver")
WIDTHS = {"desktop": 1280, "phone": 390}
HOSTILE = "<script>window.hacked=1</script>"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None,
        reason="no Chromium with chromedriver on the path: apt-get install chromium chromium-driver",
    ),
]


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
        made[name].write_text(render(told, bundle, datetime(2026, 11, 24, tzinfo=UTC)), "utf-8")
    return made


@pytest.fixture(scope="module", params=list(WIDTHS))
def browser(request: pytest.FixtureRequest) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    width = WIDTHS[request.param]
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": request.param == "phone"}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    yield driver
    driver.quit()


def opened(browser: webdriver.Chrome, page: Path) -> None:
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(page.as_uri())
    drawn(browser)


def drawn(browser: webdriver.Chrome) -> None:
    """Wait until every chart that can be seen is drawn."""
    waiting = (
        "return [...document.querySelectorAll('.chart')].filter(e => e.offsetParent && e.dataset.drawn !== 'done').length"
    )
    deadline = time.monotonic() + 30
    while browser.execute_script(waiting) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert browser.execute_script(waiting) == 0


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


def test_what_is_not_its_own_is_blocked_and_logged(
    browser: webdriver.Chrome, pages: dict[str, Path], tmp_path: Path
) -> None:
    foreign = (
        "<script>window.hacked=1</script><img src=x onerror=window.hacked=1><style>body { color: red }</style>"
        '<p style="color: red"></p><img src="https://example.invalid/pixel.png">'
    )
    page = tmp_path / "page.html"
    page.write_text(pages["usual"].read_text("utf-8").replace("</main>", f"{foreign}</main>"), "utf-8")
    opened(browser, page)
    logged = [entry["message"] for entry in browser.get_log("browser") if "Content Security Policy" in entry["message"]]
    blocked = [sum(directive in message for message in logged) for directive in ("script-src", "style-src", "img-src")]
    # The script and the handler; the sheet and the attribute; the file beside the page and the picture elsewhere.
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


def test_every_mark_explains_itself(browser: webdriver.Chrome, pages: dict[str, Path]) -> None:
    opened(browser, pages["usual"])
    mark = browser.find_element(By.CSS_SELECTOR, "[data-chart=load-0] svg .mark-rect path")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", mark)
    ActionChains(browser).move_to_element(mark).perform()
    tip = browser.find_element(By.ID, "vg-tooltip-element").text
    assert "shipments a day" in tip
    assert "capacity a day" in tip
