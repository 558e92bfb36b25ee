"""Charts: series as Vega-Lite specifications, which the page draws.

Colours are the page's CSS custom properties, so that charts need not be redrawn for light, dark and print.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from math import sqrt
from types import MappingProxyType
from typing import Any

import altair as alt

from shipment_etl.reporting.periods import Period
from shipment_etl.reporting.series import OTHERS, Series
from shipment_etl.reporting.wording import Heading

__all__ = ["CONFIG", "MAX_COLUMNS_WITH_TEXT", "MEASURES", "accounting", "cost", "heat_map", "load", "reasons", "trend"]

Row = dict[str, Any]
Spec = dict[str, Any]

STEPS = 7
CATEGORIES = 7
MAX_COLUMNS_WITH_TEXT = 8
ROW_PIXELS = 30
MAX_MARKED = 60
"""Bars up to which congested ones get a mark as well as a colour; with more, marks would overlap."""
MIN_LINE, MAX_LINE = 14, 24
"""Characters per line of a label that is longer than `MAX_LINE`."""
LINE = re.compile(rf"(.{{{MIN_LINE},{MAX_LINE - 1}}}?[ _:,/-]|.{{{MAX_LINE}}})(?=.)")
"""One line of a wrapped label; `LINES` wraps it in the same way in the page."""
BROKEN = f"split(replace(datum.label, regexp('{LINE.pattern}', 'g'), '$1\\n'), '\\n')"
LINES = f"length(datum.label) > {MAX_LINE} ? {BROKEN} : datum.label"
LINE_PIXELS = 14
MAX_LINES = 6
"""Lines of a label up to which it is centred in its row."""
PIXELS_OF_A_LETTER = 7
MIN_PIXELS_OF_A_NUMBER = 34
MIN_TOP_PCT = 1
"""Minimum top of the axis of a share; with only zeros, they would otherwise be in the middle of the axis."""

ROUND = "datum.value ? format(datum.value, '~s') : '0'"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

CONFIG: Mapping[str, Any] = MappingProxyType(
    {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            **{"labelColor": "var(--muted)", "titleColor": "var(--muted)", "gridColor": "var(--line)"},
            **{"domainColor": "var(--line)", "tickColor": "var(--line)", "labelFontSize": 12, "titleFontSize": 12},
            **{"titleFontWeight": 500, "labelLimit": 0, "labelPadding": 6},
        },
        "legend": {
            **{"labelColor": "var(--ink)", "titleColor": "var(--muted)", "labelFontSize": 12, "titleFontSize": 12},
            **{"symbolType": "square", "orient": "top", "title": None, "columns": 4, "labelLimit": 130},
        },
    }
)

MEASURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"shipments": (".3~s", ",.0f"), "on_time_pct": (".1f", ".1f"), "cost_per_tonne_km": (".3~g", ".4~g")}
)
"""Measure of a heat map → the format of its numbers in a cell, and in the tooltip."""


IN_TIME = "(from === '' || toDate(datum.until) > toDate(from)) && (to === '' || toDate(datum.day) <= toDate(to))"
"""Whether a row has a day in the chosen period."""
IN_MONTHS = (
    "(from === '' || datum.month >= slice(from, 0, length(datum.month))) && "
    "(to === '' || datum.month <= slice(to, 0, length(datum.month)))"
)
"""Whether the month or year of a row has a day in the chosen period."""
TIME_LABELS = {"day": "%a %-d %b %Y", "week": "from %a %-d %b %Y", "month": "%b %Y"}
"""Format of the time of a row, by its grain."""
PALE = 0.15
"""Opacity of what is not chosen, in a chart that keeps everything in its place."""


def accounting(counts: Mapping[str, int]) -> Spec:
    """Return one bar with the outcome of all rows: accepted, quarantined, duplicates, overtaken."""
    whole = sum(counts.values()) or 1
    rows = [
        {"what": name, "rows": rows, "share": rows / whole, "place": place}
        for place, (name, rows) in enumerate(counts.items())
    ]
    colours = ["var(--c1)", "var(--c6)", "var(--c2)", "var(--c3)"]
    chart = _chart(rows).mark_bar(height=26, stroke="var(--card)", strokeWidth=1)
    return _spec(
        chart.encode(
            x=alt.X("rows:Q", stack="zero", axis=None, scale=alt.Scale(domain=[0, whole], nice=False)),
            color=alt.Color("what:N", scale=alt.Scale(domain=list(counts), range=colours), legend=None),
            order="place:O",
            tooltip=[_text("what", "rows that were"), _quantity("rows", "rows"), _quantity("share", "share", ".2%")],
        ).properties(height=30)
    )


def reasons(rejected: Mapping[str, int]) -> Spec:
    """Return bars of rejected rows by reason, the most frequent on top."""
    rows = [{"reason": name, "rows": rows} for name, rows in rejected.items()]
    base = _chart(rows).encode(
        x=alt.X("rows:Q", axis=None, scale=alt.Scale(padding=0)),
        y=alt.Y("reason:N", sort=None, title=None, axis=_row_axis()),
        tooltip=[_text("reason", "reason"), _quantity("rows", "rows")],
    )
    bars = base.mark_bar(color="var(--c6)", height={"band": 0.62})
    labels = base.mark_text(align="left", dx=5, color="var(--muted)").encode(text=alt.Text("rows:Q", format=","))
    height = _row_pixels(rejected, 24) * len(rows)
    return _spec((bars + labels).properties(height=max(40, height)), pad_right=50)


def heat_map(grid: Series, measure: str, headings: Mapping[str, Heading], acted_on: tuple[str, str] | None) -> Spec:
    """Return origins × destinations coloured by a measure, the lane to act on outlined.

    Args:
        grid: from `lane_grid`.
        measure: one of `MEASURES`.
        headings: headings of all `MEASURES`.
        acted_on: origin and city of the lane to act on, if any.
    """
    form, _ = MEASURES[measure]
    origins, cities = list(dict.fromkeys(row["origin"] for row in grid.rows)), list(grid.names)
    orders = {"origin": origins, "city": cities}
    # The side with fewer names runs across, so that cells stay wide enough on a phone; on a tie, the shorter names.
    across, down = sorted(orders, key=lambda side: (len(orders[side]), max(map(len, orders[side]), default=0)))
    worst_is_low = measure == "on_time_pct"
    # Few lanes carry most of the volume, so square roots are compared.
    values = [sqrt(row[measure]) if measure == "shipments" else row[measure] for row in grid.rows]
    steps = _steps(values, worst_is_low)
    rows: list[Row] = [
        {**row, "step": step, "act": (row["origin"], row["city"]) == acted_on}
        for row, step in zip(grid.rows, steps, strict=True)
    ]
    ramp = "blue" if measure == "shipments" else "heat"
    fill = alt.condition(
        "datum.step === null",
        alt.value("var(--line)"),
        alt.Color(
            "step:O",
            scale=alt.Scale(domain=list(range(STEPS)), range=[f"var(--{ramp}{step})" for step in range(STEPS)]),
            legend=None,
        ),
    )
    chosen = f"{_is_chosen('origin_warehouse', 'origin')} && {_is_chosen('destination_city', 'city')}"
    base = _chart(rows).encode(
        x=alt.X(f"{across}:N", sort=orders[across], title=None, axis=_column_axis(orders[across])),
        y=alt.Y(f"{down}:N", sort=orders[down], title=None, axis=_row_axis()),
        tooltip=[
            _text("origin", "from"),
            _text("city", "to"),
            *(_quantity(name, _label(headings[name]), beside) for name, (_, beside) in MEASURES.items()),
        ],
    )
    opacity = alt.condition(chosen, alt.value(1), alt.value(PALE))
    cells = base.mark_rect(cornerRadius=3, stroke="var(--card)", strokeWidth=2).encode(color=fill, opacity=opacity)
    outline = base.mark_rect(cornerRadius=3, filled=False, stroke="var(--ink)", strokeWidth=2.5, tooltip=None)
    layers = cells + outline.transform_filter("datum.act")
    if len(orders[across]) <= MAX_COLUMNS_WITH_TEXT:
        # Opacity already shows the filter, so numbers that do not fit are hidden by size 0.
        size = alt.ExprRef(f"bandwidth('x') < {MIN_PIXELS_OF_A_NUMBER} ? 0 : 12")
        labels = base.mark_text(fontSize=size).encode(
            opacity=opacity,
            text=alt.condition(f"datum.{measure} === null", alt.value("–"), alt.Text(f"{measure}:Q", format=form)),
            color=alt.condition("datum.step >= 4", alt.value("var(--cell-strong)"), alt.value("var(--cell-weak)")),
        )
        layers += labels
    height = _row_pixels(orders[down], ROW_PIXELS) * len(orders[down])
    described = layers.properties(height=height, description=f"{headings[measure].name} by lane")
    return _add_filter(_spec(described), grid, has_times=False)


def trend(series: Series, now: Period | None, most_pct: float | None = None) -> Spec:
    """Return the share of delayed shipments: dots by day with their 7-day line, or a line by week or month.

    Args:
        series: from `delay_trend`.
        now: the period to mark, if any.
        most_pct: the delayed share that a target allows, if there is one.
    """
    tips = [_text("label", series.grain), _quantity("pct", "delayed, %", ".1f")]
    if series.grain == "day":
        tips.append(_quantity("pct_7d", "over 7 days, %", ".1f"))
    tips += [_quantity("delayed", "delayed"), _quantity("shipments", "shipments")]
    base = (
        _chart(series.rows)
        .transform_calculate(
            until=f"utcOffset('{series.grain}', toDate(datum.day), 1)",
            label=f"utcFormat(toDate(datum.day), '{TIME_LABELS[series.grain]}')",
        )
        .transform_filter(f"datum.destination_city === destination_city && {IN_TIME}")
        .encode(
            x=_time_axis("day"),
            y=alt.Y("pct:Q", title="delayed, % of shipments", scale=alt.Scale(nice=True), axis=alt.Axis(tickCount=5)),
            tooltip=tips,
        )
    )
    # Invisible, but the axis extends to it.
    layers: list[alt.Chart] = [_chart([{"pct": MIN_TOP_PCT}]).mark_rule(opacity=0, tooltip=None).encode(y="pct:Q")]
    if now is not None and series.grain == "day":
        span = [{"from": now.first.isoformat(), "to": (now.last + timedelta(days=1)).isoformat()}]
        band = _chart(span).transform_filter("from === '' && to === ''").mark_rect(color="var(--band)")
        layers.append(band.encode(x=_time_axis("from"), x2="to:T"))
    if series.grain == "day":
        sizes = alt.Size("shipments:Q", scale=alt.Scale(range=[4, 40]), legend=None)
        layers.append(base.mark_circle(color="var(--muted)", opacity=0.65).encode(size=sizes))
        layers.append(base.mark_line(color="var(--c1)", strokeWidth=2.5, interpolate="monotone").encode(y="pct_7d:Q"))
    else:
        layers.append(base.mark_line(color="var(--c1)", strokeWidth=2, point={"color": "var(--c1)", "size": 14}))
    if most_pct is not None:
        limit = _chart([{"most": most_pct}]).mark_rule(color="var(--ink)", strokeDash=[4, 3], strokeWidth=1.2)
        layers.append(limit.encode(y="most:Q", tooltip=[_quantity("most", "delayed at most, % (target)", "~g")]))
    return _add_filter(_spec(alt.layer(*layers).properties(height=260)), series)


def cost(series: Series, currency: str | None = None) -> Spec:
    """Return cost by month stacked by carrier; with one or two months, carriers side by side."""
    title = f"cost, {currency}" if currency else "cost"
    carriers = list(series.names)
    colours = [f"var(--c{place % CATEGORIES + 1})" for place in range(len(carriers))]
    if carriers and carriers[-1] == OTHERS:
        colours[-1] = "var(--c8)"
    tips = [
        _text("month", series.grain),
        _text("carrier", "carrier"),
        _quantity("cost", title),
        _quantity("pct", f"% of the {series.grain}", ".1f"),
        _quantity("shipments", "shipments"),
    ]
    months = sorted({row["month"] for row in series.rows})
    rows = [{**row, "place": carriers.index(row["carrier"])} for row in series.rows]
    chosen = " && ".join(_is_chosen(name, name) for name in series.choices if name != "carrier") or "true"
    sums = (
        _chart(rows)
        .transform_filter(f"{chosen} && {IN_MONTHS}")
        .transform_aggregate(cost="sum(cost)", shipments="sum(shipments)", groupby=["month", "carrier", "place"])
        .transform_joinaggregate(total="sum(cost)", groupby=["month"])
        # Credit notes can bring the total to 0 or below, where a share has no meaning.
        .transform_calculate(pct="datum.total > 0 ? 100 * datum.cost / datum.total : null")
        .transform_filter(_is_chosen("carrier", "carrier"))
    )
    if len(months) <= 2:
        shades = ["var(--c1)"] if len(months) == 1 else ["var(--c5)", "var(--c1)"]
        legend = None if len(months) == 1 else alt.Legend()
        base = sums.encode(
            x=alt.X("cost:Q", axis=None),
            y=alt.Y("carrier:N", scale=alt.Scale(domain=carriers), title=None, axis=_row_axis()),
            yOffset=alt.YOffset("month:N", sort=months),
            tooltip=tips,
        )
        colour = alt.Color("month:N", scale=alt.Scale(domain=months, range=shades), legend=legend)
        bars = base.mark_bar(height={"band": 0.8}).encode(color=colour)
        labels = base.mark_text(align="left", dx=5, color="var(--muted)").encode(text=alt.Text("cost:Q", format=".3~s"))
        height = _row_pixels(carriers, 18 + 16 * len(months)) * len(carriers)
        return _add_filter(_spec((bars + labels).properties(height=height), pad_right=50), series)
    chart = sums.mark_bar(stroke="var(--card)", strokeWidth=0.5)
    months_axis = alt.Axis(labelAngle=0, labelOverlap="greedy", labelSeparation=12, ticks=False)
    spec = _spec(
        chart.encode(
            x=alt.X("month:O", title=None, axis=months_axis),
            y=alt.Y("sum(cost):Q", title=title, axis=alt.Axis(labelExpr=ROUND, tickCount=5)),
            color=alt.Color("carrier:N", scale=alt.Scale(domain=carriers, range=colours), legend=alt.Legend()),
            order=alt.Order("place:Q"),
            tooltip=tips,
        ).properties(height=300)
    )
    return _add_filter(spec, series)


def load(series: Series, warehouse: str) -> Spec:
    """Return a warehouse's shipments per day and its capacity, with congested days marked and in another colour."""
    own = [row for row in series.rows if row["warehouse"] == warehouse]
    every = [row["day"] for row in series.rows]
    rows = [
        {
            **row,
            "until": _find_end(row["day"], series.grain),
            "label": _time_label(row["day"], series.grain),
            "state": "over" if row["congested"] else "within",
            "mark": "" if not row["congested"] else "▲" if series.grain == "day" else str(row["congested"]),
        }
        for row in own
    ]
    tips = [_text("label", series.grain), _quantity("shipments", "shipments a day"), _quantity("capacity", "capacity a day")]
    tips += [_quantity("pct", "load, %", ".0f"), _quantity("congested", "congested days"), _quantity("days", "days")]
    axis = alt.Axis(tickCount=4, grid=False, labelOverlap="greedy", labelSeparation=12)
    time = alt.X("day:T", scale=alt.Scale(type="utc", nice=False), title=None, axis=axis)
    base = _chart(rows).transform_filter(IN_TIME).encode(x=time, x2="until:T", tooltip=tips)
    states = alt.Scale(domain=["within", "over"], range=["var(--c5)", "var(--c6)"])
    bars = base.mark_bar(stroke="var(--card)", strokeWidth=0.6).encode(
        y=alt.Y("shipments:Q", title=None, axis=alt.Axis(labelExpr=ROUND, tickCount=3)),
        y2=alt.datum(0),
        color=alt.Color("state:N", scale=states, legend=None),
    )
    # Two invisible points give all warehouses the same span of time.
    last = max(_find_end(day, series.grain) for day in every)
    ends = [{"day": day, "until": day} for day in (min(every), last)]
    span = _chart(ends).transform_filter("from === '' && to === ''")
    layers: list[alt.Chart] = [span.mark_point(opacity=0, tooltip=None).encode(x=time), bars]
    if any(row["capacity"] for row in own):
        limit = base.mark_rule(color="var(--ink)", strokeDash=[4, 3], strokeWidth=1.2)
        layers.append(limit.encode(y="capacity:Q"))
    if len(rows) <= MAX_MARKED and any(row["mark"] for row in rows):
        marked = [{**row, "middle": _middle(row["day"], row["until"])} for row in rows if row["mark"]]
        marks = _chart(marked).transform_filter(IN_TIME).mark_text(dy=-7, fontSize=10, color="var(--c6)", clip=False)
        layers.append(marks.encode(x="middle:T", y="shipments:Q", text="mark:N", tooltip=tips))
    return _add_filter(_spec(alt.layer(*layers).properties(height=130)), series)


