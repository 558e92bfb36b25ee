"""Lineage: what is sent for a run, compared with the run itself and, if available, with the published schemas."""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openlineage.client import OpenLineageClient
from openlineage.client.serde import Serde
from openlineage.client.transport import Config, Transport
from pyspark.sql import SparkSession
from referencing import Registry, Resource

from shipment_etl import Lake, Run, RunStart, run_generate, run_process
from shipment_etl.errors import BatchMissing
from shipment_etl.jobs import process as process_module
from shipment_etl.listeners import lineage as lineage_module
from shipment_etl.listeners.lineage import Lineage

DAY = date(2026, 11, 23)
SPECIFICATION = "OPENLINEAGE_SPEC"
"""Names the folder spec/ of the OpenLineage repository."""


class Kept(Transport):
    """Keeps what a client sends, as the JSON that goes over the wire."""

    kind = "kept"
    config_class = Config

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def emit(self, event: Any) -> None:
        self.events.append(json.loads(Serde.to_json(event)))


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    made = Lake(tmp_path / "lake")
    run_generate(made, date=DAY, rows=500, defects=0.1, spark=spark)
    return made


def send_run(spark: SparkSession, lake: Lake, kept: Kept) -> Run:
    return run_process(lake, spark=spark, listeners=[Lineage(OpenLineageClient(transport=kept))])


def send_failure(spark: SparkSession, lake: Lake, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise BatchMissing("shipments", DAY, [])

    monkeypatch.setattr(process_module, "update_marts", fail)
    with pytest.raises(BatchMissing):
        send_run(spark, lake, kept)


def test_a_run_is_a_start_and_a_completion_with_its_tables_and_rules(spark: SparkSession, lake: Lake, kept: Kept) -> None:
    run = send_run(spark, lake, kept)
    start, complete = kept.events
    assert [start["eventType"], complete["eventType"]] == ["START", "COMPLETE"]
    for event in kept.events:
        assert event["run"]["runId"] == run.run_id
        assert (event["job"]["namespace"], event["job"]["name"]) == ("shipment_etl", "process.shipments")
        assert event["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-11-23T00:00:00Z"
    outputs = {each["name"]: each for each in complete["outputs"]}
    assert set(outputs) == {f"{lake.uri}/{name}" for name in run.tables}
    assert {each["namespace"] for each in outputs.values()} == {"file"}
    shipments, quarantine = (outputs[f"{lake.uri}/processed/{name}"] for name in ("shipments", "quarantine"))
    assert shipments["outputFacets"]["outputStatistics"]["rowCount"] == run.counts.accepted
    assert quarantine["outputFacets"]["outputStatistics"]["rowCount"] == run.counts.quarantined
    assert shipments["facets"]["version"]["datasetVersion"] == str(run.tables["processed/shipments"].version)
    (raw,) = complete["inputs"]
    assert raw["name"] == f"{lake.uri}/raw/shipments"
    assertions = {each["name"]: each for each in raw["inputFacets"]["dataQualityAssertions"]["assertions"]}
    assert set(assertions) == {*run.rules, *run.reasons, *run.warnings}
    broken = {name for name, each in assertions.items() if not each["success"]}
    assert broken == {*run.reasons, *run.warnings} > set(run.warnings)
    carrier = assertions["carrier:isin"]
    assert (carrier["assertion"], carrier["column"]) == ("isin", "carrier")
    assert carrier["actual"] == f"{run.reasons['carrier:isin']} rows"


def test_a_failed_run_is_a_failure_with_its_message(
    spark: SparkSession, lake: Lake, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_failure(spark, lake, kept, monkeypatch)
    assert [event["eventType"] for event in kept.events] == ["START", "FAIL"]
    said = kept.events[1]["run"]["facets"]["errorMessage"]["message"]
    assert said.startswith("BatchMissing: raw/shipments has no batch of 2026-11-23")


@pytest.mark.parametrize(
    ("lake", "expected"),
    [
        ("/data/lake", ("file", "/data/lake/raw/shipments")),
        ("s3://bucket/some/lake", ("s3://bucket", "some/lake/raw/shipments")),
        ("s3://bucket", ("s3://bucket", "raw/shipments")),
    ],
)
def test_a_table_is_named_as_the_specification_says(lake: str, expected: tuple[str, str]) -> None:
    start = RunStart("1", "process", "shipments", DAY, "2026-11-23T00:00:00Z", lake)
    assert lineage_module._dataset(start, "raw/shipments") == expected


def test_every_event_fits_the_published_schemas(
    spark: SparkSession, lake: Lake, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    if SPECIFICATION not in os.environ:
        pytest.skip(f"the schemas of OpenLineage are not available: set {SPECIFICATION} to spec/ of its repository")
    send_run(spark, lake, kept)
    send_failure(spark, lake, kept, monkeypatch)
    schemas = [json.loads(file.read_text()) for file in Path(os.environ[SPECIFICATION]).glob("**/*.json")]
    known = {schema["$id"]: schema for schema in schemas if "$id" in schema}
    registry: Registry[Any] = Registry().with_resources((name, Resource.from_contents(each)) for name, each in known.items())
    checked = 0
    for event in kept.events:
        for schema, value in (({"$ref": event["schemaURL"]}, event), *((_reference(f), f) for f in _facets(event))):
            Draft202012Validator(schema, registry=registry).validate(value)
            checked += 1
    assert checked > len(kept.events) * 2


def _facets(value: Any) -> list[dict[str, Any]]:
    """Every facet in an event, however deep."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [facet for each in below for facet in _facets(each)]
    return [value, *found] if isinstance(value, dict) and "_schemaURL" in value else found


def _reference(facet: dict[str, Any]) -> dict[str, str]:
    return {"$ref": facet["_schemaURL"]}
