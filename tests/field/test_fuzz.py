"""A sample of `make fuzz`, and the faults that it must find."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.field.files import TOKEN, draw_file
from tests.field.fuzz import fuzz, judge

SECONDS = 20


@pytest.mark.slow
def test_no_record_is_lost_in_files_of_all_kinds(spark: SparkSession, tmp_path: Path) -> None:
    findings = fuzz(spark, range(10_000), seed=7, folder=tmp_path, seconds=SECONDS)
    assert findings.faults == {}
    assert findings.rows > 0


def test_the_same_seed_draws_the_same_file() -> None:
    assert draw_file(3, 14) == draw_file(3, 14)
    assert draw_file(3, 14) != draw_file(4, 14)


def test_a_lost_record_is_detected(tmp_path: Path) -> None:
    number = next(number for number in range(100) if draw_file(1, number).name == "f.csv" and draw_file(1, number).records)
    made = draw_file(1, number)
    assert judge(made, tmp_path, tmp_path / "landed.parquet") == ("landed", "")
    assert made.records is not None
    fewer = replace(made, records=made.records[1:])
    assert "landed" in judge(fewer, tmp_path, tmp_path / "landed.parquet")[1]
    more = replace(made, records=None, tokens=len(TOKEN.findall(made.content.decode(made.encoding))) + 1)
    assert "tokens" in judge(more, tmp_path, tmp_path / "landed.parquet")[1]
