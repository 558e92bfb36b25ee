"""Accessibility: axe finds no violations on a page, light and dark, wide and narrow, with everything expanded."""

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from shipment_etl.reporting.bundle import script
from shipment_etl.reporting.reading import Rejected
from shipment_etl.reporting.render import draw

from .chromium import chromium, needs_chromium, opened
from .made_up import DAY, facts

pytestmark = [pytest.mark.slow, needs_chromium]

RUN = """
const done = arguments[0];
document.querySelectorAll("details").forEach((each) => { each.open = true; });
axe.run(document, { resultTypes: ["violations"] }).then((found) => done(found.violations));
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sample = Rejected("s", DAY, "file.csv", 1, {"carrier": "X"}, (("carrier:isin", "carrier is X, must be one of: C1"),))
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(draw(facts(30, rejected=[sample]), script(), datetime(2026, 11, 24, tzinfo=UTC)).html, "utf-8")
    return file


@pytest.mark.parametrize("screen", ["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Path, screen: str, scheme: str) -> None:
    with chromium(screen) as browser:
        feature = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})
        opened(browser, page)
        browser.set_script_timeout(120)
        browser.execute_script((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
        found = browser.execute_async_script(RUN)
    assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []
