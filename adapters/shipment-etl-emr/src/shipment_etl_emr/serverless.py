"""EMR Serverless as a target: a job run for each run. AWS accepts a token for each start, so no claim is needed."""

from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from shipment_etl_emr.calls import Calls
from shipment_etl_emr.errors import ClusterMayLive, EmrError, NameTaken, RequestRefused
from shipment_etl_emr.once import SETTLE_SECONDS
from shipment_etl_emr.requests import NAME, job_run_request
from shipment_etl_emr.settings import Settings
from shipment_etl_emr.target import ENDED_BADLY, ENDED_WELL, FAILED, Job, Place, Progress, lookback_seconds

__all__ = ["Serverless"]

CANCELLING = "CANCEL_PENDING"
WORDS = {
    "SUBMITTED": "PENDING",
    "QUEUED": "PENDING",
    "PENDING": "PENDING",
    "SCHEDULED": "PENDING",
    "RUNNING": "RUNNING",
    "SUCCESS": ENDED_WELL,
    "FAILED": FAILED,
    "CANCELLING": CANCELLING,
    "CANCELLED": "CANCELLED",
}
"""States of EMR Serverless in the terms of EMR on EC2."""
MAX_ATTEMPTS, MAX_REMEMBERED = 5, 20
END_SECONDS = 300


class Serverless:
    """EMR Serverless, through an injected client. Its job runs end by themselves at the maximum age."""

    def __init__(self, client: Any, calls: Calls, settings: Settings) -> None:
        self._client = client
        self._calls = calls
        self._settings = settings
        self._application = settings.application or ""

    def start(self, job: Job) -> Place:
        """Find the run's job run, running or done, or start one, also after a failed one.

        AWS does not document how long it remembers a token. If a token returns a job run that is too old to be of this run,
        the next token is tried, so that a name can be reused after a long time.

        Raises:
            NameTaken: AWS returned old job runs for all attempts.
        """
        known = self._list(job.run)
        for place, state in known:
            if WORDS.get(state) not in ENDED_BADLY:
                return place
        since = self._calls.timing.now() - lookback_seconds(self._settings.max_age_minutes)
        failed = 0
        for attempt in range(len(known) + 1, len(known) + MAX_REMEMBERED + 1):
            place = self._start(job, attempt)
            found = self._describe(place)
            progress = _progress(place, found)
            if progress.over and found["createdAt"].timestamp() < since:
                continue
            # Lists can lag behind; the token of an earlier attempt then returns its job run, which may have failed.
            failed += progress.step in ENDED_BADLY
            if progress.step not in ENDED_BADLY or failed == MAX_ATTEMPTS:
                return place
        raise NameTaken(job.run, MAX_REMEMBERED)

    def look(self, place: Place) -> Progress:
        """Return the state of a job run."""
        return _progress(place, self._describe(place))

    def cancel(self, place: Place) -> None:
        """Ask a job run to stop."""
        self._calls(
            f"to cancel the job run {place}",
            self._client.cancel_job_run,
            applicationId=place.cluster,
            jobRunId=place.step,
        )

    def end(self, run: str, place: Place | None, *, unsure: bool = False) -> None:
        """Cancel all job runs of a run, and wait until they have ended.

        Raises:
            ClusterMayLive: the end of a job run could not be confirmed.
        """
        timing = self._calls.timing
        start, told = timing.now(), set()
        settled = start + (SETTLE_SECONDS if unsure else 0)
        try:
            for _ in timing.pauses(2, 15):
                places = {*([place] if place else []), *(each for each, _ in self._list(run))}
                progresses = [self.look(each) for each in places]
                at_work = [each for each in progresses if not each.over]
                if not at_work and timing.now() >= settled:
                    return
                if at_work and timing.now() - start > END_SECONDS:
                    why = f"it is still {at_work[0].step} {END_SECONDS} s after it was cancelled."
                    raise ClusterMayLive(f"The job run {at_work[0].place}", why)
                for each in at_work:
                    if each.step != CANCELLING and each.place not in told:
                        told.add(each.place)
                        self._cancel_if_at_work(each.place)
        except ClusterMayLive:
            raise
        except EmrError as problem:
            raise ClusterMayLive(f"The job run of {run}", str(problem)) from problem

    def logs_at(self, place: Place) -> str:
        """Return the folder where EMR Serverless puts the driver's logs."""
        return f"{self._settings.logs.rstrip('/')}/applications/{place.cluster}/jobs/{place.step}/SPARK_DRIVER/"

    def ui(self, place: Place) -> str:
        """Return a link to the Spark UI, valid for an hour. Anyone with it can open it: keep it out of logs."""
        doing, asked = f"to open the Spark UI of {place}", {"applicationId": place.cluster, "jobRunId": place.step}
        return str(self._calls(doing, self._client.get_dashboard_for_job_run, **asked)["url"])

    def _start(self, job: Job, attempt: int) -> Place:
        request = job_run_request(self._settings, job, str(uuid5(NAMESPACE_URL, f"{job.run}/{attempt}")))
        found = self._calls("to start a job run", self._client.start_job_run, **request)
        return Place(self._application, found["jobRunId"])

    def _describe(self, place: Place) -> Any:
        doing, asked = f"to describe the job run {place}", {"applicationId": place.cluster, "jobRunId": place.step}
        return self._calls(doing, self._client.get_job_run, **asked)["jobRun"]

    def _cancel_if_at_work(self, place: Place) -> None:
        try:
            self.cancel(place)
        except RequestRefused:
            # Not an error if it has ended in the meantime.
            if not self.look(place).over:
                raise

    def _list(self, run: str) -> list[tuple[Place, str]]:
        """Return the job runs of a run, oldest first, with their states."""
        since = datetime.fromtimestamp(self._calls.timing.now() - lookback_seconds(self._settings.max_age_minutes), UTC)
        asked: dict[str, Any] = {"applicationId": self._application, "createdAtAfter": since}
        found: list[Any] = []
        while True:
            page = self._calls("to list job runs", self._client.list_job_runs, **asked)
            found += [each for each in page.get("jobRuns", []) if each.get("name") == f"{NAME}{run}"]
            if not page.get("nextToken"):
                found.sort(key=lambda each: (each["createdAt"], each["id"]))
                return [(Place(self._application, each["id"]), each["state"]) for each in found]
            asked["nextToken"] = page["nextToken"]


def _progress(place: Place, found: Any) -> Progress:
    step = WORDS.get(found["state"], found["state"])
    over = step in (ENDED_WELL, *ENDED_BADLY)
    return Progress(place, "SERVERLESS", step, "", found.get("stateDetails", ""), over)
