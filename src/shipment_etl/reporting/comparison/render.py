"""Render: a comparison as one HTML page that works offline. The template escapes everything that comes from data."""

from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Template
from markupsafe import Markup

from shipment_etl.reporting.comparison.compare import Comparison
from shipment_etl.reporting.comparison.marts import MartComparison
from shipment_etl.reporting.comparison.totals import TOTALS
from shipment_etl.reporting.comparison.wording import (
    say_change,
    say_comparison,
    say_days,
    say_mart,
    say_row,
    say_unit,
    say_values,
)
from shipment_etl.reporting.html import digest, environment, replace_surrogates, stylesheet

__all__ = ["render"]

TEMPLATE = "comparison.html.j2"
LINES_SHOWN = 20


def render(found: Comparison, made_at: datetime, limit: int | None = None) -> str:
    """Return the page as HTML text.

    Args:
        found: what to show.
        made_at: time of creation, shown on the page.
        limit: maximum differences of each mart; 20 if None.
    """
    style = stylesheet()
    html = _template().render(
        found=found,
        made_at=f"{made_at:%Y-%m-%d %H:%M} UTC",
        style=Markup(style),  # nosec B704 # ours, not from data
        style_hash=digest(style),
        sentences=say_comparison(found),
        sides=[("A", found.a, say_days(found.a)), ("B", found.b, say_days(found.b))],
        totals=[_total(name, found) for name in found.totals],
        marts=[_mart(name, mart, limit or LINES_SHOWN, found.currency) for name, mart in found.marts.items()],
    )
    return replace_surrogates(html)


def _total(name: str, found: Comparison) -> dict[str, Any]:
    heading, unit = TOTALS[name]
    a, b = say_values(found.totals[name])
    change, clear = say_change(found.totals[name], unit), found.totals[name].significant
    return {"name": heading, "unit": say_unit(unit, found.currency), "a": a, "b": b, "change": change, "significant": clear}


def _mart(name: str, mart: MartComparison, limit: int, currency: str | None) -> dict[str, Any]:
    lines = mart.lines()
    rows = []
    for line in lines[:limit]:
        a, b = say_values(line.values)
        unit = mart.units.get(line.column, "")
        rows.append(
            {
                "row": say_row(line),
                "column": mart.headings.get(line.column, line.column),
                "unit": say_unit(unit, currency),
                "a": a,
                "b": b,
                "change": say_change(line.values, unit, line.only_in),
                "significant": line.values.significant,
            }
        )
    return {
        "name": name,
        "key": ", ".join(mart.keys),
        "said": say_mart(mart),
        "rows": rows,
        "left_out": len(lines) - len(rows),
    }


@cache
def _template() -> Template:
    return environment().get_template(TEMPLATE)
