"""Lineage: the events of a run as OpenLineage events, for catalogues such as Marquez, DataHub or OpenMetadata.

Where they go is configured as for every OpenLineage producer: by `openlineage.yml`, or the environment (OPENLINEAGE_URL …).
"""

from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shipment_etl.errors import ExtraMissing
from shipment_etl.hookspecs import hookimpl
from shipment_etl.lake.runs import PROCESS, Run, RunStart

try:
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, RunEvent, RunState
    from openlineage.client.event_v2 import Run as LineageRun
    from openlineage.client.generated.data_quality_assertions_dataset import Assertion, DataQualityAssertionsDatasetFacet
    from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
    from openlineage.client.generated.error_message_run import ErrorMessageRunFacet
    from openlineage.client.generated.job_type_job import JobTypeJobFacet
    from openlineage.client.generated.nominal_time_run import NominalTimeRunFacet
    from openlineage.client.generated.output_statistics_output_dataset import OutputStatisticsOutputDatasetFacet
    from openlineage.client.generated.processing_engine_run import ProcessingEngineRunFacet
except ImportError as problem:
    raise ExtraMissing("Lineage", "openlineage-python", "lineage") from problem

if TYPE_CHECKING:
    from openlineage.client.facet_v2 import DatasetFacet, RunFacet

__all__ = ["NAMESPACE", "Lineage"]

NAMESPACE = "shipment_etl"
PRODUCER = f"https://pypi.org/project/shipment-etl/{version('shipment-etl')}"
MAX_MESSAGE_LENGTH = 2_000


class Lineage:
    """Sends START, then COMPLETE with inputs, outputs, row counts and an assertion for each rule, or FAIL.

    Args:
        client: the client that sends; if None, one that is configured as OpenLineage's documentation says.
    """

    def __init__(self, client: OpenLineageClient | None = None) -> None:
        self._client = client or OpenLineageClient()

    @hookimpl
    def before_run(self, start: RunStart) -> None:
        """Send START."""
        self._send(RunState.START, start, {})

    @hookimpl
    def after_run(self, start: RunStart, run: Run) -> None:
        """Send COMPLETE."""
        engine = ProcessingEngineRunFacet(version=run.versions["spark"], name=run.engine)
        outputs = [_output(start, name, table.version, table.rows) for name, table in run.tables.items()]
        self._send(RunState.COMPLETE, start, {"processing_engine": engine}, _inputs(start, run), outputs)

    @hookimpl
    def run_failed(self, start: RunStart, error: BaseException) -> None:
        """Send FAIL."""
        said = f"{type(error).__name__}: {error}"[:MAX_MESSAGE_LENGTH]
        self._send(RunState.FAIL, start, {"errorMessage": ErrorMessageRunFacet(message=said, programmingLanguage="python")})

    def _send(
        self,
        state: RunState,
        start: RunStart,
        facets: dict[str, "RunFacet"],
        inputs: list[InputDataset] | None = None,
        outputs: list[OutputDataset] | None = None,
    ) -> None:
        day = NominalTimeRunFacet(nominalStartTime=f"{start.batch_date}T00:00:00Z")
        batch = JobTypeJobFacet(processingType="BATCH", integration="SHIPMENT_ETL", jobType="JOB")
        event = RunEvent(
            eventType=state,
            eventTime=datetime.now(UTC).isoformat(),
            run=LineageRun(start.run_id, {"nominalTime": day, **facets}),
            job=Job(NAMESPACE, f"{start.job}.{start.source}", {"jobType": batch}),
            inputs=inputs or [],
            outputs=outputs or [],
            producer=PRODUCER,
        )
        self._client.emit(event)


def _inputs(start: RunStart, run: Run) -> list[InputDataset]:
    """Return what a run has read: for `process` the raw table, with an assertion for each rule."""
    if run.job != PROCESS:
        return []
    every = dict.fromkeys(run.rules, 0) | dict(run.reasons) | dict(run.warnings)
    assertions = [_assertion(name, rows) for name, rows in every.items()]
    quality = DataQualityAssertionsDatasetFacet(assertions=assertions)
    return [InputDataset(*_dataset(start, f"raw/{run.source}"), inputFacets={"dataQualityAssertions": quality})]


def _assertion(name: str, rows: int) -> Assertion:
    column, rule = name.split(":", 1)
    return Assertion(assertion=rule, success=rows == 0, column=column, name=name, actual=f"{rows} rows")


def _output(start: RunStart, name: str, version: int, rows: int) -> OutputDataset:
    statistics = OutputStatisticsOutputDatasetFacet(rowCount=rows)
    facets: dict[str, DatasetFacet] = {"version": DatasetVersionDatasetFacet(datasetVersion=str(version))}
    return OutputDataset(*_dataset(start, name), outputFacets={"outputStatistics": statistics}, facets=facets)


def _dataset(start: RunStart, table: str) -> tuple[str, str]:
    """Return namespace and name of a table. Source: the naming of datasets in the OpenLineage specification."""
    address = urlsplit(start.lake)
    if address.scheme:
        return f"{address.scheme}://{address.netloc}", f"{address.path.strip('/')}/{table}".lstrip("/")
    return "file", f"{start.lake}/{table}"
