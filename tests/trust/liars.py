"""Liars: jobs against a store that loses responses, resets, truncates, delays, and responds with 500 and 503."""

import random
from dataclasses import dataclass

from shipment_etl.lake.runs import SUCCEEDED, newest_run, read_runs
from tests.trust.lakes import JOBS, S3, Lakes
from tests.trust.proxy import Proxy
from tests.trust.results import Fault, compare
from tests.trust.stops import SAIL, Stops

__all__ = ["Liars"]

CODES = (0, 75)
"""Done, or worth trying again."""
SHARES = (0.005, 0.02, 0.05, 0.15, 0.4)
"""Shares of a job's requests, about 150 to 1,200, that go wrong."""


@dataclass
class Liars:
    """Trials against a store that lies."""

    lakes: Lakes
    stops: Stops
    proxy: Proxy

    def lie(self, draw: random.Random) -> str:
        """Run a job while the store lies; then, while it does not, look at the lake, and run the job again."""
        job = draw.choice(list(JOBS))
        lake = self.lakes.copy(S3)
        share = draw.choice(SHARES)
        self.proxy.lie(draw.randrange(1 << 30), share)
        try:
            child = self.stops.start(job, lake, SAIL)
            child.wait(400)
        finally:
            self.proxy.be_honest()
        where = f"{job}, {share:.1%} lies, exit {child.code}"
        if child.code not in CODES or "This should not happen" in child.output:
            raise Fault("other", f"{where}: {child.output[-600:]}")
        runs = list(read_runs(lake))
        newest = newest_run(lake)
        happened = newest is not None and newest.status == SUCCEEDED and len(runs) > self.lakes.runs_before
        if happened != (child.code == 0):
            kind = "other" if happened else "wrongly green"
            raise Fault(kind, f"{where}: logged as {newest and newest.status}: {child.output[-400:]}")
        compare(self.lakes.expected([job] if happened else []), self.lakes.read(lake.snapshot()), f"{where}, snapshot")
        self.lakes.expire_lock(lake)
        self.lakes.run(job, lake)
        compare(self.lakes.expected([job]), self.lakes.read(lake.snapshot()), f"{where}, run again")
        compare(self.lakes.expected([job]), self.lakes.newest(lake), f"{where}, newest versions")
        return f"exit {child.code}"
