"""The measured parts of docs/explanation/calibration.md; all other text is written by hand and stays."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.calibration.distances import QUANTILES, kolmogorov_smirnov, quantiles, shares_apart, wasserstein
from benchmarks.calibration.measures import MEASURES, SHARES, weekday_shares
from benchmarks.calibration.published import PUBLISHED
from benchmarks.calibration.tables import Table

__all__ = ["distance_rows", "figure", "parts", "published_rows", "quantile_rows", "replace_parts", "share_rows"]

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
UNKNOWN = "–"


def parts(generated: Sequence[Table], public: Sequence[Table]) -> dict[str, str]:
    """Return the text between each pair of marks of the page."""
    every = [*generated, *public]
    days = [f"{day}, %" for day in WEEKDAYS]
    return {
        "tables": _table(["table", "shipments", "what", "licence"], _about_rows(every)),
        "quantiles": _table(
            ["measure", "table", "values", *(f"{share:.0%}".replace("%", " %") for share in QUANTILES)],
            quantile_rows(every),
        ),
        "distances": _table(
            ["measure", "generated", "public", "Kolmogorov–Smirnov", "Wasserstein", "÷ interquartile range"],
            distance_rows(generated, public),
        ),
        "shares": _table(["table", *(each.name for each in SHARES), *days], share_rows(every)),
        "shares apart": _table(
            ["generated", "public", *(each.name.replace(", %", ", points") for each in SHARES), "days of the week"],
            share_distance_rows(generated, public),
        ),
        "published": _table(
            ["figure", *(each.name for each in generated), "published", "source"], published_rows(generated)
        ),
    }


def replace_parts(page: str, new: Mapping[str, str]) -> str:
    """Return a page with the text between the marks of each part replaced."""
    for name, text in new.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        before, found, rest = page.partition(begin)
        if not found or end not in rest:
            raise ValueError(f"The page has no marks of the part {name!r}.")
        page = f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}"
    return page


def quantile_rows(tables: Sequence[Table]) -> Iterator[list[str]]:
    for measure in MEASURES:
        for table in tables:
            values = measure.values(table.shipments)
            if len(values):
                yield [measure.name, table.name, f"{len(values):,}", *map(figure, quantiles(values))]


def distance_rows(generated: Sequence[Table], public: Sequence[Table]) -> Iterator[list[str]]:
    for measure in MEASURES:
        for theirs in public:
            for ours in generated:
                one, other = measure.values(ours.shipments), measure.values(theirs.shipments)
                if not len(one) or not len(other):
                    continue
                low, high = quantiles(other, (0.25, 0.75))
                moved = wasserstein(one, other)
                apart = f"{kolmogorov_smirnov(one, other):.2f}"
                yield [
                    measure.name,
                    ours.name,
                    theirs.name,
                    apart,
                    figure(moved),
                    figure(moved / (high - low)) if high > low else UNKNOWN,
                ]


def share_rows(tables: Iterable[Table]) -> Iterator[list[str]]:
    for table in tables:
        shares = [f"{each.percent(table.shipments):.1f}" for each in SHARES]
        yield [table.name, *shares, *(f"{100 * share:.1f}" for share in weekday_shares(table.shipments))]


def share_distance_rows(generated: Sequence[Table], public: Sequence[Table]) -> Iterator[list[str]]:
    for theirs in public:
        for ours in generated:
            points = (abs(each.percent(ours.shipments) - each.percent(theirs.shipments)) for each in SHARES)
            days = shares_apart(weekday_shares(ours.shipments), weekday_shares(theirs.shipments))
            yield [ours.name, theirs.name, *(f"{each:.1f}" for each in points), f"{days:.2f}"]


def published_rows(generated: Sequence[Table]) -> Iterator[list[str]]:
    for each in PUBLISHED:
        yield [each.name, *(figure(each.of(table.shipments)) for table in generated), each.published, each.source]


def figure(value: float) -> str:
    """Return a number with about three digits, without zeros at its end."""
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    text = f"{value:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if decimals else text
    return "0" if text == "-0" else text


def _about_rows(tables: Iterable[Table]) -> Iterator[list[str]]:
    for table in tables:
        yield [f"`{table.name}`", f"{len(table.shipments):,}", table.about, table.licence]


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    made = [list(row) for row in rows]
    numeric = [all(row[place][:1] in "0123456789-–" for row in made) for place in range(len(headers))]
    rule = ["---:" if each else "---" for each in numeric]
    return "".join(f"| {' | '.join(line)} |\n" for line in [list(headers), rule, *made])
