"""split: every row is either good or bad, by the contract alone, and bad rows have reasons."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from pandera.pyspark import Check, Column, DataFrameSchema
from pyspark.sql import types as T

from shipment_etl.contracts.columns import MEASURES
from shipment_etl.contracts.models import contract
from shipment_etl.contracts.reasons import REASONS_TYPE
from shipment_etl.contracts.split import UNPARSED, judge, split
from shipment_etl.errors import MissingColumns, UnsupportedCheck
from shipment_etl.network import Network
from tests.frames import SCHEMA, SOUND, any_shipments, frame, numbered, rows_like, rows_of, types_of

LENIENT = contract(Network.open(), MEASURES)


def numbers(rows) -> list[int]:
    return [row["source_row"] for row in rows]


@settings(max_examples=8)
@given(rows=rows_like(any_shipments(most_wrong=2)))
def test_split_is_a_partition(spark, rows):
    good, bad = split(frame(spark, rows))
    assert types_of(good) == types_of(frame(spark, rows))
    assert types_of(bad) == {**types_of(good), "reasons": REASONS_TYPE}
    good_rows, bad_rows = rows_of(good), rows_of(bad)
    without_reasons = [{name: row[name] for name in row if name != "reasons"} for row in bad_rows]
    assert sorted(good_rows + without_reasons, key=lambda row: row["source_row"]) == rows
    assert all(row["reasons"] for row in bad_rows)


def test_all_reports_on_a_shipment_that_meet_the_contract_are_good(spark):
    costs = (Decimal(1), Decimal(2), Decimal(2), Decimal(-1), Decimal(1))
    good, bad = split(frame(spark, numbered({**SOUND, "shipping_cost": cost} for cost in costs)))
    assert numbers(rows_of(good)) == [1, 2, 3, 5]
    assert [[reason.rule for reason in row["reasons"]] for row in rows_of(bad)] == [["greater_than_or_equal_to"]]


def test_other_columns_are_kept(spark):
    types = T.StructType([*SCHEMA, T.StructField("note", T.StringType()), T.StructField("batch_date", T.DateType())])
    rows = numbered({**SOUND, "note": note, "shipping_cost": Decimal(cost)} for note, cost in (("a", 1), ("b", -1)))
    good, bad = split(frame(spark, rows, types))
    assert [row["note"] for row in rows_of(good)] == ["a"]
    assert [row["note"] for row in rows_of(bad)] == ["b"]
    assert bad.columns == [*types.names, "reasons"]


def test_an_empty_frame_has_two_empty_halves(spark):
    assert [rows_of(half) for half in split(frame(spark, []))] == [[], []]


def test_only_texts_that_begin_with_white_space_are_blank(spark):
    """White space is as defined by Unicode, on every engine."""
    blank = ("", " ", "\t", "\n", "\u00a0", "\u2007x", "\u3000x", "\u0085", "\u1680x", "\u2028x", " x")
    names = ("x ", "\u200bx", "\u180ex", "\ufeffx", "\x1cx", "😀", "\x00", "'", "x" * 100_000)
    rows = numbered({**SOUND, "shipment_id": text, "carrier": text} for text in (*blank, *names))
    good, bad = split(frame(spark, rows), LENIENT)
    assert [row["carrier"] for row in rows_of(good)] == list(names)
    assert [[(each.rule, each.column) for each in row["reasons"]] for row in rows_of(bad)] == [
        [("str_matches", "shipment_id"), ("str_matches", "carrier")]
    ] * len(blank)


REASON = T.StructType([T.StructField(name, T.StringType()) for name in ("rule", "column", "message")])
READ = T.StructType([*SCHEMA, T.StructField(UNPARSED, T.ArrayType(REASON))])
UNREADABLE_COST = ("parse", "shipping_cost", "shipping_cost is abc, must be a number")


def test_an_unreadable_value_is_reported_once_and_not_also_as_missing(spark):
    rows = numbered(
        [
            {**SOUND, UNPARSED: []},
            {**SOUND, UNPARSED: [UNREADABLE_COST], "shipping_cost": None},
            {**SOUND, UNPARSED: [UNREADABLE_COST], "shipping_cost": None, "carrier": None},
            {**SOUND, UNPARSED: [UNREADABLE_COST], "shipping_cost": Decimal(-1)},
        ]
    )
    good, bad = split(frame(spark, rows, READ))
    assert numbers(rows_of(good)) == [1]
    assert [[(each.rule, each.column) for each in row["reasons"]] for row in rows_of(bad)] == [
        [("parse", "shipping_cost")],
        [("parse", "shipping_cost"), ("required", "carrier")],
        [("parse", "shipping_cost"), ("greater_than_or_equal_to", "shipping_cost")],
    ]
    assert rows_of(bad)[0]["reasons"][0].message == UNREADABLE_COST[2]


@settings(max_examples=4)
@given(rows=rows_like(any_shipments(most_wrong=3)))
def test_the_verdict_of_a_row_does_not_depend_on_other_rows(spark, rows):
    def parts(of):
        rows = frame(spark, of)
        return [rows_of(half) for half in judge(rows, contract()).parts(rows)]

    sound, bad = parts(rows)
    again_sound, none_bad = parts(sound)
    none_sound, again_bad = parts(bad)
    assert (again_sound, none_bad, none_sound, again_bad) == (sound, [], [], bad)


@pytest.mark.parametrize("missing", [["carrier"], ["source_row"], ["shipment_id", "delivery_date", "source_row"]])
def test_a_frame_without_the_columns_of_the_contract_is_refused(spark, missing):
    with pytest.raises(MissingColumns, match=f"The contract needs the columns {', '.join(missing)}; the frame has "):
        split(frame(spark, [SOUND]).drop(*missing))


def test_a_contract_with_a_check_that_cannot_be_compiled_is_refused(spark):
    schema = DataFrameSchema({"carrier": Column(T.StringType(), checks=[Check.str_length(1, 5)])})
    with pytest.raises(UnsupportedCheck, match="The check 'str_length' on carrier cannot be compiled"):
        split(frame(spark, numbered([SOUND])), schema)
