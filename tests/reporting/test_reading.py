"""reading: lakes of earlier releases have the current columns, and shares of punctuality leave nothing late out."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.jobs.ingest import run_ingest
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.lake import Lake
from shipment_etl.reporting import reading
from shipment_etl.reporting.findings import Share, figures, select_period
from shipment_etl.reporting.periods import Period
from shipment_etl.reporting.reading import read_facts
from shipment_etl.reporting.render import sentences
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


@pytest.mark.parametrize("landed", [date(2026, 3, 28), date(2026, 11, 28)])
def test_overdue_shipments_count_as_late_and_the_newest_days_are_left_out(
    spark: SparkSession, tmp_path: Path, landed: date
) -> None:
    """Forty shipments a day over four weeks, of which every second is four days late; the promise is two days."""
    lake, first, as_of = Lake(tmp_path / "lake"), date(2026, 3, 1), date(2026, 3, 28)
    lines = ["id,origin,city,carrier,shipped,promised,delivered,kg,km,cost"]
    for day, number in product(range(28), range(40)):
        shipped = first + timedelta(days=day)
        delivered = shipped + timedelta(days=6 if number % 2 else 1)
        told = delivered if delivered <= as_of else ""
        lines.append(f"{day}-{number},Riga,Oslo,Post,{shipped},{shipped + timedelta(days=2)},{told},1,10,5")
    (tmp_path / "f.csv").write_text("\n".join(lines))
    columns = dict(zip(("origin_warehouse", "destination_city", "carrier"), ("origin", "city", "carrier"), strict=True))
    columns |= {"shipment_id": "id", "shipment_date": "shipped", "promised_date": "promised", "delivery_date": "delivered"}
    columns |= {"shipment_weight_kg": "kg", "route_distance_km": "km", "shipping_cost": "cost"}
    text = "[columns]\n" + "".join(f'{name} = {{ column = "{column}" }}\n' for name, column in columns.items())
    run_ingest(lake, tmp_path / "f.csv", source="s", mapping=SourceMapping.from_text(text, "m"), date=landed, spark=spark)
    run_process(lake, source="s", spark=spark)
    facts = read_facts(lake)
    # Of the shipments of 26 March and later, a half is not due on 28 March.
    assert facts.now == Period(date(2026, 3, 19), date(2026, 3, 25))
    assert facts.before == facts.now.shift_back()
    now, before = (figures(select_period(facts.recent, each)) for each in (facts.now, facts.before))
    assert (now.on_time_share, before.on_time_share) == (Share(140, 280), Share(140, 280))
    # Those of 23 March and later are not delivered: 3, 2 and 1 days overdue.
    assert (now.overdue, now.days_late) == (60, 20 * (4 * 4 + 3 + 2 + 1))
    said = sentences(facts)[0].text
    assert said.startswith("50.0 % of shipments came on time in the last 7 days (19–25 Mar 2026), no clear change from 50.0")
    assert said.endswith("60 overdue shipments count as late. 3 later days left out: many of their shipments are not due.")
