"""How often a report finds a trouble that was planted: recall and precision of "act on these", by size of the trouble.

    python -m benchmarks.findings --seeds 200
    python -m benchmarks.findings --seeds 200 --of cost
    python -m benchmarks.findings --seeds 200 --of weekday

For each seed a part of the default network is drawn: a carrier, a place, both, a lane, or a carrier on a lane. It is late:
of shipments without a trouble, 10 % are two or more days late; of those affected, some percentage points more. Or it costs
some per cent more than the day before. A batch is a period. Or the period is a week, and a warehouse is late on Thursday.

Stopped by Ctrl-C or SIGTERM, it reports the seeds that are done.
"""

import argparse
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import SparkSession

from shipment_etl import Disruption, Scenario
from shipment_etl.generator.shipments import generate
from shipment_etl.network import Network
from shipment_etl.reporting.actions import actions
from shipment_etl.reporting.advice import Action, Dearer, Later
from shipment_etl.reporting.slices import FALSE_ALARM
from shipment_etl.sessions import session
from shipment_etl.transform.clean import with_derived
from shipment_etl.transform.lane_days import lane_days

DAY, THURSDAY = date(2026, 11, 17), date(2026, 11, 19)
OTHER_DAYS = tuple(THURSDAY + timedelta(days=each) for each in (-3, -2, -1, 1))
USUAL_LATE = 10
USUAL = {-1: 30, 0: 50, 1: 10, 2: 6, 5: 4}
ROWS = (20_000, 100_000)
KINDS = ("carrier", "warehouse", "city", "carrier from warehouse", "lane", "carrier on lane")
ASSETS = Path(__file__).parents[1] / "docs" / "assets"
COLOURS = ("#0b62a3", "#c2410c")

Part = tuple[str | None, str | None, str | None]
Named = tuple[str | None, str | None, str | None, tuple[date, ...] | None]
"""A part, and the dates of the day of the week that it refers to, None for all days."""


@dataclass
class Score:
    """What was found over many seeds."""

    pages: int = 0
    first: int = 0
    among: int = 0
    named: int = 0
    right: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, planted: Named, parts: list[Named]) -> None:
        """Count a page: whether its first line names the trouble, whether any does, and how many name none of it."""
        self.pages += 1
        self.first += parts[:1] == [planted]
        self.among += planted in parts
        self.named += len(parts)
        self.right += sum(_overlap(each, planted) for each in parts)
        self.kinds[kind] += parts[:1] == [planted]


def _overlap(one: Named, other: Named) -> bool:
    """Whether two parts of the network have shipments in common, and one contains the other."""
    within = [all(b is None or a == b for a, b in zip(*pair, strict=True)) for pair in ((one, other), (other, one))]
    return any(within)


def draw_part(draw: random.Random, network: Network, kinds: Sequence[str] = KINDS) -> tuple[str, Part]:
    """Return the kind of a trouble, and its carrier, warehouse and city, None for any."""
    kind = draw.choice(kinds)
    carrier, warehouse, city = (draw.choice(each).name for each in (network.carriers, network.warehouses, network.cities))
    parts: dict[str, Part] = {
        "carrier": (carrier, None, None),
        "warehouse": (None, warehouse, None),
        "city": (None, None, city),
        "carrier from warehouse": (carrier, warehouse, None),
        "lane": (None, warehouse, city),
        "carrier on lane": (carrier, warehouse, city),
    }
    return kind, parts[kind]


@dataclass(frozen=True)
class Trouble:
    """A kind of trouble: its sizes, in a unit, a scenario of one size, and the action of a report that names it.

    It happens on one day. `before` are the days of the period before, `beside` the other days of the same period, all
    without a trouble: then a report has to name that day, too.
    """

    sizes: tuple[int, ...]
    unit: str
    what: str
    scenario: Callable[[Part | None, int], Scenario]
    action: type[Action]
    plot: str
    day: date = DAY
    before: tuple[date, ...] = ()
    beside: tuple[date, ...] = ()
    kinds: tuple[str, ...] = KINDS


def scenario_late(part: Part | None, points: int) -> Scenario:
    """Return a scenario in which more shipments of a part of the network are late, by this many percentage points."""
    late = USUAL_LATE + points
    delays = {-1: 30 * (100 - late) / 90, 0: 50 * (100 - late) / 90, 1: 10 * (100 - late) / 90, 2: 0.6 * late, 5: 0.4 * late}
    weights = {days: round(1000 * weight) for days, weight in delays.items()}
    return _scenario(part, delays=weights)


def scenario_dear(part: Part | None, percent: int) -> Scenario:
    """Return a scenario in which the shipments of a part of the network cost this many per cent more."""
    return _scenario(part, surcharge=percent)


def _scenario(part: Part | None, **trouble: Any) -> Scenario:
    names = [frozenset({each}) if each else frozenset() for each in part or (None, None, None)]
    planted = Disruption(carriers=names[0], warehouses=names[1], cities=names[2], name="planted", **trouble)
    return Scenario("planted", "", USUAL, (planted,) if part else ())