def _chart(rows: Sequence[Row]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=list(rows)), width="container")


def _spec(chart: alt.Chart | alt.LayerChart | alt.FacetChart, pad_right: int = 8) -> Spec:
    wide = chart.properties(
        width="container",
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        padding={"left": 2, "right": pad_right, "top": 8, "bottom": 4},
    )
    spec: Spec = wide.to_dict()
    # The page sets the look of all charts, and no chart contains a URL.
    spec.pop("config", None)
    spec.pop("$schema", None)
    return spec


def _add_filter(spec: Spec, series: Series, has_times: bool = True) -> Spec:
    """Make a chart filterable by a page: add a parameter for each column, and the values to choose from.

    A parameter is empty if everything is chosen; `from` and `to` are days.
    """
    names = [*series.choices, *(["from", "to"] if has_times else [])]
    return {
        **spec,
        "params": [*spec.get("params", []), *({"name": name, "value": ""} for name in names)],
        "usermeta": {"grain": series.grain, "choices": {name: list(values) for name, values in series.choices.items()}},
    }


def _is_chosen(parameter: str, field: str) -> str:
    return f"({parameter} === '' || datum.{field} === {parameter})"


def _steps(values: Sequence[float | None], worst_is_low: bool) -> list[int | None]:
    """Assign values to equal steps from minimum to maximum, so that the last step is the one to look at."""
    known = [value for value in values if value is not None]
    if not known:
        return [None for _ in values]
    least, most = min(known), max(known)
    width = (most - least) / STEPS
    placed = [None if value is None else min(STEPS - 1, int((value - least) / width)) if width else 0 for value in values]
    return [step if step is None or not worst_is_low or not width else STEPS - 1 - step for step in placed]


