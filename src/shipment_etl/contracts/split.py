"""Split: every row is good or bad, and a bad one says why."""

from dataclasses import replace
from typing import NamedTuple

from pandera.pyspark import DataFrameSchema
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shipment_etl.contracts.compile import REASONS_TYPE, REQUIRED, is_sound, reasons, rules
from shipment_etl.contracts.models import IDENTITY, contract
from shipment_etl.contracts.repeats import CONFLICT, conflicting, repeated_ids, settle
from shipment_etl.errors import MissingColumns

__all__ = ["UNPARSED", "Verdict", "judge", "split"]

UNPARSED = "unparsed"
"""Column of reasons that `conform` found before: what could not be read as its type."""


def split(frame: DataFrame, schema: DataFrameSchema | None = None) -> tuple[DataFrame, DataFrame]:
    """Split shipments into good and bad: each row is in exactly one of the two.

    Bad is a row that breaks the contract, or that has the id of another sound row and other content; of rows with the
    same id the first (by source_row) is kept. Exact duplicates of a good row stay with the good ones: `clean` drops them.

    Args:
        frame: typed shipments with `source_row`, unique within the frame.
        schema: the contract; the one of the default network if None.

    Columns:
        good: those of the frame.
        bad: those of the frame, and reasons: array<struct<rule, column, message>>, never empty.

    Raises:
        MissingColumns: the frame lacks a column of the contract, or source_row.
        UnsupportedCheck: the contract has a check that the compiler does not know.
    """
    sound, bad = judge(frame, contract() if schema is None else schema).parts(frame)
    conflicts = settle(sound, repeated_ids(frame)).where(F.col("repeat") == CONFLICT)
    good = sound.join(conflicts, IDENTITY, "left_anti").select(*frame.columns)
    return good, bad.unionByName(conflicting(frame, conflicts))


class Verdict(NamedTuple):
    """What a contract says of the rows of a frame.

    `rules` are their names, as carrier:isin; `sound` is a boolean, never null; `reasons` are as `compile.reasons` has them.
    """

    rules: tuple[str, ...]
    sound: Column
    reasons: Column

    def parts(self, frame: DataFrame) -> tuple[DataFrame, DataFrame]:
        """Split rows by the contract alone, ids apart."""
        # Explaining costs more than deciding, and few rows are bad: so decide first.
        return frame.where(self.sound), frame.where(~self.sound).withColumn("reasons", self.reasons)


def judge(frame: DataFrame, schema: DataFrameSchema) -> Verdict:
    """Return the verdict on the rows of a frame, and of any other with its columns.

    Raises:
        MissingColumns: the frame lacks a column of the contract, or source_row.
        UnsupportedCheck: the contract has a check that the compiler does not know.
    """
    # Asked once, for a frame asks its engine each time.
    columns = frame.columns
    missing = [name for name in (*schema.columns, IDENTITY) if name not in columns]
    if missing:
        raise MissingColumns("The contract", missing, columns)
    every = rules(schema)
    names = tuple(f"{rule.column}:{rule.name}" for rule in every)
    if UNPARSED not in columns:
        return Verdict(names, is_sound(every), reasons(every))
    # What could not be read is null now; to call it missing as well would be wrong.
    unread = F.col(f"{UNPARSED}.column")
    every = tuple(
        replace(rule, broken=rule.broken & ~F.array_contains(unread, rule.column)) if rule.name == REQUIRED else rule
        for rule in every
    )
    # Cast, because Sail joins only arrays that agree on what may be null, which a frame read back does not.
    told = F.concat(F.col(UNPARSED).cast(REASONS_TYPE), reasons(every).cast(REASONS_TYPE))
    return Verdict(names, is_sound(every) & (F.size(UNPARSED) == 0), told)
