"""Views: a run, a lake, a mart as HTML. The template engine escapes everything that comes from data."""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shipment_etl import Lake, Run
from shipment_etl.errors import InvalidValue, ShipmentEtlError, join_names
from shipment_etl.printable import printable
from shipment_etl.reporting.assets import colours
from shipment_etl.reporting.contents import run_rows
from shipment_etl.reporting.reading import read_facts
from shipment_etl.reporting.render import sentences
from shipment_etl.reporting.tables import mart_table, marts_of
from shipment_etl.reporting.wording import number
from shipment_etl_notebook.drawing import charts_of_lake, charts_of_mart, charts_of_run

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MartView", "lake_html", "mart", "run_html"]

DARK = '[data-jp-theme-light="false"] .shipment-etl, .vscode-dark .shipment-etl'
"""Selectors for the dark themes of JupyterLab and VS Code, which ignore the theme of the system."""


class MartView:
    """A mart as the newest succeeded run left it: its chart, if it has one, and its first rows.

    Attributes:
        name: of the mart.
        frame: its rows, decimals as doubles.
    """

    def __init__(self, name: str, frame: "pd.DataFrame", charts: dict[str, Markup]) -> None:
        self.name = name
        self.frame = frame
        self._charts = charts

    def __repr__(self) -> str:
        return printable(f"{self.name}: {len(self.frame):,} rows\n{self.frame.head(10).to_string(index=False)}")

    def _repr_html_(self) -> str:
        table = mart_table(self.name, self.frame)
        return _html("mart.html.j2", table=table, charts=self._charts, rows=len(self.frame))


def mart(lake: Lake, name: str) -> MartView:
    """Return a mart of a lake, to be shown; no engine is started.

    Args:
        lake: where it is.
        name: of the mart, such as delay_trends; marts of plugins work, too.

    Raises:
        InvalidValue: there is no such mart.
        LakeMissing, NothingToReport: there is no lake, or it has no runs.
    """
    facts = read_facts(lake)
    marts = marts_of(facts)
    if name not in marts:
        raise InvalidValue("The mart", name, f"one of: {join_names(marts)}")
    return MartView(name, marts[name], charts_of_mart(name, facts))


def run_html(run: Run) -> str:
    """Return a run as HTML: what it did, where every row went, which versions of tables it wrote."""
    (row,) = run_rows([run])
    return _html("run.html.j2", run=run, row=row, charts=charts_of_run(run))


def lake_html(lake: Lake) -> str:
    """Return a lake as HTML, like the start of its report: what changed, where to act, bottlenecks; and its newest runs."""
    try:
        facts = read_facts(lake)
    except ShipmentEtlError as problem:
        # Not raised: a notebook would show a traceback instead of what to do.
        return _html("problem.html.j2", problem=problem)
    return _html(
        "lake.html.j2", lake=lake, sentences=sentences(facts), runs=run_rows(facts.runs), charts=charts_of_lake(facts)
    )


def _html(template: str, **content: Any) -> str:
    return _environment().get_template(template).render(content)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("shipment_etl_notebook", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = (files("shipment_etl_notebook") / "page" / "notebook.css").read_text("utf-8")
    style = colours(".shipment-etl", "light") + colours(DARK, "dark") + own
    environment.globals["style"] = Markup(style)  # nosec B704 # ours, not from data
    environment.filters["number"] = number
    return environment
