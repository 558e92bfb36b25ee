"""Runs: counts that add up, a report that survives JSON, and a log with one commit for each run."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shipment_etl.errors import CommitConflict, NewerRelease, RowsLost
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import (
    FAILED,
    SUCCEEDED,
    RowCounts,
    Run,
    TableVersion,
    is_logged,
    log_run,
    newest_run,
    read_runs,
)
from shipment_etl.lake.tables import RUNS

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
    settings={"max_rejected": 0.1},
    network="abc",
    rules=("carrier:isin",),
    before={"processed/shipments": 2},
    after={"processed/shipments": 3},
    marts_key="def",
    versions={"spark": "3.5.6"},
)


parts = st.tuples(whole, whole, whole, whole)


@given(parts, st.integers(-5, 5).filter(bool))
def test_counts_that_do_not_add_up_cannot_be_made(rows: tuple[int, int, int, int], off: int) -> None:
    counts = RowCounts(sum(rows), *rows)
    assert counts.parts == dict(zip(("accepted", "quarantined", "duplicates", "overtaken"), rows, strict=True))
    with pytest.raises(RowsLost, match="≠ accepted"):
        RowCounts(sum(rows) + off, *rows)


@given(parts, parts)
def test_counts_are_added_part_by_part(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> None:
    both = RowCounts(sum(one), *one) + RowCounts(sum(other), *other)
    assert tuple(both.parts.values()) == tuple(map(sum, zip(one, other, strict=True)))
    assert both.read == sum(one) + sum(other)


def test_a_run_survives_json() -> None:
    assert Run.from_json(RUN.to_json()) == RUN
    assert RUN.total_seconds == 0.75


def test_the_schema_in_the_docs_is_that_of_a_run() -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    made = TypeAdapter(Run).json_schema()
    assert schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "properties": {"report_version": {"const": 3}, **made["properties"]},
        "required": ["report_version", *made["required"]],
        "additionalProperties": False,
    }
    jsonschema.validate(RUN.to_json(), schema)
    for spoilt in ({"counts": {"read": 1}}, {"batch_date": 5}, {"more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**RUN.to_json(), **spoilt}, schema)


def test_a_report_of_an_older_release_is_read_and_one_of_a_newer_refused() -> None:
    old = {name: value for name, value in RUN.to_json().items() if name not in ("network", "rules", "before", "after")}
    old |= {"report_version": 1, "settings": {"network": "abc", "rules": ["carrier:isin"]}, "a_key_that_went": 1}
    found = Run.from_json(old)
    assert (found.network, found.rules, found.after) == ("abc", ("carrier:isin",), None)
    with pytest.raises(NewerRelease, match="The report of the run 1 was written by a newer release"):
        Run.from_json({**RUN.to_json(), "report_version": 4, "unheard": "of"})


def test_the_newest_run_is_the_one_that_was_logged_last_whatever_the_clock_says(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    assert newest_run(lake) is None
    first = replace(RUN, run_id="1", started_at="2027-11-25T00:00:00.000000+00:00")
    set_back = replace(RUN, run_id="2", started_at="2026-11-25T00:00:00.000000+00:00", after={"raw/a": 7})
    for version, run in enumerate((first, set_back)):
        log_run(lake, run, version - 1 if version else None)
        assert newest_run(lake) == run
    assert [run.run_id for run in read_runs(lake)] == ["1", "2"]
    # Compaction by another program removes the file that the commit names.
    DeltaTable(lake.location(RUNS.name)).optimize.compact()
    assert newest_run(lake) == set_back


def test_a_run_is_logged_once_and_only_on_the_log_that_it_has_seen(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    log_run(lake, RUN, None)
    assert is_logged(lake, RUN.run_id, None)
    other = replace(RUN, run_id="2", status=FAILED, counts=RowCounts(0, 0), error="why")
    with pytest.raises(CommitConflict):
        log_run(lake, other, None)
    assert not is_logged(lake, other.run_id, None)
    log_run(lake, other, 0)
    assert is_logged(lake, other.run_id, 0)
    assert lake.dataset(RUNS.name).count_rows() == 2


def test_only_one_of_many_that_log_at_once_succeeds(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    log_run(lake, RUN, None)

    def log(name: int) -> bool:
        try:
            log_run(lake, replace(RUN, run_id=str(name)), 0)
        except CommitConflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(log, range(100, 108))) == 1
    assert lake.dataset(RUNS.name).count_rows() == 2
