"""EMR Serverless as a target: a job run for each run. AWS takes a token with its start, so no claim is needed."""

from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from shipment_etl_emr.calls import Calls
from shipment_etl_emr.errors import ClusterMayLive, EmrError, ServiceUnavailable
from shipment_etl_emr.requests import NAME, job_run_request
from shipment_etl_emr.settings import Settings
from shipment_etl_emr.target import ENDED_BADLY, ENDED_WELL, Job, Place, Progress

__all__ = ["Serverless"]

WORDS = {
    "SUBMITTED": "PENDING",
    "QUEUED": "PENDING",
    "PENDING": "PENDING",
    "SCHEDULED": "PENDING",
    "RUNNING": "RUNNING",
    "SUCCESS": ENDED_WELL,
    "FAILED": "FAILED",
    "CANCELLING": "RUNNING",
    "CANCELLED": "CANCELLED",
}
"""Its states, in the words of EMR on EC2."""
MOST_ATTEMPTS = 5
LOOKBACK_SECONDS = 2 * 86_400


class Serverless:
    """EMR Serverless, through an injected client. Its job runs end themselves at the maximum age."""

    def __init__(self, client: Any, calls: Calls, settings: Settings) -> None:
        self._client = client
        self._calls = calls
        self._settings = settings
        self._application = settings.application or ""

    def start(self, job: Job) -> Place:
        """Find the run's job run, at work or done, or start one; after a failed one the next."""
        known = self._listed(job.run)
        for place, state in known:
            if WORDS.get(state) not in ENDED_BADLY:
                return place
        for attempt in range(len(known) + 1, len(known) + MOST_ATTEMPTS + 1):
            place = self._started(job, attempt)
            # A list can lag behind; the token of an attempt then brings back its job run, also a failed one.
            if self.look(place).step not in ENDED_BADLY:
                return place
        raise ServiceUnavailable(f"to start the run {job.run}", 0, "every job run of it has failed at once.")

    def look(self, place: Place) -> Progress:
        """Tell the state of a job run."""
        found = self._calls(
            f"to describe the job run {place}",
            self._client.get_job_run,
            applicationId=place.cluster,
            jobRunId=place.step,
        )["jobRun"]
        step = WORDS.get(found["state"], found["state"])
        over = step in (ENDED_WELL, *ENDED_BADLY)
        return Progress(place, "SERVERLESS", step, "", found.get("stateDetails", ""), over)

    def cancel(self, place: Place) -> None:
        """Ask a job run to stop."""
        self._calls(
            f"to cancel the job run {place}",
            self._client.cancel_job_run,
            applicationId=place.cluster,
            jobRunId=place.step,
        )

    def end(self, run: str, place: Place | None, *, unsure: bool = False) -> None:
        """Cancel what is at work for a run.

        Raises:
            ClusterMayLive: it could not be cancelled.
        """
        try:
            for each in [place] if place else [each for each, _ in self._listed(run)]:
                if not self.look(each).over:
                    self.cancel(each)
        except EmrError as problem:
            raise ClusterMayLive(f"The job run of {run}", str(problem)) from problem

    def logs_at(self, place: Place) -> str:
        """Return where EMR Serverless puts the driver's logs."""
        return f"{self._settings.logs.rstrip('/')}/applications/{place.cluster}/jobs/{place.step}/SPARK_DRIVER/"

    def ui(self, place: Place) -> str:
        """Return a link to the Spark UI; empty if there is none."""
        try:
            asked = {"applicationId": place.cluster, "jobRunId": place.step}
            return str(self._client.get_dashboard_for_job_run(**asked).get("url", ""))
        except Exception:
            # No more than a help in a message: what goes wrong here must not hide what went wrong before.
            return ""

    def _started(self, job: Job, attempt: int) -> Place:
        request = job_run_request(self._settings, job, str(uuid5(NAMESPACE_URL, f"{job.run}/{attempt}")))
        found = self._calls("to start a job run", self._client.start_job_run, **request)
        return Place(self._application, found["jobRunId"])

    def _listed(self, run: str) -> list[tuple[Place, str]]:
        """Return the job runs of a run, the eldest first, and their states."""
        since = datetime.fromtimestamp(self._calls.timing.now() - LOOKBACK_SECONDS, UTC)
        asked: dict[str, Any] = {"applicationId": self._application, "createdAtAfter": since}
        found: list[Any] = []
        while True:
            page = self._calls("to list job runs", self._client.list_job_runs, **asked)
            found += [each for each in page.get("jobRuns", []) if each.get("name") == f"{NAME}{run}"]
            if not page.get("nextToken"):
                found.sort(key=lambda each: (each["createdAt"], each["id"]))
                return [(Place(self._application, each["id"]), each["state"]) for each in found]
            asked["nextToken"] = page["nextToken"]
