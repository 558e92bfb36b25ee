"""split: every row is on one side, with its reasons if bad; of rows with the same id one is kept, always the same."""

import random
from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.pyspark import Check, Column, DataFrameSchema
from pyspark.sql import functions as F
from pyspark.sql import types as T

from shipment_etl.contracts import repeats
from shipment_etl.contracts.compile import REASONS_TYPE
from shipment_etl.contracts.models import MEASURES, contract
from shipment_etl.contracts.repeats import repeated_ids, settle, suspects
from shipment_etl.contracts.split import UNPARSED, judge, split
from shipment_etl.errors import MissingColumns, UnsupportedCheck
from shipment_etl.network import Network
from tests.frames import CONTENT, SCHEMA, SOUND, any_shipments, frame, numbered, rows_like, rows_of, types_of

LENIENT = contract(Network.open(), MEASURES)

# Few ids, few contents: so that most rows repeat another, or take its id.
contents = st.fixed_dictionaries(
    {
        "shipment_id": st.sampled_from(("a", "b", "c", "A", "é")),
        "shipment_weight_kg": st.sampled_from((Decimal("1.000"), Decimal("2.000"), None)),
        "shipping_cost": st.sampled_from((Decimal("5.00"), None, Decimal("-1.00"))),
    }
)
repeating = rows_like(contents.map(lambda content: {**SOUND, **content}), most=40)


def content(row) -> tuple:
    return tuple(row[name] for name in CONTENT)


def expected_repeats(rows):
    """Return source_row → (repeat, kept_row) of sound rows that are not kept: the definition, row by row."""
    by_id = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["source_row"]):
        by_id[row["shipment_id"]].append(row)
    return {
        row["source_row"]: ("duplicate" if content(row) == content(kept) else "conflict", kept["source_row"])
        for kept, *others in by_id.values()
        for row in others
    }


def found_repeats(made) -> dict:
    return {row["source_row"]: (row["repeat"], row["kept_row"]) for row in rows_of(made) if row["repeat"]}


def is_sound(row) -> bool:
    return row["shipping_cost"] is None or row["shipping_cost"] >= 0


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


@settings(max_examples=8)
@given(rows=repeating)
def test_of_rows_with_the_same_id_the_first_sound_one_is_kept_with_its_copies(spark, rows):
    good, bad = split(frame(spark, rows), LENIENT)
    lost = expected_repeats([row for row in rows if is_sound(row)])
    told = {row["source_row"]: row["reasons"][0].message for row in rows_of(bad) if is_sound(row)}
    assert numbers(rows_of(good)) == [
        row["source_row"] for row in rows if is_sound(row) and lost.get(row["source_row"], ("duplicate",))[0] == "duplicate"
    ]
    assert told == {
        number: f"shipment_id is {rows[number - 1]['shipment_id']}, which row {kept} has with other content"
        for number, (repeat, kept) in lost.items()
        if repeat == "conflict"
    }
    assert all(len(row["reasons"]) == 1 for row in rows_of(bad))


@settings(max_examples=8)
@given(rows=repeating, order=st.randoms(use_true_random=False), partitions=st.integers(1, 7))
def test_who_is_kept_depends_neither_on_the_order_nor_on_the_partitions(spark, rows, order: random.Random, partitions):
    shuffled = order.sample(rows, len(rows))
    for made, other in zip(
        split(frame(spark, rows), LENIENT), split(frame(spark, shuffled).repartition(partitions), LENIENT), strict=True
    ):
        assert rows_of(made) == rows_of(other)


def test_copies_of_the_kept_row_stay_and_all_others_with_its_id_go(spark):
    """A, B, C differ in their cost, N has none, x is unsound; each pattern is an id; + stays, - goes."""
    patterns = {
        "A": "+",
        "AA": "++",
        "AB": "+-",
        "ABBA": "+--+",
        "ABAB": "+-+-",
        "ABCBA": "+---+",
        "xAB": "-+-",
        "xAxA": "-+-+",
        "NN": "++",
        "NA": "+-",
        "ANNA": "+--+",
    }
    costs = {"A": Decimal(1), "B": Decimal(2), "C": Decimal(3), "N": None, "x": Decimal(-1)}
    rows = [{"shipment_id": pattern, "shipping_cost": costs[letter]} for pattern in patterns for letter in pattern]
    good, _ = split(frame(spark, numbered({**SOUND, **row} for row in rows)), LENIENT)
    stayed = numbers(rows_of(good))
    assert "".join("+" if number in stayed else "-" for number in range(1, len(rows) + 1)) == "".join(patterns.values())


