"""How often a report finds a trouble that was planted: recall and precision of "act on these", by size of the trouble.

    python -m benchmarks.findings --seeds 200

For each seed a trouble is drawn: who is late (a carrier, a place, both, a lane, or a carrier on a lane), of the default
network. Of shipments without one, 10 % come two or more days late; of those struck, so many points more. A batch is a period.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import SparkSession

from shipment_etl import Disruption, Scenario
from shipment_etl.generator.shipments import generate
from shipment_etl.network import Network
from shipment_etl.reporting.actions import actions
from shipment_etl.reporting.advice import Action, Later
from shipment_etl.reporting.slices import FALSE_ALARM
from shipment_etl.sessions import session
from shipment_etl.transform.clean import with_derived
from shipment_etl.transform.lane_days import lane_days

DAY = "2026-11-17"
USUAL_LATE = 10
USUAL = {-1: 30, 0: 50, 1: 10, 2: 6, 5: 4}
POINTS = (2, 5, 10, 20)
ROWS = (20_000, 100_000)
KINDS = ("carrier", "warehouse", "city", "carrier from warehouse", "lane", "carrier on lane")
PLOT = Path(__file__).parents[1] / "docs" / "assets" / "findings.svg"
COLOURS = ("#0b62a3", "#c2410c")

Part = tuple[str | None, str | None, str | None]


@dataclass
class Score:
    """What was found over many seeds."""

    pages: int = 0
    first: int = 0
    among: int = 0
    named: int = 0
    right: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, planted: Part, found: list[Action]) -> None:
        """Count a page: whether its first line names the trouble, whether any does, and how many name none of it."""
        parts = [(each.carrier, each.origin, each.city) for each in found if isinstance(each, Later)]
        self.pages += 1
        self.first += parts[:1] == [planted]
        self.among += planted in parts
        self.named += len(parts)
        self.right += sum(_overlap(each, planted) for each in parts)
        self.kinds[kind] += parts[:1] == [planted]


def _overlap(one: Part, other: Part) -> bool:
    """Whether two parts of the network have shipments in common, and one lies within the other."""
    within = [all(b is None or a == b for a, b in zip(*pair, strict=True)) for pair in ((one, other), (other, one))]
    return any(within)


def draw_part(draw: random.Random, network: Network) -> tuple[str, Part]:
    """Return the kind of a trouble, and its carrier, warehouse and city, None for any."""
    kind = draw.choice(KINDS)
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


def scenario_with(part: Part | None, points: int) -> Scenario:
    """Return a scenario in which a part of the network is late in so many points more of its shipments."""
    late = USUAL_LATE + points
    delays = {-1: 30 * (100 - late) / 90, 0: 50 * (100 - late) / 90, 1: 10 * (100 - late) / 90, 2: 0.6 * late, 5: 0.4 * late}
    weights = {days: round(1000 * weight) for days, weight in delays.items()}
    names = [frozenset({each}) if each else frozenset() for each in part or (None, None, None)]
    planted = Disruption(weights, carriers=names[0], warehouses=names[1], cities=names[2], name="planted")
    return Scenario("planted", "", USUAL, (planted,) if part else ())


def look(spark: SparkSession, scenario: Scenario, rows: int, seed: int) -> list[Action]:
    """Return what a report of one batch finds."""
    made = generate(spark, date=DAY, rows=rows, seed=seed, scenario=scenario)
    days = lane_days(with_derived(made)).toPandas()
    return actions(days)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.findings", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=1)
    given = parser.parse_args()
    spark, network, begin = session(), Network.default(), time.monotonic()
    scores = {(rows, points): Score() for rows in ROWS for points in POINTS}
    calm = dict.fromkeys(ROWS, 0)
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        kind, part = draw_part(random.Random(seed), network)
        for rows in ROWS:
            calm[rows] += any(isinstance(each, Later) for each in look(spark, scenario_with(None, 0), rows, seed))
            for points in POINTS:
                scores[rows, points].add(kind, part, look(spark, scenario_with(part, points), rows, seed))
        print(f"seed {seed}: {time.monotonic() - begin:.0f} s", flush=True)
    print("\n".join(_table(scores)))
    for rows, alarms in calm.items():
        print(
            f"\n{rows:,} shipments without a trouble: {alarms} false alarms on {given.seeds} pages; stated: {FALSE_ALARM:.0%}."
        )
    PLOT.write_text(_plot(scores))


def _table(scores: dict[tuple[int, int], Score]) -> Iterator[str]:
    yield "| shipments | points later | named first | named | right of those named |"
    yield "| --: | --: | --: | --: | --: |"
    for (rows, points), score in scores.items():
        right = f"{score.right / score.named:.0%}" if score.named else "–"
        yield f"| {rows:,} | {points} | {score.first / score.pages:.0%} | {score.among / score.pages:.0%} | {right} |"
    yield ""
    yield "| first by kind | " + " | ".join(f"{points} points" for points in POINTS) + " |"
    yield "| --- |" + " --: |" * len(POINTS)
    most = max(ROWS)
    for kind in KINDS:
        yield f"| {kind} | " + " | ".join(str(scores[most, points].kinds[kind]) for points in POINTS) + " |"


def _plot(scores: dict[tuple[int, int], Score]) -> str:
    """Return a plot of the share of pages that name the trouble first, by its size, one line for each number of rows."""
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 260" font-family="sans-serif" font-size="12">']
    lines.append('<rect width="480" height="260" fill="white"/>')
    for pct in (0, 50, 100):
        y = 220 - 1.8 * pct
        lines.append(f'<path d="M50 {y}H460" stroke="#ddd"/><text x="44" y="{y + 4}" text-anchor="end">{pct} %</text>')
    for points in POINTS:
        lines.append(f'<text x="{50 + 20 * points}" y="238" text-anchor="middle">{points}</text>')
    lines.append('<text x="255" y="256" text-anchor="middle">percentage points later than others</text>')
    for rows, colour in zip(ROWS, COLOURS, strict=True):
        at = [(50 + 20 * points, 220 - 180 * scores[rows, points].first / scores[rows, points].pages) for points in POINTS]
        lines.append(
            f'<path fill="none" stroke="{colour}" stroke-width="2" d="M{" L".join(f"{x} {y:.1f}" for x, y in at)}"/>'
        )
        lines += [f'<circle cx="{x}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in at]
        y = 160 + 16 * ROWS.index(rows)
        lines.append(f'<text x="455" y="{y}" text-anchor="end" fill="{colour}">{rows:,} shipments, named first</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
