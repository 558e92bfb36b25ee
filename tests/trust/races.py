"""Races: two to four jobs of any kind at once on one lake, some of which wait for the others."""

import random
import time
from dataclasses import dataclass

from shipment_etl.lake.runs import SUCCEEDED, read_runs
from tests.trust.lakes import PLACES, RACING, Lakes
from tests.trust.results import Fault, compare
from tests.trust.stops import Stops

__all__ = ["Races"]

LOCKED = 75
SPREAD_SECONDS = 1.0


@dataclass
class Races:
    """Trials of jobs at once."""

    lakes: Lakes
    stops: Stops

    def race(self, draw: random.Random) -> str:
        """Start some jobs at about the same time; the lake ends as if those that succeeded had run one by one."""
        place, count = draw.choice(PLACES), draw.randint(2, 4)
        lake = self.lakes.copy(place)
        jobs = [draw.choice(RACING) for _ in range(count)]
        children = []
        for job in jobs:
            waiting = ["--wait", "200"] if draw.random() < 0.6 else []
            children.append(self.stops.start(job, lake, more=waiting))
            time.sleep(draw.random() * SPREAD_SECONDS)
        for child in children:
            child.wait()
        ended = [(job, child.code) for job, child in zip(jobs, children, strict=True)]
        for (job, code), child in zip(ended, children, strict=True):
            if code not in (0, LOCKED):
                raise Fault("other", f"{ended} on {place}: {job} ended with {code}: {child.output[-400:]}")
        runs = [run for run in reversed(list(read_runs(lake))) if run.status == SUCCEEDED][self.lakes.runs_before :]
        if len(runs) != sum(code == 0 for _, code in ended):
            raise Fault("wrongly green", f"{ended} on {place}: the log has {len(runs)} successes")
        order = [_name(run.job, run.source) for run in runs]
        expected = self.lakes.expected(order)
        compare(expected, self.lakes.read(lake.snapshot()), f"{ended} on {place}, in the order {order}")
        compare(expected, self.lakes.newest(lake), f"{ended} on {place}, newest versions")
        self.lakes.delete(lake)
        return f"{count} jobs, {place}"


def _name(job: str, source: str) -> str:
    return f"{job} {source}" if job == "process" and source != "shipments" else job
