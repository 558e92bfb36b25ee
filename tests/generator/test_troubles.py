"""troubles: the effects of disruptions on a batch, checked with the truth of its rows and a batch without disruptions."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from shipment_etl import Disruption, Scenario
from shipment_etl.errors import InvalidValue
from shipment_etl.generator.plan import MAX_DISRUPTIONS
from shipment_etl.generator.scenarios import SCENARIOS
from shipment_etl.generator.shipments import generate
from shipment_etl.generator.troubles import troubles
from tests.frames import rows_of

DAY = date(2026, 11, 19)
GIVEN = {"date": DAY, "rows": 4000, "seed": 7}
BASE = replace(SCENARIOS["swiftship"], lives={}, varied=False)
CALM = replace(BASE, disruptions=())
LATER, DEAR = {9: 1}, 30
UPS, CHICAGO = frozenset({"UPS"}), frozenset({"Chicago"})


def struck(rows, number):
    return [row for row in rows if number in row["disruptions"]]


def test_troubles_are_the_difference_to_a_batch_without_them(spark):
    scenario = replace(
        BASE,
        disruptions=(
            Disruption(LATER, carriers=UPS, name="late", surcharge=DEAR),
            Disruption({1: 1}, cities=CHICAGO, name="a day"),
            Disruption(carriers=UPS, cities=CHICAGO, name="dear", surcharge=50),
        ),
    )
    rows = rows_of(generate(spark, **GIVEN, scenario=scenario, truth=True))
    usual = {row["source_row"]: row for row in rows_of(generate(spark, **GIVEN, scenario=CALM))}
    found = {row["disruption"]: row for row in rows_of(troubles(spark, **GIVEN, scenario=scenario))}
    assert set(found) == {"late", "a day", "dear"}
    for name, row in found.items():
        hit = struck(rows, name)
        follows = [each for each in hit if name == ("a day" if "a day" in each["disruptions"] else "late")]
        before = [usual[each["source_row"]]["delay_days"] for each in follows]
        after = [each["delay_days"] for each in follows]
        costs = [usual[each["source_row"]]["shipping_cost"] for each in hit]
        assert row["shipments"] == len(hit)
        assert row["late_2plus"] == sum(each >= 2 for each in after) - sum(each >= 2 for each in before)
        assert row["days_late"] == sum(max(each, 0) for each in after) - sum(max(each, 0) for each in before)
        surcharge = {"late": DEAR, "a day": 0, "dear": 50}[name]
        assert row["cost"] == (sum(costs) * surcharge / 100).quantize(Decimal("0.01"), "ROUND_HALF_UP")


def test_a_column_that_a_disruption_removes_is_missing_only_in_affected_reports(spark):
    scenario = replace(BASE, disruptions=(Disruption(carriers=UPS, missing="shipment_weight_kg", name="no weights"),))
    rows = rows_of(generate(spark, **GIVEN, scenario=scenario, truth=True))
    assert struck(rows, "no weights")
    assert all((row["shipment_weight_kg"] is None) == (row["carrier"] == "UPS") for row in rows)
    assert rows_of(troubles(spark, **GIVEN, scenario=scenario))[0]["missing"] == "shipment_weight_kg"


@pytest.mark.parametrize(
    ("when", "strikes"),
    [
        ({"since": DAY}, True),
        ({"since": date(2026, 11, 20)}, False),
        ({"until": DAY}, True),
        ({"until": date(2026, 11, 18)}, False),
        ({"weekdays": frozenset({3})}, True),
        ({"weekdays": frozenset({0, 1, 2, 4, 5, 6})}, False),
    ],
)
def test_a_disruption_is_active_only_on_its_days(spark, when, strikes):
    scenario = replace(BASE, disruptions=(Disruption(LATER, name="late", **when),))
    rows = rows_of(generate(spark, **GIVEN, scenario=scenario, truth=True))
    assert all(row["delay_days"] >= 9 for row in rows) == strikes
    assert all(bool(row["disruptions"]) == strikes for row in rows)


def test_a_scenario_without_disruptions_has_no_troubles(spark):
    assert rows_of(troubles(spark, **GIVEN, scenario=CALM)) == []


@pytest.mark.parametrize(
    ("disruptions", "why"),
    [
        ((Disruption(missing="weight"),), "what a disruption makes missing is 'weight'"),
        ((Disruption(LATER),) * (MAX_DISRUPTIONS + 1), "the number of disruptions is 61"),
    ],
)
def test_invalid_disruptions_are_refused_before_any_query(disruptions, why):
    scenario = Scenario("own", "", {0: 1}, disruptions)
    with pytest.raises(InvalidValue, match=why):
        generate(None, **GIVEN, scenario=scenario)
