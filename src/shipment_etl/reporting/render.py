"""Render: facts as one HTML page. The template engine escapes everything that comes from data."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from shipment_etl.lake.runs import sum_counts
from shipment_etl.printable import FORMULA_STARTS
from shipment_etl.reporting import charts
from shipment_etl.reporting.actions import actions
from shipment_etl.reporting.advice import Action, say_advice
from shipment_etl.reporting.assets import asset
from shipment_etl.reporting.contents import (
    MAX_REASONS,
    count_warnings,
    find_warnings,
    group_batches,
    open_rows,
    reason_rows,
    reasons_of,
    run_rows,
    samples,
    tiles,
)
from shipment_etl.reporting.findings import figures, measure_change, measure_load, select_period
from shipment_etl.reporting.html import digest, environment, replace_surrogates, stylesheet
from shipment_etl.reporting.method import ALIKE_NOTE, INTERVAL_NOTE, METHOD
from shipment_etl.reporting.periods import Period, full_days
from shipment_etl.reporting.reading import Facts
from shipment_etl.reporting.scorecard import headings, scorecard
from shipment_etl.reporting.series import Series, cost_by_month, delay_trend, lane_grid, warehouse_load
from shipment_etl.reporting.tables import FILTERS, TIMES, choices, filters_of, mart_table, marts_of
from shipment_etl.reporting.wording import (
    Sentence,
    dates,
    lane,
    say_change,
    say_currencies,
    say_fringe,
    say_load,
)

__all__ = ["Page", "draw", "sentences"]

TEMPLATE = "page.html.j2"


class Page(NamedTuple):
    """A report: its HTML, and the sentences at its top."""

    html: str
    sentences: tuple[Sentence, ...]


def draw(facts: Facts, script: str, made_at: datetime) -> Page:
    """Return the page.

    Args:
        facts: what to report.
        script: the JavaScript that draws charts, from `bundle.script`.
        made_at: time of creation, shown on the page.
    """
    own, style = asset("page.js") + asset("tables.js"), stylesheet()
    context: dict[str, Any] = {
        "facts": facts,
        "made_at": f"{made_at:%Y-%m-%d %H:%M} UTC",
        "style": Markup(style),  # nosec B704 # ours, not from data
        "bundle": Markup(script),  # nosec B704 # ours, not from data
        "script": Markup(own),  # nosec B704 # ours, not from data
        "script_hashes": [digest(script), digest(own)],
        "style_hash": digest(style),
        "runs": run_rows(facts.runs),
        "counts": sum_counts(facts.batches, facts.shipments),
        "batches": group_batches(facts.landed),
        "versions": dict(facts.basis.versions) if facts.basis else {},
        "fingerprints": dict(facts.basis.tables) if facts.basis else {},
        "config": {
            "charts": dict(charts.CONFIG),
            "filters": {name: label.lower() for name, label in FILTERS.items()} | {"from": "period", "to": "period"},
            "formulaStarts": FORMULA_STARTS,
            "keys": {name: filters_of(frame.columns) for name, frame in marts_of(facts).items()},
            "times": TIMES,
        },
        "charts": {},
    }
    body = _body(facts)
    html = _environment().get_template(TEMPLATE).render({**context, **body})
    return Page(replace_surrogates(html), body["sentences"])


def sentences(facts: Facts) -> tuple[Sentence, ...]:
    """Return the sentences at the top: what changed, where to act, bottlenecks; empty if no shipment was accepted."""
    return _say(facts, _actions(facts))


def _say(facts: Facts, found: Sequence[Action]) -> tuple[Sentence, ...]:
    if facts.now is None:
        return ()
    now = figures(select_period(facts.recent, facts.now))
    before = figures(select_period(facts.recent, facts.before)) if facts.before else None
    return (
        say_change(
            measure_change(now, before),
            facts.now,
            facts.before,
            facts.on_time_target,
            (_full_days(facts).last - facts.now.last).days,
        ),
        say_advice(next(iter(found), None), facts.now, facts.currency),
        say_load(measure_load(facts.demand, facts.now, facts.before), facts.now, facts.before),
    )


def _full_days(facts: Facts) -> Period:
    by_day = facts.trends.groupby("shipment_date")["shipments"].sum()
    return full_days(dict(zip(by_day.index, map(int, by_day), strict=True)))


def _actions(facts: Facts) -> list[Action]:
    if facts.now is None:
        return []
    return actions(
        select_period(facts.recent, facts.now), select_period(facts.recent, facts.before) if facts.before else None
    )


def _body(facts: Facts) -> dict[str, Any]:
    """Return what the template needs apart from the runs; only a part of it if no shipment was accepted."""
    rejected = reasons_of(facts.batches)
    counts = sum_counts(facts.batches, facts.shipments)
    drawn: dict[str, Any] = {}
    if counts.read:
        drawn["accounting"] = charts.accounting(counts.parts)
    body: dict[str, Any] = {
        "sentences": (),
        "charts": drawn,
        "reasons": reason_rows(rejected, facts.rejected),
        "reasons_left_out": max(0, len(rejected) - MAX_REASONS),
        "warned": list(count_warnings(facts.batches).items())[:MAX_REASONS],
        "samples": samples(facts.rejected),
        "warnings": find_warnings(facts.runs, facts.waiting),
    }
    if facts.now is None:
        return body
    found = _actions(facts)
    first = found[0] if found and found[0].is_due else None
    full = _full_days(facts)
    fringe = sum(not full.first <= day <= full.last for day in facts.trends["shipment_date"].unique())
    now = figures(select_period(facts.recent, facts.now))
    before = figures(select_period(facts.recent, facts.before)) if facts.before else None
    trend, costs, grid, loads = (
        delay_trend(select_period(facts.trends, Period(full.first, facts.now.last))),
        cost_by_month(facts.costs),
        lane_grid(facts.lanes),
        warehouse_load(select_period(facts.demand, full)),
    )
    measures, lane_headings = _measures(grid), headings("route_efficiency", facts.currency)
    in_transit, open_counts, open_note = open_rows(facts)
    target = facts.on_time_target
    most_delayed = None if target is None else round(100 * (1 - target), 6)
    drawn["trend"] = charts.trend(trend, facts.now, most_delayed)
    if costs.rows:
        drawn["cost"] = charts.cost(costs, facts.currency)
    # A heat map marks one lane only; an action on more is only in the sentence.
    marked = (first.origin, first.city) if first and first.origin and first.city else None
    for measure in measures:
        drawn[f"lanes-{measure}"] = charts.heat_map(grid, measure, lane_headings, marked)
    tables = [mart_table(name, frame) for name, frame in marts_of(facts).items() if len(frame)]
    for place, warehouse in enumerate(loads.names):
        drawn[f"load-{place}"] = charts.load(loads, warehouse)
    return {
        **body,
        "sentences": _say(facts, found),
        "now": dates(facts.now),
        "before": dates(facts.before) if facts.before else None,
        "tiles": tiles(now, before, target, facts.currency),
        "currency_note": say_currencies(facts.currencies) if len(costs.rows) else "",
        "currencies_differ": len(facts.currencies - {None}) > 1,
        "most_delayed": most_delayed,
        "actions": found,
        "alike_note": ALIKE_NOTE,
        "interval_note": INTERVAL_NOTE,
        "method": METHOD,
        "first": first,
        "scorecard": scorecard(facts, first),
        "in_transit": in_transit,
        "open_counts": open_counts,
        "open_note": open_note,
        "trend": trend,
        "costs": costs,
        "grid": grid,
        # So many columns do not fit on a phone: there the chart scrolls sideways.
        "grid_is_wide": min(len(grid.names), len({row["origin"] for row in grid.rows})) > charts.MAX_COLUMNS_WITH_TEXT,
        "loads": loads,
        "fringe_note": say_fringe(fringe, full),
        "tables": tables,
        "choices": choices(tables),
        "measures": {measure: lane_headings[measure].label for measure in measures},
        "warehouses": [_days_above_capacity(loads, name) for name in loads.names],
    }


def _measures(grid: Series) -> list[str]:
    return [name for name in charts.MEASURES if any(row[name] is not None for row in grid.rows)]


def _days_above_capacity(loads: Series, name: str) -> dict[str, Any]:
    own = [row for row in loads.rows if row["warehouse"] == name]
    known = [row["congested"] for row in own if row["congested"] is not None]
    capacity = next((row["capacity"] for row in reversed(own) if row["capacity"]), None)
    return {
        "name": name,
        "capacity": capacity,
        "congested": sum(known) if known else None,
        "days": sum(row["days"] for row in own),
    }


@cache
def _environment() -> Environment:
    made = environment()
    made.filters["tied"] = _tie
    made.globals["lane"] = lane
    return made


def _tie(text: str) -> str:
    """Prevent line breaks between a number and its per cent sign."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")
