"""marts: every column compared with the clean shipments, with known and unknown measures, over days with gaps."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import isclose
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from shipment_etl.errors import InvalidValue
from shipment_etl.network import Network, Warehouse
from shipment_etl.transform import marts as module
from shipment_etl.transform.clean import with_derived
from shipment_etl.transform.lane_days import lane_days, lane_months
from shipment_etl.transform.mart import Mart
from shipment_etl.transform.marts import MARTS, marts
from tests.frames import DAY, MEASURES, SCHEMA, SOUND, Row, frame, numbered, rows_like, settled, sound_shipments, types_of
from tests.transform import referee

NETWORK = Network.open()
DATED = T.StructType([*SCHEMA, T.StructField("batch_date", T.DateType())])
CAPACITIES = {"NY_Warehouse": 3, "CA_Warehouse": 1}

TYPES = {
    "carrier_performance": {
        "carrier": "string",
        "shipments": "bigint",
        "delivered": "bigint",
        "in_transit": "bigint",
        "overdue": "bigint",
        "returned": "bigint",
        "lost": "bigint",
        "with_delay": "bigint",
        "on_time_shipments": "bigint",
        "on_time_pct": "double",
        "late_2plus_pct": "double",
        "avg_delay_days": "double",
        "avg_days_vs_promise": "double",
        "timed_shipments": "bigint",
        "avg_hours_vs_promise": "double",
        "p50_delay_days": "int",
        "p95_delay_days": "int",
        "avg_transit_days": "double",
        "avg_cost": "double",
        "cost_per_kg": "double",
        "cost_per_tonne_km": "double",
    },
    "route_efficiency": {
        "origin_warehouse": "string",
        "destination_city": "string",
        "shipments": "bigint",
        "delivered": "bigint",
        "in_transit": "bigint",
        "overdue": "bigint",
        "returned": "bigint",
        "lost": "bigint",
        "with_delay": "bigint",
        "avg_distance_km": "double",
        "avg_transit_days": "double",
        "km_per_day": "double",
        "on_time_pct": "double",
        "avg_cost": "double",
        "cost_per_km": "double",
        "cost_per_tonne_km": "double",
    },
    "cost_analysis": {
        "month": "string",
        "carrier": "string",
        "origin_warehouse": "string",
        "destination_city": "string",
        "shipments": "bigint",
        "total_cost": "decimal(38,2)",
        "avg_cost": "double",
        "cost_per_km": "double",
        "cost_per_kg": "double",
        "cost_per_tonne_km": "double",
        "cost_share_pct": "double",
    },
    "delay_trends": {
        "shipment_date": "date",
        "destination_city": "string",
        "shipments": "bigint",
        "with_delay": "bigint",
        "delayed_shipments": "bigint",
        "delayed_pct": "double",
        "avg_delay_days": "double",
        "delayed_pct_7d": "double",
    },
    "warehouse_demand": {
        "origin_warehouse": "string",
        "shipment_date": "date",
        "shipments": "bigint",
        "weight_kg": "decimal(38,3)",
        "volume_m3": "decimal(38,3)",
        "destinations": "bigint",
        "utilisation_pct": "double",
        "congested": "boolean",
    },
    "open_shipments": {
        "carrier": "string",
        "origin_warehouse": "string",
        "destination_city": "string",
        "due_date": "date",
        "days_overdue": "int",
        "shipments": "bigint",
        "weight_kg": "decimal(38,3)",
        "total_cost": "decimal(38,2)",
    },
}
KEYS = {
    "carrier_performance": 1,
    "route_efficiency": 2,
    "cost_analysis": 4,
    "delay_trends": 2,
    "warehouse_demand": 2,
    "open_shipments": 4,
}
ALL_TIME = ("carrier_performance", "route_efficiency", "cost_analysis", "open_shipments")
AS_OF = DAY + timedelta(days=5)

shipments = rows_like(
    st.builds(
        lambda row, back: {**row, "batch_date": AS_OF - timedelta(days=back)},
        sound_shipments(unknown=("promised_date", *MEASURES), credit_notes=True),
        st.integers(0, 3),
    )
)


def days_of(spark: SparkSession, rows: list[Row]) -> DataFrame:
    return settled(spark, lane_days(with_derived(frame(spark, rows, DATED))))


def by_key(name: str, made: DataFrame) -> dict[tuple, tuple]:
    rows = [tuple(row) for row in made.collect()]
    found = {row[: KEYS[name]]: row[KEYS[name] :] for row in rows}
    assert len(found) == len(rows)
    return found


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal: doubles to 12 digits, all others exactly."""
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-12)
    return one == other and isinstance(one, float) == isinstance(other, float)


