"""Verdicts: how `process` would judge the rows of a sample with a draft."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl.contracts.columns import COLUMNS, LINEAGE
from shipment_etl.contracts.split import judge
from shipment_etl.ingest.conform import conform
from shipment_etl.ingest.contract import contract_of
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.ingest.names import tidy
from shipment_etl.mapping_draft.sample import Sample

__all__ = ["MAX_JUDGED", "Verdicts", "judge_sample"]

MAX_JUDGED = 2_000
"""Records of the sample that are judged."""
SCHEMA = ", ".join(f"{name} {kind}" for name, kind in {**LINEAGE, "record": "string", "problem": "string"}.items())


@dataclass(frozen=True)
class Verdicts:
    """The verdicts on the rows of a sample.

    Attributes:
        rows: number of rows judged.
        accepted: number of rows that would be accepted, regardless of repeated ids.
        reasons: column and rule → number of rows rejected.
        repeated: accepted rows whose id appears more than once.
        shown: the first rows, as they would land.
        messages: an example message for each reason.
    """

    rows: int
    accepted: int
    reasons: dict[str, int]
    repeated: int
    shown: list[dict[str, Any]]
    messages: dict[str, str]


def judge_sample(
    spark: SparkSession, sample: Sample, mapping: SourceMapping, *, open_columns: Sequence[str] = (), shown: int = 5
) -> Verdicts:
    """Judge the records of a sample with a mapping.

    Args:
        spark: a session of any engine.
        sample: sample of a file.
        mapping: mapping of its columns.
        open_columns: required columns that are still open; their values are ignored.
        shown: number of rows to return.
    """
    text = [json.dumps({tidy(name): value for name, value in each.items()}) for each in sample.records[:MAX_JUDGED]]
    today = date.today()
    records = [("sample", today, sample.name, number, each, None) for number, each in enumerate(text, 1)]
    frame = spark.createDataFrame(records, SCHEMA).withColumn("record", F.from_json("record", "map<string,string>"))
    typed = conform(frame, mapping)
    verdict = judge(typed, contract_of(mapping))
    every = typed.select("source_row", *COLUMNS, verdict.reasons.alias("reasons")).collect()
    derived = ("delay_days", "delivery_status")
    hidden = {*open_columns, *(derived if set(open_columns) & {"promised_date", "delivery_date"} else ())}
    reasons: Counter[str] = Counter()
    messages: dict[str, str] = {}
    ids: Counter[str] = Counter()
    for row in every:
        # A rule about two dates is meaningless if one of them is open.
        found = [each for each in row["reasons"] or () if not _is_about(each, hidden)]
        for each in found:
            key = f"{each['column']}:{each['rule']}"
            reasons[key] += 1
            messages.setdefault(key, each["message"])
        if not found:
            ids[row["shipment_id"]] += 1
    columns = [name for name in COLUMNS if name not in hidden and (name in mapping.columns or name in derived)]
    first = sorted(every, key=lambda row: row["source_row"])[:shown]
    return Verdicts(
        len(every),
        ids.total(),
        dict(reasons.most_common()),
        sum(count for count in ids.values() if count > 1),
        [{name: row[name] for name in columns} for row in first],
        messages,
    )


def _is_about(each: Any, hidden: set[str]) -> bool:
    dates = {"shipment_date", "promised_date", "delivery_date"}
    return each["column"] in hidden or (each["rule"].endswith("_shipped") and bool(dates & hidden))
