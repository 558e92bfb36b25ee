"""The built site: it is complete, every link and anchor exists, and nothing is fetched from other hosts."""

import os
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import typer
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

import shipment_etl
from shipment_etl import errors
from shipment_etl.cli.commands import app
from shipment_etl.transform.marts import MARTS
from tests.documents import ROOT
from tests.reporting.chromium import CHROMIUM, DRIVER, needs_chromium

pytestmark = pytest.mark.slow
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """The links of a page, the files that it fetches, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.fetched: set[str] = set()
        self.anchors: set[str] = {""}
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {given[name] or "" for name in ("id", "name") if name in given}
        if tag == "a" and given.get("href"):
            self.links.add(str(given["href"]))
        if tag == "link" and given.get("rel") not in ("canonical", "prev", "next"):
            self.fetched.add(str(given["href"]))
        if tag in FETCHED and given.get(FETCHED[tag]):
            self.fetched.add(str(given[FETCHED[tag]]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    pytest.importorskip("mkdocs", reason="the group docs is not installed; make setup installs it")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


def test_every_link_and_anchor_exists(pages: dict[Path, Page]) -> None:
    assert len(pages) > 20
    assert [each for path, page in pages.items() for each in find_broken(path, page, pages)] == []


def test_nothing_is_fetched_from_other_hosts(site: Path, pages: dict[Path, Page]) -> None:
    assert [(path.name, each) for path, page in pages.items() for each in page.fetched if urlsplit(each).netloc] == []
    styles = "".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert "url(http" not in styles
    assert "@import" not in styles


@needs_chromium
def test_search_works_in_a_site_that_is_opened_from_a_disk(site: Path) -> None:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(argument)
    with webdriver.Chrome(options=options, service=Service(DRIVER)) as browser:
        browser.get((site / "how-to/generate.html").as_uri())
        browser.find_element(By.CSS_SELECTOR, "input.md-search__input").send_keys("quarantine")
        found = WebDriverWait(browser, 30).until(lambda at: at.find_elements(By.CSS_SELECTOR, ".md-search-result__link"))
        assert "quarantine" in " ".join(str(each.get_attribute("href")) for each in found)
        assert "quarantine" in browser.find_element(By.CSS_SELECTOR, ".md-search-result__list").text.lower()


def test_the_reference_has_everything(pages: dict[Path, Page]) -> None:
    anchors = {path.name: page.anchors for path, page in pages.items() if path.parent.name == "reference"}
    commands = typer.main.get_command(app).commands
    assert {f"shipment-etl-{name}" for name in commands} <= anchors["commands.html"]
    assert {name for name in errors.__all__ if isinstance(getattr(errors, name), type)} <= anchors["errors.html"]
    assert {f"shipment_etl.{name}" for name in shipment_etl.__all__} <= anchors["python.html"]
    assert {*MARTS, "shipments", "quarantine", "runs", "contract"} <= anchors["data.html"]


def find_broken(path: Path, page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            yield f"{path.name}: {link} is not a file"
        elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
            yield f"{path.name}: {link} has no such anchor"
