"""reading: the lake of an earlier release is reported with the current columns."""

from dataclasses import replace
from pathlib import Path

import pytest

from shipment_etl.reporting import reading
from shipment_etl.reporting.reading import read_facts
from tests.lake.test_old_lakes import BEFORE_ONE_PASS, unpack


def test_a_column_that_an_earlier_release_did_not_make_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = reading.MART_TABLES["carrier_performance"]
    newer = replace(table, columns={**table.columns, "p99_delay_days": "int"})
    monkeypatch.setattr(reading, "MART_TABLES", {**reading.MART_TABLES, "carrier_performance": newer})
    carriers = read_facts(unpack(BEFORE_ONE_PASS, tmp_path)).carriers
    assert len(carriers) > 0
    assert carriers["p99_delay_days"].isna().all()
    assert carriers["delivered"].equals(carriers["shipments"].rename("delivered"))
    assert carriers[["in_transit", "overdue", "returned", "lost"]].eq(0).all(axis=None)
