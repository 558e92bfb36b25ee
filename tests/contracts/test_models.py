"""models: what the contract of a shipment allows and refuses, on both sides of every limit."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shipment_etl.contracts.columns import COLUMNS, MEASURES, TYPES
from shipment_etl.contracts.compile import reasons, rules
from shipment_etl.contracts.models import Shipment, contract
from shipment_etl.errors import InvalidValue
from shipment_etl.network import Network
from tests.frames import CONTENT, DAY, ENDS, SOUND, frame, numbered, rows_of

Change = dict[str, Any]

FIRST, LAST = date(1990, 1, 1), date(2099, 12, 31)
A_DAY = timedelta(days=1)
LEAST = Decimal("0.001")
DATES = ("shipment_date", "promised_date", "delivery_date")
MAY_BE_NULL = ("delay_days", "delivery_status", "outcome", "reported_at", "promised_at", "delivered_at")


def make_dates(shipped: date, promised: date, delivered: date) -> Change:
    """Return dates, and the delay and status derived from them."""
    delay = (delivered - promised).days
    status = "Delayed" if delay > 0 else "Delivered"
    return {
        **dict(zip(DATES, (shipped, promised, delivered), strict=True)),
        "delay_days": delay,
        "delivery_status": status,
    }


def make_changes(kind: str, names: list[str]) -> list[Change]:
    return [{kind: name} for name in names]


ALLOWED: list[Change] = [
    {},
    {"shipment_id": "x"},
    *make_changes("origin_warehouse", [each.name for each in Network.default().warehouses]),
    *make_changes("destination_city", [each.name for each in Network.default().cities]),
    *make_changes("carrier", [each.name for each in Network.default().carriers]),
    {"shipment_weight_kg": LEAST, "shipment_volume_m3": LEAST, "route_distance_km": LEAST, "shipping_cost": Decimal(0)},
    {"shipment_weight_kg": Decimal("999999999.999"), "route_distance_km": Decimal("40075.017")},
    make_dates(FIRST, FIRST, FIRST),
    make_dates(LAST, LAST, LAST),
    make_dates(DAY, DAY, DAY),
    make_dates(DAY, DAY, DAY + A_DAY),
    make_dates(DAY, DAY + A_DAY, DAY),
    make_dates(FIRST, LAST, FIRST),
    make_dates(FIRST, FIRST, LAST),
    {"delay_days": None},
    {"delivery_status": None},
    {"delay_days": None, "delivery_status": None},
    {"outcome": None},
    {"reported_at": datetime(1969, 12, 31)},
    # Both days, from their start in the first time zone to their end in the last.
    {"promised_at": datetime(2026, 11, 25, 10, tzinfo=UTC), "delivered_at": datetime(2026, 11, 26, 10, tzinfo=UTC)},
    {
        "promised_at": datetime(2026, 11, 27, 11, 59, 59, tzinfo=UTC),
        "delivered_at": datetime(2026, 11, 28, 11, 59, 59, tzinfo=UTC),
    },
    *ENDS.values(),
    *({**end, "delivery_status": None} for end in ENDS.values()),
    *({**end, "outcome": None} for end in ENDS.values()),
    {"outcome": "returned", "delivery_status": "Returned", "delay_days": None},
]

REFUSED: list[tuple[Change, list[tuple[str, str]]]] = [
    *(({name: None}, [("required", name)]) for name in CONTENT if name not in MAY_BE_NULL),
    *(({name: text}, [("isin", name)]) for name in CONTENT[1:4] for text in ("", "ups", "UPS ", "Chicago, IL", "UNKNOWN")),
    *(({"shipment_id": text}, [("str_matches", "shipment_id")]) for text in ("", " ", "\tx")),
    *(({name: value}, [("greater_than", name)]) for name in MEASURES[:3] for value in (Decimal(0), -LEAST)),
    ({"route_distance_km": Decimal("40075.018")}, [("less_than_or_equal_to", "route_distance_km")]),
    ({"shipping_cost": Decimal("-0.01")}, [("greater_than_or_equal_to", "shipping_cost")]),
    ({"delivery_status": "delayed"}, [("isin", "delivery_status"), ("status_matches_outcome", "delivery_status")]),
    ({"delivery_status": "delayed", "outcome": None}, [("isin", "delivery_status")]),
    ({"outcome": "Delivered"}, [("isin", "outcome"), ("status_matches_outcome", "delivery_status")]),
    ({"outcome": "lost"}, [("status_matches_outcome", "delivery_status")]),
    ({**ENDS["lost"], "outcome": "cancelled"}, [("status_matches_outcome", "delivery_status")]),
    ({**ENDS["in_transit"], "outcome": "lost"}, [("status_matches_outcome", "delivery_status")]),
    ({**ENDS["in_transit"], "delivery_date": DAY + A_DAY}, [("in_transit_has_no_date", "delivery_date")]),
    ({**ENDS["in_transit"], "delay_days": 0}, [("required", "delivery_date")]),
    ({**ENDS["in_transit"], "delivery_status": "Delivered"}, [("required", "delivery_date")]),
    ({"delivery_status": "Delivered"}, [("status_matches_delay", "delivery_status")]),
    ({"delay_days": 2}, [("delay_matches_dates", "delay_days")]),
    (
        {"delay_days": 0},
        [("delay_matches_dates", "delay_days"), ("status_matches_delay", "delivery_status")],
    ),
    (make_dates(DAY, DAY - A_DAY, DAY), [("promised_after_shipped", "promised_date")]),
    (make_dates(DAY, DAY, DAY - A_DAY), [("delivered_after_shipped", "delivery_date")]),
    (make_dates(FIRST - A_DAY, FIRST, FIRST), [("in_range", "shipment_date")]),
    (make_dates(LAST, LAST + A_DAY, LAST), [("in_range", "promised_date")]),
    (make_dates(LAST, LAST, LAST + A_DAY), [("in_range", "delivery_date")]),
    (make_dates(LAST + A_DAY, LAST + A_DAY, LAST + A_DAY), [("in_range", name) for name in DATES]),
    *(
        ({name: at}, [(f"{name}_on_its_day", day)])
        for name, day, times in (
            ("promised_at", "promised_date", ((25, 9, 59), (27, 12, 0))),
            ("delivered_at", "delivery_date", ((26, 9, 59), (28, 12, 0))),
        )
        for at in (datetime(2026, 11, *each, tzinfo=UTC) for each in times)
    ),
    ({**ENDS["in_transit"], "delivered_at": datetime(2026, 11, 27, 12)}, [("delivered_at_on_its_day", "delivery_date")]),
    # A rule about several columns passes if one of them is unknown.
    ({"promised_date": None, "delay_days": 99}, [("required", "promised_date")]),
    ({"shipment_date": None, "delivery_date": date(1990, 1, 1), "delay_days": None}, [("required", "shipment_date")]),
]


def test_the_model_has_the_columns_that_tables_have() -> None:
    declared = {name: column.dtype.type for name, column in Shipment.to_schema().columns.items()}
    assert list(declared.items()) == list(TYPES.items())


def find_broken_rules(spark, schema, changes: list[Change]) -> list[list[tuple[str, str]]]:
    made = frame(spark, numbered({**SOUND, **change} for change in changes))
    rows = rows_of(made.select("source_row", reasons(rules(schema)).alias("reasons")))
    return [[(reason.rule, reason.column) for reason in row["reasons"]] for row in rows]


def test_what_the_contract_allows(spark):
    for change, found in zip(ALLOWED, find_broken_rules(spark, contract(), ALLOWED), strict=True):
        assert found == [], change


def test_what_the_contract_refuses(spark):
    found = find_broken_rules(spark, contract(), [change for change, _ in REFUSED])
    for (change, expected), each in zip(REFUSED, found, strict=True):
        assert each == expected, change


def test_every_rule_is_broken_by_a_row_above(spark):
    every = {(rule.name, rule.column) for rule in rules(contract())}
    assert {each for _, expected in REFUSED for each in expected} == every


def test_a_measure_may_be_unknown_only_if_its_source_says_so(spark):
    changes = [{name: None} for name in MEASURES]
    for number, name in enumerate(MEASURES):
        expected = [[] if other == number else [("required", each)] for other, each in enumerate(MEASURES)]
        assert find_broken_rules(spark, contract(unknown=[name]), changes) == expected
    assert find_broken_rules(spark, contract(unknown=MEASURES), [dict.fromkeys(MEASURES)]) == [[]]


def test_a_measure_that_may_be_unknown_is_still_checked(spark):
    changes = [{name: Decimal(-1)} for name in MEASURES]
    assert find_broken_rules(spark, contract(unknown=MEASURES), changes) == [
        *([("greater_than", name)] for name in MEASURES[:3]),
        [("greater_than_or_equal_to", "shipping_cost")],
    ]


def test_costs_may_be_negative_only_if_they_are_credit_notes(spark):
    changes = [{"shipping_cost": Decimal(cost)} for cost in ("-0.01", "-999999999999.99", "0", "0.01")]
    assert find_broken_rules(spark, contract(), changes) == [[("greater_than_or_equal_to", "shipping_cost")]] * 2 + [[], []]
    assert find_broken_rules(spark, contract(credit_notes=True), changes) == [[]] * 4
    assert find_broken_rules(spark, contract(credit_notes=True), [{"shipping_cost": None}]) == [
        [("required", "shipping_cost")]
    ]
    assert find_broken_rules(spark, contract(credit_notes=True), [{"shipment_weight_kg": Decimal(-1)}]) != [[]]


def test_an_open_network_allows_every_name_that_is_not_blank(spark):
    changes = [dict.fromkeys(CONTENT[:4], text) for text in ("x", "Zürich", "null", " x", "")]
    blank = [("str_matches", name) for name in CONTENT[:4]]
    assert find_broken_rules(spark, contract(Network.open()), changes) == [[], [], [], blank, blank]


def test_the_contract_has_the_columns_of_a_shipment():
    assert COLUMNS == CONTENT
    schema = contract(Network.open(), MEASURES)
    assert {name for name, column in schema.columns.items() if column.nullable} == {
        *MEASURES,
        *("delivery_date", *MAY_BE_NULL),
    }


def test_each_call_makes_a_new_contract():
    contract(Network.open(), MEASURES, credit_notes=True)
    assert [check.name for check in contract().columns["shipping_cost"].checks] == ["greater_than_or_equal_to"]
    assert not contract().columns["shipping_cost"].nullable
    assert [check.name for check in contract().columns["carrier"].checks] == ["isin"]
    assert [check.name for check in contract(Network.open()).columns["carrier"].checks] == ["str_matches"]


def test_a_promise_may_be_unknown_if_its_source_says_so(spark):
    change = {"promised_date": None, "delay_days": None, "delivery_status": None}
    assert find_broken_rules(spark, contract(), [change]) == [[("required", "promised_date")]]
    assert find_broken_rules(spark, contract(unknown=["promised_date"]), [change]) == [[]]


def test_only_measures_and_promises_may_be_unknown():
    with pytest.raises(InvalidValue, match="unknown is 'carrier', but must be one of promised_date, shipment_weight_kg, "):
        contract(unknown=["carrier"])
