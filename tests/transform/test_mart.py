"""mart: what a declaration of columns becomes, and that one more column needs only one more entry."""

import re
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from shipment_etl.errors import InvalidValue
from shipment_etl.lake.tables import mart_table
from shipment_etl.network import Network
from shipment_etl.reporting import scorecard as scorecard_module
from shipment_etl.reporting.render import draw
from shipment_etl.transform import marts as module
from shipment_etl.transform.mart import Mart, MartColumn, document, summarize
from shipment_etl.transform.marts import MARTS
from tests.documents import ROOT
from tests.frames import types_of
from tests.reporting.made_up import facts

CARRIER = MartColumn("carrier", "string", "name of the carrier")
KG = MartColumn("weight_kg", "decimal(38,3)", "sum of the weights", lambda: F.sum("kg"), unit="kg")
KG_PCT = MartColumn(
    "weight_pct",
    "double",
    "share of all weights",
    lambda: 100 * F.col("weight_kg") / F.lit(8),
    unit="%",
    across_rows=True,
)
COLUMNS = (CARRIER, KG, KG_PCT)

P73 = MartColumn(
    "p73_delay_days",
    "int",
    "73rd percentile of the delay",
    lambda: module._nearest_rank(73),
    unit="days",
    heading="Delay",
    detail="73 in 100",
)
WITH_P73 = (*module.CARRIER_PERFORMANCE[:-1], P73, module.CARRIER_PERFORMANCE[-1])


@pytest.fixture
def weights(spark) -> DataFrame:
    return spark.createDataFrame([("a", 1), ("b", 2), ("a", 5)], "carrier string, kg bigint")


def test_rows_are_grouped_by_the_keys_and_cast_to_the_types_declared(weights):
    made = summarize(weights, COLUMNS)
    assert types_of(made) == {"carrier": "string", "weight_kg": "decimal(38,3)", "weight_pct": "double"}
    assert sorted(map(tuple, made.collect())) == [("a", Decimal("6.000"), 75.0), ("b", Decimal("2.000"), 25.0)]


def test_a_column_across_rows_may_come_before_those_it_uses(weights):
    assert summarize(weights, (CARRIER, KG_PCT, KG)).columns == ["carrier", "weight_pct", "weight_kg"]


def test_a_declared_mart_has_its_types_and_makes_its_rows_by_its_columns(weights):
    mart = Mart.declare("weights", COLUMNS)
    assert mart.columns == {"carrier": "string", "weight_kg": "decimal(38,3)", "weight_pct": "double"}
    assert mart.declared == COLUMNS
    assert sorted(map(tuple, mart.make(weights, Network.default()).collect()))[0] == ("a", Decimal("6.000"), 75.0)


def test_a_mart_with_only_types_has_no_declared_columns():
    assert Mart("weights", {"carrier": "string"}, lambda days, network: days).declared == ()


def test_a_key_has_no_expression():
    with pytest.raises(InvalidValue, match="the column carrier is a key"):
        CARRIER.expression()


def test_a_docstring_ends_with_the_columns():
    @document(COLUMNS)
    def heavy(lane_days):
        """How heavy.

        Source:
            A scale.
        """

    assert heavy.__doc__.splitlines() == [
        "How heavy.",
        "",
        "Source:",
        "    A scale.",
        "",
        "Columns:",
        "    carrier: string, name of the carrier.",
        "    weight_kg: decimal(38,3) (kg), sum of the weights.",
        "    weight_pct: double (%), share of all weights.",
    ]


@pytest.mark.parametrize("name", MARTS)
def test_the_docstring_of_a_mart_lists_its_columns_in_their_order(name):
    section = getattr(module, name).__doc__.partition("Columns:\n")[2]
    told = re.findall(r"^    (\w+): ([\w(),]+?)(?: \((.+?)\))?, (.+)\.$", section, flags=re.M)
    assert told == [(each.name, each.type, each.unit, each.meaning) for each in MARTS[name].declared]


@pytest.fixture
def one_more(monkeypatch) -> Mart:
    """Return carrier_performance with one more entry in its declaration."""
    monkeypatch.setattr(module, "CARRIER_PERFORMANCE", WITH_P73)
    more = Mart.declare("carrier_performance", WITH_P73, MARTS["carrier_performance"].make)
    monkeypatch.setattr(scorecard_module, "MARTS", {**MARTS, more.name: more})
    return more


def test_one_more_column_is_in_the_rows_and_in_the_table(spark, one_more):
    days = [(date(2026, 11, 23), delay, shipments) for delay, shipments in ((0, 72), (3, 1), (8, 26), (9, 1))]
    rows = spark.createDataFrame(days, "shipment_date date, delay_days int, shipments bigint")
    absent = {name: F.lit(0) for name in module.SUMS if name != "shipments"}
    rows = rows.withColumns(
        {**absent, "carrier": F.lit("a"), "state": F.lit("delivered"), "due_date": F.lit(None).cast("date")}
    )
    made = one_more.make(rows, Network.default())
    assert [row["p73_delay_days"] for row in made.collect()] == [3]
    assert types_of(made) == one_more.columns
    columns = [*mart_table(one_more).columns.items()]
    assert columns[columns.index(("p73_delay_days", "int")) - 1] == ("cost_per_kg", "double")


def test_one_more_column_is_in_the_data_dictionary(monkeypatch, one_more):
    monkeypatch.syspath_prepend(ROOT / "docs" / "generated")
    from data import mart_section

    row = "| `p73_delay_days` | `int` | days | 73rd percentile of the delay |"
    assert row in mart_section(one_more)
    assert row not in mart_section(MARTS["carrier_performance"])


def test_one_more_column_is_in_the_report(one_more):
    made = facts()
    html = draw(replace(made, carriers=made.carriers.assign(p73_delay_days=77)), "", datetime(2026, 11, 23)).html
    assert '<button type="button">Delay, days<small>73 in 100</small></button>' in html
    assert re.search(r'<td class="num" data-name="[^"]*" data-value="77">77</td>', html)


def test_a_column_without_a_heading_is_not_in_the_report(monkeypatch, one_more):
    silent = Mart.declare(one_more.name, [replace(each, heading="") for each in WITH_P73], one_more.make)
    monkeypatch.setattr(scorecard_module, "MARTS", {**MARTS, one_more.name: silent})
    assert scorecard_module.scorecard(facts(), None).headings == ()
