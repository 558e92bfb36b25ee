"""The page of a comparison: it never runs anything from data, and says what it leaves out."""

import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest

from shipment_etl.errors import ExtraMissing, FileUnwritable
from shipment_etl.reporting import report
from shipment_etl.reporting.comparison.compare import Comparison, Side
from shipment_etl.reporting.comparison.marts import compare_mart
from shipment_etl.reporting.comparison.page import write_comparison
from shipment_etl.reporting.comparison.render import render
from shipment_etl.reporting.comparison.totals import Sums, compare_totals

DAY = date(2026, 11, 1)
MADE = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOSTILE = "\"'><img src=x onerror=window.hacked=1></script><!-- {{ 7*7 }} \ud800"


def comparison(names: list[str], lake: str = "lake") -> Comparison:
    a, b = (pa.table({"carrier": names, "shipments": [by * number for number in range(1, len(names) + 1)]}) for by in (1, 2))
    sums = Sums(DAY, DAY, shipments=len(names))
    sides = Side(lake, "0123456789", DAY, DAY, {}), Side(lake, "9876543210", DAY, DAY, {})
    totals = compare_totals(sums, replace(sums, shipments=0))
    return Comparison(*sides, totals, {"by_carrier": compare_mart(a, b)}, (), ())


def test_data_is_text_on_the_page() -> None:
    html = render(comparison([HOSTILE.replace("\ud800", "")], lake=HOSTILE), MADE)
    assert "<img" not in html
    assert "{{ 7*7 }}" in html
    assert html.count("&lt;img src=x") == 3
    html.encode("utf-8")


def test_its_policy_allows_its_own_stylesheet_and_nothing_else() -> None:
    html = render(comparison(["U"]), MADE)
    style = re.search(r"<style>(.*?)</style>", html, flags=re.S)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'content="{policy}"' in html
    assert "<script" not in html
    assert " style=" not in html


def test_it_says_how_many_differences_it_leaves_out() -> None:
    names = [f"Carrier {number}" for number in range(30)]
    assert "and 10 more differences" in render(comparison(names), MADE)
    assert "and 27 more differences" in render(comparison(names), MADE, limit=3)
    assert "more differences" not in render(comparison(names), MADE, limit=30)


def test_a_page_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileUnwritable):
        write_comparison(comparison(["U"]), tmp_path)
    monkeypatch.setattr(report, "find_spec", lambda name: None if name == "jinja2" else name)
    with pytest.raises(ExtraMissing, match=r"needs jinja2.* pip install 'altair<7,>=6\.3' 'jinja2>=3\.1\.6'"):
        write_comparison(comparison(["U"]), tmp_path / "page.html")