def _row_axis() -> alt.Axis:
    """Return an axis of names below each other, with long ones wrapped."""
    # Vega centres the first line in a row, so a label is raised by half of the lines that follow.
    is_long = f"length(datum.label) > {MAX_LINE}"
    raised = [
        {"test": f"{is_long} && length({BROKEN}) === {lines}", "value": -LINE_PIXELS * (lines - 1) / 2}
        for lines in range(2, MAX_LINES + 1)
    ]
    return alt.Axis(ticks=False, domain=False, labelExpr=LINES, labelOffset={"condition": raised, "value": 0})


def _row_pixels(names: Iterable[str], least: int) -> int:
    """Return the row height into which the labels of all names fit."""
    lines = max((LINE.sub(r"\1\n", name).count("\n") + 1 for name in names if len(name) > MAX_LINE), default=1)
    return max(least, LINE_PIXELS * lines + 4)


def _column_axis(names: Sequence[str]) -> alt.Axis:
    """Return an axis of names next to each other, turned upright where they do not fit."""
    room = max(map(len, names), default=0) * PIXELS_OF_A_LETTER
    angle = alt.ExprRef(f"bandwidth('x') < {room} ? -90 : 0")
    align = alt.ExprRef(f"bandwidth('x') < {room} ? 'left' : 'center'")
    baseline = alt.ExprRef(f"bandwidth('x') < {room} ? 'middle' : 'bottom'")
    return alt.Axis(orient="top", labelAngle=angle, labelAlign=align, labelBaseline=baseline, ticks=False, domain=False)