def assert_alike(name: str, found: dict[tuple, tuple], expected: dict[tuple, tuple]) -> None:
    columns = list(TYPES[name])[KEYS[name] :]
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        for column, one, other in zip(columns, found[key], values, strict=True):
            assert alike(one, other), f"{column} of {key} is {one}, and {other} by the shipments"


@pytest.mark.parametrize("name", [*ALL_TIME, "delay_trends"])
@given(rows=shipments)
def test_every_column_matches_the_shipments(spark, name, rows):
    expected: Callable[[list[Row]], dict[tuple, tuple]] = getattr(referee, name)
    assert_alike(name, by_key(name, MARTS[name].make(days_of(spark, rows), NETWORK)), expected(rows))


@given(rows=shipments)
def test_every_column_of_warehouse_demand_matches_the_shipments(spark, rows):
    days = days_of(spark, rows)
    for capacities in (None, CAPACITIES):
        found = by_key("warehouse_demand", module.warehouse_demand(days, capacities))
        assert_alike("warehouse_demand", found, referee.warehouse_demand(rows, capacities))


@given(rows=shipments)
def test_all_time_marts_are_the_same_from_months_as_from_days(spark, rows):
    days = days_of(spark, rows)
    as_of = F.lit(referee.newest(referee.counted(rows))).cast("date")
    months = settled(spark, lane_months(days)).withColumn("as_of", as_of)
    for name in ALL_TIME:
        assert by_key(name, MARTS[name].make(months, NETWORK)) == by_key(name, MARTS[name].make(days, NETWORK))


@pytest.mark.parametrize("name", MARTS)
def test_the_columns_their_order_and_their_types_are_those_declared(spark, name):
    days = days_of(spark, numbered([SOUND]))
    assert types_of(marts(days)[name]) == TYPES[name] == MARTS[name].columns


@pytest.mark.parametrize("name", ALL_TIME)
def test_the_columns_are_the_same_from_months(spark, name):
    assert types_of(MARTS[name].make(lane_months(days_of(spark, numbered([SOUND]))), NETWORK)) == TYPES[name]


def test_marts_returns_all_six_by_name_with_the_capacities(spark):
    network = Network(tuple(Warehouse(name, daily_capacity=each) for name, each in CAPACITIES.items()))
    made = marts(days_of(spark, numbered([SOUND] * 4)), network)
    assert list(made) == list(MARTS) == list(TYPES)
    ((_, values),) = by_key("warehouse_demand", made["warehouse_demand"]).items()
    assert values == (4, Decimal("50.000"), Decimal("0.240"), 1, 100 * 4 / 3, True)


@pytest.mark.parametrize("name", MARTS)
def test_no_days_make_no_rows(spark, name):
    made = MARTS[name].make(days_of(spark, []), NETWORK)
    assert made.collect() == []
    assert types_of(made) == TYPES[name]


def test_a_ratio_covers_the_shipments_with_both_parts_known(spark):
    """One shipment for every combination of known and unknown measures."""
    rows = numbered(
        {
            **SOUND,
            **{name: SOUND[name] * number if known else None for name, known in zip(MEASURES, every, strict=True)},
        }
        for number, every in enumerate(product((True, False), repeat=4), 1)
    )
    for name in (*ALL_TIME, "warehouse_demand"):
        assert_alike(name, by_key(name, MARTS[name].make(days_of(spark, rows), NETWORK)), getattr(referee, name)(rows))
    (values,) = by_key("carrier_performance", module.carrier_performance(days_of(spark, rows))).values()
    priced = [row for row in rows if row["shipping_cost"] is not None and row["shipment_weight_kg"] is not None]
    assert len(priced) == 4
    cost, kg = (sum(row[name] for row in priced) for name in ("shipping_cost", "shipment_weight_kg"))
    assert values[-2] == pytest.approx(float(Fraction(cost) / Fraction(kg)), rel=1e-12)


def test_days_without_shipments_count_in_the_seven_days_of_a_trend(spark):
    """Late only on the first day: the trend is late for seven days from it, gaps or not, and no longer on the eighth."""
    offsets = (0, 3, 6, 7)
    on_time = {"delivery_date": SOUND["promised_date"] + timedelta(days=20), "promised_date": date(2026, 12, 31)}
    rows = [{**SOUND, **(on_time if n else {}), "shipment_date": DAY + timedelta(days=n)} for n in offsets]
    for row in rows:
        row["delay_days"] = (row["delivery_date"] - row["promised_date"]).days
    found = by_key("delay_trends", module.delay_trends(days_of(spark, numbered(rows))))
    assert [found[DAY + timedelta(days=n), "Chicago"][-1] for n in offsets] == pytest.approx([100, 50, 100 / 3, 0])


