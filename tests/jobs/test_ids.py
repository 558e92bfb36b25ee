"""Ids of a batch as hashes, held against sets and counters of Python."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl.hashing import hash_of
from shipment_etl.jobs.ids import BatchHashes, in_order, is_among
from shipment_etl.lake.staging import Staging
from shipment_etl.lake.storage import storage_of

HASHES = st.lists(st.integers(-3, 3) | st.sampled_from((-(2**63), 2**63 - 1)), max_size=20)


def array(hashes: list[int]) -> np.ndarray:
    return np.array(hashes, np.int64)


@given(parts=st.lists(HASHES, max_size=4))
def test_hashes_in_order_stand_once(parts: list[list[int]]) -> None:
    assert in_order(map(array, parts)).tolist() == sorted({each for part in parts for each in part})


@given(hashes=HASHES, few=HASHES)
def test_those_among_others_are_found(hashes: list[int], few: list[int]) -> None:
    known = in_order([array(hashes)])
    assert known[is_among(known, in_order([array(few)]))].tolist() == sorted({*hashes} & {*few})


@given(rows=st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=30))
def test_what_is_accepted_are_the_ids_of_all_rows_that_are_not_rejected(rows: list[tuple[int, bool]]) -> None:
    count = Counter(each for each, _ in rows)
    hashes = BatchHashes(
        *(array(sorted(each for each in count if (count[each] > 1) is several)) for several in (False, True))
    )
    rejected = [each for each, is_sound in rows if not is_sound]
    suspects = [each for each, is_sound in rows if is_sound and count[each] > 1]
    found = hashes.accepted(*(pa.chunked_array([each], pa.int64()) for each in (rejected, suspects)))
    assert found.tolist() == sorted({each for each, is_sound in rows if is_sound})


@pytest.mark.parametrize("ids", [[], ["a"], ["a", "a"], ["b", "a", "c", "b", "c", "c", None, None, ""]])
def test_a_batch_tells_ids_that_stand_once_from_those_that_stand_more_often(
    spark: SparkSession, tmp_path: Path, ids: list[str | None]
) -> None:
    rows = spark.createDataFrame([(each,) for each in ids], "shipment_id string")
    hashed = rows.select("shipment_id", hash_of("shipment_id").alias("id_hash")).distinct().collect()
    hash_by_id = {row["shipment_id"]: row["id_hash"] for row in hashed}
    count = Counter(hash_by_id[each] for each in ids)
    found = BatchHashes.read(Staging(spark, storage_of(tmp_path), "_staging"), rows.select(F.col("shipment_id")))
    assert found.once.tolist() == sorted(each for each in count if count[each] == 1)
    assert found.repeated.tolist() == sorted(each for each in count if count[each] > 1)