LATER = "percentage points later than others"
TROUBLES = {
    "late": Trouble((2, 5, 10, 20), "points later", LATER, scenario_late, Later, "findings.svg"),
    "cost": Trouble(
        *((5, 10, 20, 40), "% dearer", "per cent dearer than before", scenario_dear, Dearer, "findings-cost.svg"),
        before=(DAY - timedelta(days=1),),
    ),
    "weekday": Trouble(
        *((5, 10, 20, 40), "points later", f"{LATER}, on Thursdays", scenario_late, Later, "findings-weekday.svg"),
        day=THURSDAY,
        beside=OTHER_DAYS,
        kinds=("warehouse",),
    ),
}


def lane_days_of(spark: SparkSession, scenario: Scenario, rows: int, seed: int, days: Sequence[date]) -> list[pd.DataFrame]:
    """Return the roll-up of a batch for each day."""
    made = (generate(spark, date=day, rows=rows, seed=seed, scenario=scenario) for day in days)
    return [lane_days(with_derived(each)).toPandas() for each in made]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.findings", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--of", choices=TROUBLES, default="late")
    given = parser.parse_args()
    spark, network, begin = session(), Network.default(), time.monotonic()
    trouble = TROUBLES[given.of]
    scores = {(rows, size): Score() for rows in ROWS for size in trouble.sizes}
    calm = dict.fromkeys(ROWS, 0)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    done = 0
    try:
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            kind, part = draw_part(random.Random(seed), network, trouble.kinds)
            planted = (*part, (trouble.day,) if trouble.beside else None)
            found = {rows: _find(spark, trouble, rows, seed, part) for rows in ROWS}
            for rows, by_size in found.items():
                calm[rows] += bool(by_size[0])
                for size in trouble.sizes:
                    scores[rows, size].add(kind, planted, by_size[size])
            done += 1
            print(f"seed {seed}: {time.monotonic() - begin:.0f} s", flush=True)
    except KeyboardInterrupt:
        print("Stopped.")
    print("\n".join(_table(trouble, scores)))
    for rows, alarms in calm.items():
        print(f"\n{rows:,} shipments without a trouble: {alarms} false alarms on {done} pages; stated: {FALSE_ALARM:.0%}.")
    (ASSETS / trouble.plot).write_text(_plot(trouble, scores))


def _find(spark: SparkSession, trouble: Trouble, rows: int, seed: int, part: Part) -> dict[int, list[Named]]:
    """Return the parts that a report names, for each size of the trouble, and under 0 those named without any trouble."""
    calm, rows = trouble.scenario(None, 0), rows // (1 + len(trouble.beside))
    before = lane_days_of(spark, calm, rows, seed, trouble.before)
    beside = lane_days_of(spark, calm, rows, seed, trouble.beside)

    def named(scenario: Scenario) -> list[Named]:
        struck = lane_days_of(spark, scenario, rows, seed, [trouble.day])
        found = actions(pd.concat([*beside, *struck], ignore_index=True), pd.concat(before) if before else None)
        own = [each for each in found if isinstance(each, trouble.action)]
        return [(each.carrier, each.origin, each.city, getattr(each, "dates", ()) or None) for each in own]

    return {0: named(calm), **{size: named(trouble.scenario(part, size)) for size in trouble.sizes}}


def _table(trouble: Trouble, scores: dict[tuple[int, int], Score]) -> Iterator[str]:
    yield f"| shipments | {trouble.unit} | named first | named | right of those named |"
    yield "| --: | --: | --: | --: | --: |"
    for (rows, size), score in scores.items():
        shares = (_share(score.first, score.pages), _share(score.among, score.pages), _share(score.right, score.named))
        yield f"| {rows:,} | {size} | {' | '.join(shares)} |"
    yield ""
    yield "| first by kind | " + " | ".join(f"{size} {trouble.unit}" for size in trouble.sizes) + " |"
    yield "| --- |" + " --: |" * len(trouble.sizes)
    most = max(ROWS)
    for kind in trouble.kinds:
        yield f"| {kind} | " + " | ".join(str(scores[most, size].kinds[kind]) for size in trouble.sizes) + " |"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"


def _plot(trouble: Trouble, scores: dict[tuple[int, int], Score]) -> str:
    """Return a plot of the share of pages that name the trouble first, by its size, one line for each number of rows."""
    width = 400 / max(trouble.sizes)
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 260" font-family="sans-serif" font-size="12">']
    lines.append('<rect width="480" height="260" fill="white"/>')
    for pct in (0, 50, 100):
        y = 220 - 1.8 * pct
        lines.append(f'<path d="M50 {y}H460" stroke="#ddd"/><text x="44" y="{y + 4}" text-anchor="end">{pct} %</text>')
    for size in trouble.sizes:
        lines.append(f'<text x="{50 + width * size:g}" y="238" text-anchor="middle">{size}</text>')
    lines.append(f'<text x="255" y="256" text-anchor="middle">{trouble.what}</text>')
    for rows, colour in zip(ROWS, COLOURS, strict=True):
        found = [(size, scores[rows, size]) for size in trouble.sizes]
        at = [(50 + width * size, 220 - 180 * score.first / score.pages) for size, score in found]
        lines.append(
            f'<path fill="none" stroke="{colour}" stroke-width="2" d="M{" L".join(f"{x:g} {y:.1f}" for x, y in at)}"/>'
        )
        lines += [f'<circle cx="{x:g}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in at]
        y = 160 + 16 * ROWS.index(rows)
        lines.append(f'<text x="455" y="{y}" text-anchor="end" fill="{colour}">{rows:,} shipments, named first</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
