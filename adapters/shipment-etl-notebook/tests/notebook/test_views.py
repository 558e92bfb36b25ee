"""What notebooks show: complete, drawn, and with everything from data escaped."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from shipment_etl import Lake, Network, Run, run_generate, run_process
from shipment_etl.errors import InvalidValue, NothingToReport
from shipment_etl.lake.runs import FAILED, RowCounts
from shipment_etl.reporting.assets import asset
from shipment_etl_notebook import load_ipython_extension, mart, unload_ipython_extension
from shipment_etl_notebook.views import MartView, lake_html, run_html

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&"
FEDEX = Network.default().carriers[0]

CHARTS = {
    "carrier_performance": 0,
    "route_efficiency": 3,
    "cost_analysis": 1,
    "delay_trends": 1,
    "warehouse_demand": 4,
    "open_shipments": 0,
}
"""Mart → number of its charts."""


class Tags(HTMLParser):
    """The tags of a page and their attributes; checks that each is closed properly."""

    VOID = frozenset({"br", "img", "meta"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        # Text of different elements is not one word.
        self.text += f"{data}\n"

    def count(self, tag: str) -> int:
        return [name for name, _ in self.seen].count(tag)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Run]:
    """Return a lake of two days, with a carrier that has a hostile name, and its last run."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    carriers = (FEDEX, replace(FEDEX, name=HOSTILE))
    network = replace(Network.default(), carriers=carriers)
    for day in ("2026-11-23", "2026-11-24"):
        run_generate(lake, date=day, rows=500, defects=0.05, network=network)
        run = run_process(lake, date=day, network=network)
    return lake, run


def safe(html: str) -> Tags:
    """Read HTML, and check that nothing in it runs, loads or escapes its element."""
    tags = Tags(html)
    assert tags.open == []
    assert {name for name, _ in tags.seen} & {"script", "img", "iframe", "object", "link", "a"} == set()
    attributes = [(name, value) for _, every in tags.seen for name, value in every.items()]
    assert [name for name, _ in attributes if name.startswith("on") or name.endswith("href")] == []
    return tags


def test_a_run_shows_where_every_row_went_and_why(shown: tuple[Lake, Run]) -> None:
    _, run = shown
    tags = safe(run_html(run))
    assert tags.count("svg") == 2
    counts = run.counts
    told = f"500 read = {' + '.join(f'{rows} {name}' for name, rows in counts.parts.items())}"
    assert told in " ".join(tags.text.split())
    # Long labels are wrapped.
    shown_text = "".join(tags.text.split())
    assert [name for name in run.reasons if name not in shown_text] == []
    assert set(run.tables) <= set(tags.text.split())


def test_a_failed_run_shows_its_error(shown: tuple[Lake, Run]) -> None:
    failed = replace(
        shown[1], status=FAILED, error=HOSTILE, source=HOSTILE, counts=RowCounts(0, 0), reasons={HOSTILE: 1}, tables={}
    )
    tags = safe(run_html(failed))
    assert ("p", {"class": "bad"}) in tags.seen
    assert tags.text.count(HOSTILE) >= 2
    assert ("span", {"class": "status bad"}) in tags.seen


def test_a_lake_shows_its_sentences_its_charts_and_its_runs(shown: tuple[Lake, Run]) -> None:
    tags = safe(lake_html(shown[0]))
    assert tags.count("svg") == 2
    assert HOSTILE in tags.text
    assert tags.text.count("generate") == tags.text.count("process") == 2
    assert "came on time" in " ".join(tags.text.split())


@pytest.mark.parametrize(("name", "charts"), CHARTS.items())
def test_a_mart_shows_its_charts_and_its_rows(shown: tuple[Lake, Run], name: str, charts: int) -> None:
    lake, run = shown
    view = mart(lake, name)
    tags = safe(view._repr_html_())
    assert tags.count("svg") == charts
    assert len(view.frame) == run.tables[f"processed/{name}"].rows
    assert f"{name}: {len(view.frame):,} rows" in repr(view)
    assert set(view.frame.columns) <= set(tags.text.split())


def test_columns_and_values_of_any_mart_are_escaped() -> None:
    view = MartView(HOSTILE, pd.DataFrame({HOSTILE: [HOSTILE] * 30}), {})
    tags = safe(view._repr_html_())
    assert tags.text.count(HOSTILE) == 22
    assert "and 10 more rows" in tags.text


def test_an_unknown_mart_is_refused_with_the_known_ones(shown: tuple[Lake, Run]) -> None:
    with pytest.raises(InvalidValue, match=r"carrier_performance.*warehouse_demand"):
        mart(shown[0], "delays")


def test_a_lake_without_runs_says_so_instead_of_failing(tmp_path: Path) -> None:
    assert "There is no lake" in safe(lake_html(Lake(tmp_path / "none"))).text
    (tmp_path / "notes.txt").write_text("no run was logged yet")
    with pytest.raises(NothingToReport):
        mart(Lake(tmp_path), "delay_trends")


def test_a_lake_with_only_raw_data_says_so(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    run_generate(lake, date="2026-11-23", rows=10)
    tags = safe(lake_html(lake))
    assert "Nothing has been processed yet." in tags.text
    assert "generate" in tags.text


def test_every_colour_of_a_chart_is_defined_for_light_and_dark(shown: tuple[Lake, Run]) -> None:
    lake, run = shown
    pages = [run_html(run), lake_html(lake), *(mart(lake, name)._repr_html_() for name in CHARTS)]
    used = {name for page in pages for name in re.findall(r"var\((--[\w-]+)\)", page)}
    assert len(used) > 10
    for scheme in ("light", "dark"):
        assert used <= set(re.findall(r"(--[\w-]+):", asset(f"{scheme}.css")))


# In IPython.


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    made = InteractiveShell.instance()
    load_ipython_extension(made)
    yield made
    unload_ipython_extension(made)
    InteractiveShell.clear_instance()


def test_ipython_shows_html_once_the_extension_is_loaded(shown: tuple[Lake, Run], shell: InteractiveShell) -> None:
    lake, run = shown
    assert shell.display_formatter is not None
    for value in (lake, run, mart(lake, "delay_trends")):
        data, _ = shell.display_formatter.format(value)
        assert 'class="shipment-etl"' in data["text/html"]
        assert data["text/plain"]
    unload_ipython_extension(shell)
    data, _ = shell.display_formatter.format(run)
    assert set(data) == {"text/plain"}


def test_loading_the_extension_imports_nothing_heavy() -> None:
    code = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell as S; before = set(sys.modules);"
        "S.instance().extension_manager.load_extension('shipment_etl_notebook');"
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before} & "
        "{'pandas', 'pyspark', 'altair', 'deltalake', 'vl_convert'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
