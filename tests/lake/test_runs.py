"""Runs: counts that add up, a report that survives JSON, and the newest one found without reading all."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shipment_etl.errors import RowsLost
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import FAILED, SUCCEEDED, RowCounts, Run, TableVersion, last_succeeded, log_run

SCHEMA = Path(__file__).parents[2] / "docs" / "run.schema.json"
whole = st.integers(0, 10**12)

RUN = Run(
    run_id="1",
    job="process",
    source="shipments",
    batch_date=date(2026, 11, 23),
    status=SUCCEEDED,
    started_at="2026-11-24T00:00:00.000000+00:00",
    engine="sail",
    counts=RowCounts(10, 7, 2, 1),
    reasons={"carrier:isin": 2},
    seconds={"clean": 0.5, "marts": 0.25},
    tables={"processed/shipments": TableVersion(3, "7-0000000000000001-1")},
    settings={"network": "abc"},
    versions={"spark": "3.5.6"},
)


@given(whole, whole, whole, st.integers(-5, 5).filter(bool))
def test_counts_that_do_not_add_up_cannot_be_made(accepted: int, quarantined: int, duplicates: int, off: int) -> None:
    total = accepted + quarantined + duplicates
    assert RowCounts(total, accepted, quarantined, duplicates).read == total
    with pytest.raises(RowsLost, match="≠ accepted"):
        RowCounts(total + off, accepted, quarantined, duplicates)


def test_a_run_survives_its_report() -> None:
    assert Run.from_json(RUN.to_json()) == RUN
    assert RUN.total_seconds == 0.75


def test_the_schema_in_the_docs_is_that_of_a_run() -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    made = TypeAdapter(Run).json_schema()
    assert schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "properties": {"report_version": {"const": 1}, **made["properties"]},
        "required": ["report_version", *made["required"]],
        "additionalProperties": False,
    }
    jsonschema.validate(RUN.to_json(), schema)
    for spoilt in ({"counts": {"read": 1}}, {"batch_date": 5}, {"more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**RUN.to_json(), **spoilt}, schema)


def test_the_newest_succeeded_run_of_a_job_is_found(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    assert last_succeeded(lake, "process") is None
    second = replace(RUN, run_id="2", started_at="2026-11-25T00:00:00.000000+00:00")
    later = "2026-11-26T00:00:00.000000+00:00"
    failed = replace(RUN, run_id="3", started_at=later, status=FAILED, counts=RowCounts(0, 0), error="why")
    other = replace(RUN, run_id="4", started_at=later, job="generate")
    for run in (second, RUN, failed, other):
        log_run(lake, run)
    assert last_succeeded(lake, "process") == second
    assert last_succeeded(lake, "ingest") is None