def test_a_difference_in_any_column_is_a_conflict(spark):
    others = {
        "shipment_weight_kg": Decimal("12.501"),
        "shipment_volume_m3": None,
        "shipment_date": SOUND["shipment_date"].replace(day=22),
        "promised_date": SOUND["promised_date"].replace(day=25),
        "delivery_date": SOUND["delivery_date"].replace(day=28),
        "delay_days": None,
        "delivery_status": None,
        "outcome": None,
        "route_distance_km": Decimal("1144.301"),
        "shipping_cost": Decimal("36.13"),
        **dict.fromkeys(("origin_warehouse", "destination_city", "carrier"), "elsewhere"),
    }
    assert sorted(("shipment_id", *others)) == sorted(CONTENT)
    made = frame(spark, numbered([SOUND, *({**SOUND, name: other} for name, other in others.items())]))
    found = found_repeats(settle(suspects(made, repeated_ids(made)), ()))
    assert found == dict.fromkeys(range(2, len(others) + 2), ("conflict", 1))


@given(rows=repeating)
def test_settle_tells_duplicates_from_conflicts(spark, rows):
    rows = [row for row in rows if is_sound(row)]
    made = frame(spark, rows)
    assert found_repeats(settle(suspects(made, repeated_ids(made)), ())) == expected_repeats(rows)


@given(rows=repeating)
def test_candidates_that_are_none_change_nothing(spark, rows):
    rows = [row for row in rows if is_sound(row)]
    made = frame(spark, rows)
    every = made.select(F.xxhash64("shipment_id").alias("id_hash")).distinct()
    strangers = spark.createDataFrame([(0,), (42,), (-1,)], "id_hash long")
    assert found_repeats(settle(suspects(made, every.union(strangers)), ())) == expected_repeats(rows)


def test_without_candidates_nothing_is_settled(spark):
    made = frame(spark, numbered([SOUND, SOUND]))
    assert found_repeats(settle(suspects(made, spark.createDataFrame([], "id_hash long")), ())) == {}


@given(rows=repeating)
def test_ids_that_share_a_hash_by_chance_are_told_apart(spark, rows):
    rows = [row for row in rows if is_sound(row)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats.F, "xxhash64", lambda *_: F.lit(7).cast("long"))
        made = frame(spark, rows)
        assert found_repeats(settle(suspects(made, repeated_ids(made)), ())) == expected_repeats(rows)


def test_repeated_ids_are_the_hashes_of_ids_that_stand_more_than_once(spark):
    made = frame(spark, numbered({**SOUND, "shipment_id": name} for name in ("a", "b", "a", "c", "c", "c")))
    expected = made.where(F.col("shipment_id").isin("a", "c")).select(F.xxhash64("shipment_id").alias("id_hash")).distinct()
    assert sorted(repeated_ids(made).collect()) == sorted(expected.collect())


def test_an_id_that_only_unsound_rows_repeat_is_no_conflict(spark):
    rows = numbered([{**SOUND, "shipping_cost": Decimal(-1)}, {**SOUND, "carrier": None}, SOUND])
    good, bad = split(frame(spark, rows))
    assert numbers(rows_of(good)) == [3]
    assert [[reason.rule for reason in row["reasons"]] for row in rows_of(bad)] == [
        ["greater_than_or_equal_to"],
        ["required"],
    ]


def test_other_columns_travel_along(spark):
    types = T.StructType([*SCHEMA, T.StructField("note", T.StringType()), T.StructField("batch_date", T.DateType())])
    rows = numbered(
        {**SOUND, "note": note, "shipping_cost": Decimal(cost)} for note, cost in (("a", 1), ("b", 2), ("c", -1))
    )
    good, bad = split(frame(spark, rows, types))
    assert [row["note"] for row in rows_of(good)] == ["a"]
    assert [row["note"] for row in rows_of(bad)] == ["b", "c"]
    assert bad.columns == [*types.names, "reasons"]


def test_an_empty_frame_has_two_empty_halves(spark):
    assert [rows_of(half) for half in split(frame(spark, []))] == [[], []]


def test_a_text_that_begins_with_white_space_is_blank_and_no_other(spark):
    """White space is what Unicode says it is, on every engine."""
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


def test_what_could_not_be_read_is_told_once_and_not_called_missing_as_well(spark):
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
