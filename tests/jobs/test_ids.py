"""Ids of a batch as hashes, compared with sets and counters of Python."""

from collections import Counter
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl.hashing import hash_of
from shipment_etl.jobs import ids
from shipment_etl.jobs.ids import BatchHashes, is_among, sort_unique
from shipment_etl.lake.staging import Staging
from shipment_etl.lake.storage import storage_of

HASHES = st.lists(st.integers(-3, 3) | st.sampled_from((-(2**63), 2**63 - 1)), max_size=20)


def array(hashes: list[int]) -> np.ndarray:
    return np.array(hashes, np.int64)


@given(parts=st.lists(HASHES, max_size=4))
def test_sorted_hashes_are_unique(parts: list[list[int]]) -> None:
    assert sort_unique(map(array, parts)).tolist() == sorted({each for part in parts for each in part})


@given(hashes=HASHES, few=HASHES)
def test_hashes_among_others_are_found(hashes: list[int], few: list[int]) -> None:
    known = sort_unique([array(hashes)])
    assert known[is_among(known, sort_unique([array(few)]))].tolist() == sorted({*hashes} & {*few})


@given(rows=st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=30), block=st.sampled_from((1, 2, 3, 100)))
def test_accepted_ids_are_those_of_all_rows_that_are_not_rejected(rows: list[tuple[int, bool]], block: int) -> None:
    count = Counter(each for each, _ in rows)
    hashes = BatchHashes(
        *(array(sorted(each for each in count if (count[each] > 1) is several)) for several in (False, True))
    )
    rejected = [each for each, is_sound in rows if not is_sound]
    suspects = [each for each, is_sound in rows if is_sound and count[each] > 1]
    with patch.object(ids, "BLOCK_ROWS", block):
        found = hashes.find_accepted(*(pa.chunked_array([each], pa.int64()) for each in (rejected, suspects)))
    assert found.tolist() == sorted({each for each, is_sound in rows if is_sound})


@pytest.mark.parametrize("block", [2, 100])
@pytest.mark.parametrize("names", [[], ["a"], ["a", "a"], ["b", "a", "c", "b", "c", "c", None, None, ""]])
def test_a_batch_separates_ids_of_one_row_from_those_of_several(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str | None], block: int
) -> None:
    monkeypatch.setattr(ids, "BLOCK_ROWS", block)
    rows = spark.createDataFrame([(each,) for each in names], "shipment_id string")
    hashed = rows.select("shipment_id", hash_of("shipment_id").alias("id_hash")).distinct().collect()
    hash_by_id = {row["shipment_id"]: row["id_hash"] for row in hashed}
    count = Counter(hash_by_id[each] for each in names)
    found = BatchHashes.read(Staging(spark, storage_of(tmp_path), "_staging"), rows.select(F.col("shipment_id")))
    assert found.once.tolist() == sorted(each for each in count if count[each] == 1)
    assert found.repeated.tolist() == sorted(each for each in count if count[each] > 1)