@pytest.mark.parametrize(
    ("delays", "p50", "p95"),
    [
        ([3], 3, 3),
        ([-2, 5], -2, 5),
        ([-1, 0, 1], 0, 1),
        ([0] * 19 + [9], 0, 0),
        ([0] * 18 + [8, 9], 0, 8),
        ([0] * 94 + [7] * 6, 0, 7),
        ([-3] * 50 + [4] * 50, -3, 4),
        ([-3] * 49 + [4] * 51, 4, 4),
    ],
)
def test_percentiles_are_nearest_ranks(spark, delays, p50, p95):
    rows = numbered(
        {**SOUND, "delay_days": delay, "delivery_date": SOUND["promised_date"] + timedelta(days=delay)} for delay in delays
    )
    (values,) = by_key("carrier_performance", module.carrier_performance(days_of(spark, rows))).values()
    columns = list(TYPES["carrier_performance"])[1:]
    assert [values[columns.index(name)] for name in ("p50_delay_days", "p95_delay_days")] == [p50, p95]


def test_cost_shares_of_a_month_add_up_to_a_hundred(spark):
    rows = numbered(
        {**SOUND, "carrier": carrier, "shipping_cost": Decimal(cost)} for carrier, cost in (("a", 1), ("b", 2), ("c", 0))
    )
    shares = [values[-1] for values in by_key("cost_analysis", module.cost_analysis(days_of(spark, rows))).values()]
    assert sorted(shares) == pytest.approx([0, 100 / 3, 200 / 3], rel=1e-12)


@pytest.mark.parametrize(
    ("costs", "shares"),
    [
        (("100", "-25", "25"), [100, -25, 25]),
        (("100", "-75", "15"), [250, -187.5, 37.5]),
        (("100", "-75", "-25"), [None, None, None]),
        (("10", "-75", "-25"), [None, None, None]),
        (("0", "0", "0"), [None, None, None]),
    ],
)
def test_credit_notes_lower_the_cost_of_a_month_and_its_shares(spark, costs, shares):
    rows = numbered(
        {**SOUND, "carrier": carrier, "shipping_cost": Decimal(cost)} for carrier, cost in zip("abc", costs, strict=True)
    )
    made = by_key("cost_analysis", module.cost_analysis(days_of(spark, rows)))
    found = {key[1]: values for key, values in made.items()}
    assert [found[carrier][1] for carrier in "abc"] == [Decimal(cost).quantize(Decimal("0.01")) for cost in costs]
    assert [found[carrier][-1] for carrier in "abc"] == shares


def test_a_warehouse_is_congested_above_its_capacity_not_at_it(spark):
    for shipments_, congested in ((2, False), (3, False), (4, True)):
        days = days_of(spark, numbered([SOUND] * shipments_))
        (values,) = by_key("warehouse_demand", module.warehouse_demand(days, CAPACITIES)).values()
        assert values[-1] is congested


def test_sums_too_large_for_a_double_are_divided_exactly_enough(spark):
    largest = {"shipping_cost": Decimal("999999999999.99"), "shipment_weight_kg": Decimal("999999999.999")}
    rows = numbered([{**SOUND, **largest}] * 30 + [{**SOUND, "shipping_cost": Decimal("0.01")}])
    for name in ALL_TIME:
        assert_alike(name, by_key(name, MARTS[name].make(days_of(spark, rows), NETWORK)), getattr(referee, name)(rows))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": "Delays"}, "the name of a mart is 'Delays', but must be at most 63 lower-case letters"),
        ({"span": "week"}, "the span of the mart delays is 'week', but must be one of all_time, month, day"),
        ({"span": "day"}, "the columns of the mart delays is .*, but must be a list with shipment_date"),
        ({"look_back_days": 29}, "look_back_days of delays is 29, but must be 0 to 28"),
    ],
)
def test_a_mart_that_jobs_cannot_keep_up_to_date_is_refused(wrong, told):
    with pytest.raises(InvalidValue, match=told):
        Mart(**{"name": "delays", "columns": {"carrier": "string"}, "make": lambda days, network: days, **wrong})
