"""The fingerprint against a second implementation in plain Python, and against what must and must not change it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from struct import pack
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from xxhash import xxh64_intdigest

from shipment_etl.lake.fingerprint import fingerprint, fingerprint_of_content, fingerprints

SCHEMA = (
    "text string, whole int, long bigint, day date, flag boolean, narrow decimal(12,3), wide decimal(38,9), "
    "sum decimal(38,6), ratio double, reasons array<struct<rule:string,column:string>>"
)
TYPES = (
    *(
        pa.string(),
        pa.int32(),
        pa.int64(),
        pa.date32(),
        pa.bool_(),
        pa.decimal128(12, 3),
        pa.decimal128(38, 9),
        pa.decimal128(38, 6),
        pa.float64(),
    ),
    pa.list_(pa.struct([("rule", pa.string()), ("column", pa.string())])),
)
COLUMNS = tuple(part.split()[0] for part in SCHEMA.split(", "))

rows = st.lists(
    st.tuples(
        st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.none() | st.integers(-(2**31), 2**31 - 1),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.dates(date(1900, 1, 1), date(2200, 1, 1)),
        st.none() | st.booleans(),
        st.none() | st.decimals(-(10**8), 10**8, places=3),
        st.none() | st.decimals(-(10**20), 10**20, places=9),
        st.none() | st.decimals(-(10**20), 10**20, places=6) | st.decimals(-1, 1, places=6),
        st.none() | st.floats(allow_nan=False, allow_subnormal=False),
        st.none() | st.lists(st.tuples(st.text("ab", max_size=2), st.none() | st.text("ab", max_size=2)), max_size=3),
    ),
    max_size=30,
)


@given(rows)
def test_plain_python_gives_the_same_fingerprint(spark: SparkSession, rows: list[tuple[Any, ...]]) -> None:
    assert fingerprint(spark.createDataFrame(rows, SCHEMA)) == compute_fingerprint(rows)


@given(rows, st.booleans())
def test_a_table_in_memory_has_the_fingerprint_that_engines_give_it(
    spark: SparkSession, rows: list[tuple[Any, ...]], encoded: bool
) -> None:
    moments = [None if row[1] is None else datetime.fromtimestamp(abs(row[1]) / 1000, UTC) for row in rows]
    frame = spark.createDataFrame(
        [(*row, each) for row, each in zip(rows, moments, strict=True)], f"{SCHEMA}, moment timestamp"
    )
    content = pa.table(
        [pa.array([row[place] for row in rows], kind) for place, kind in enumerate(TYPES[:-1])]
        + [
            pa.array(
                [row[-1] and [dict(zip(("rule", "column"), each, strict=True)) for each in row[-1]] for row in rows],
                TYPES[-1],
            )
        ]
        + [pa.array(moments, pa.timestamp("us", "UTC"))],
        names=[*COLUMNS, "moment"],
    )
    if encoded:
        content = content.set_column(0, "text", content["text"].dictionary_encode())
    assert fingerprint_of_content(content) == fingerprint(frame)


@given(rows, st.randoms())
def test_order_and_partitions_change_nothing(spark: SparkSession, rows: list[tuple[Any, ...]], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    assert fingerprint(spark.createDataFrame(shuffled, SCHEMA).repartition(3)) == compute_fingerprint(rows)


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("text", "cast(null as string)"),
        ("text", "'B'"),
        ("whole", "whole + 1"),
        ("day", "date'2026-01-03'"),
        ("narrow", "cast(narrow + 1 as decimal(12,3))"),
        ("ratio", "ratio + 1e-12D"),
    ],
)
def test_any_change_of_a_value_changes_it(spark: SparkSession, column: str, change: str) -> None:
    before = sample(spark)
    assert fingerprint(before) != fingerprint(before.withColumn(column, F.expr(change)))


def test_a_null_in_another_column_is_another_row(spark: SparkSession) -> None:
    one = spark.createDataFrame([("x", None)], "a string, b string")
    other = spark.createDataFrame([(None, "x")], "a string, b string")
    assert fingerprint(one) != fingerprint(other)


def test_a_row_twice_is_not_a_row_once(spark: SparkSession) -> None:
    once = sample(spark)
    assert len({fingerprint(once), fingerprint(once.union(once)), fingerprint(once.union(once).union(once))}) == 3


def test_int_and_long_columns_with_the_same_numbers_are_equal(spark: SparkSession) -> None:
    frame = sample(spark)
    assert fingerprint(frame) == fingerprint(frame.withColumn("whole", F.col("whole").cast("long")))


def test_several_frames_are_read_at_once(spark: SparkSession) -> None:
    frame = sample(spark)
    words = fingerprints({"one": frame, "none": frame.where("false")})
    assert words == {"one": fingerprint(frame), "none": "0-0000000000000000-0"}


def sample(spark: SparkSession) -> DataFrame:
    row = (
        "a",
        1,
        2,
        date(2026, 1, 2),
        True,
        Decimal("1.500"),
        Decimal("2.000000000"),
        Decimal("3.000000"),
        0.25,
        [("r", "c")],
    )
    return spark.createDataFrame([row], SCHEMA)


def compute_fingerprint(rows: list[tuple[Any, ...]]) -> str:
    hashes = [_hash(dict(zip(COLUMNS, row, strict=True))) for row in rows]
    xor = 0
    for each in hashes:
        xor ^= each
    return f"{len(rows):x}-{xor:016x}-{sum(each & 0xFFFFFFFF for each in hashes):x}"


def _hash(row: dict[str, Any]) -> int:
    names = sorted(row)
    seed = xxh64_intdigest(pack("<q", sum(1 << place for place, name in enumerate(names) if row[name] is None)), 42)
    for name in names:
        if row[name] is not None:
            seed = xxh64_intdigest(_bytes(name, row[name]), seed)
    return seed


def _bytes(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool | int):
        return pack("<q", int(value))
    if isinstance(value, date):
        return pack("<q", (value - date(1970, 1, 1)).days)
    if isinstance(value, float):
        return pack("<d", 0.0 if value == 0 else value)
    if name == "narrow":
        return pack("<q", int(value.scaleb(3)))
    if name == "wide":
        return f"{value:.9f}".encode()
    if name == "sum":
        return f"{value:.6f}".encode()
    return "\x1e".join("\x1f".join("\x00" if part is None else part for part in each) for each in value).encode()