def _time_axis(field: str) -> alt.X:
    axis = alt.Axis(tickCount=6, grid=False, labelOverlap="greedy", labelSeparation=12)
    return alt.X(f"{field}:T", scale=alt.Scale(type="utc"), title=None, axis=axis)


def _text(field: str, title: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:N", title=title)


def _label(heading: Heading) -> str:
    name = heading.name.lower()
    return f"{name}, {heading.unit}" if heading.unit else name


def _quantity(field: str, title: str, form: str = ",.0f") -> alt.Tooltip:
    return alt.Tooltip(f"{field}:Q", title=title, format=form)


def _time_label(day: str, grain: str) -> str:
    start = date.fromisoformat(day)
    if grain == "month":
        return f"{start:%b %Y}"
    said = f"{start:%a} {start.day} {start:%b %Y}"
    return said if grain == "day" else f"from {said}"


def _find_end(day: str, grain: str) -> str:
    start = date.fromisoformat(day)
    if grain == "month":
        return (start.replace(day=28) + timedelta(days=4)).replace(day=1).isoformat()
    return (start + timedelta(days=1 if grain == "day" else 7)).isoformat()


def _middle(day: str, until: str) -> str:
    first, last = date.fromisoformat(day), date.fromisoformat(until)
    hours = (last - first).days * 12
    return f"{(first + timedelta(days=hours // 24)).isoformat()}T{hours % 24:02d}:00:00Z"
