"""Chromium: a headless browser that opens a page and waits until it is drawn."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
DRIVER = shutil.which("chromedriver")
WIDTHS = {"desktop": 1280, "tablet": 768, "phone": 390}

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="no Chromium with chromedriver on the path: apt-get install chromium chromium-driver",
)


@contextmanager
def chromium(screen: str, downloads: Path | None = None) -> Iterator[webdriver.Chrome]:
    """Start a browser as wide as a screen; downloads go to a folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    metrics = {"width": WIDTHS[screen], "height": 900, "deviceScaleFactor": 1, "mobile": screen == "phone"}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    if downloads is not None:
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
    try:
        yield driver
    finally:
        driver.quit()


def opened(browser: webdriver.Chrome, page: Path) -> None:
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(page.as_uri())
    drawn(browser)


def drawn(browser: webdriver.Chrome) -> None:
    """Wait until every visible chart is drawn."""
    waiting = (
        "return [...document.querySelectorAll('.chart')].filter(e => e.offsetParent && e.dataset.drawn !== 'done').length"
    )
    deadline = time.monotonic() + 30
    while browser.execute_script(waiting) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert browser.execute_script(waiting) == 0
