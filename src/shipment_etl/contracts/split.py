"""Split: every row is good or bad, and bad rows have reasons."""

from dataclasses import replace
from typing import NamedTuple

from pandera.pyspark import DataFrameSchema
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shipment_etl.contracts.compile import is_sound, reasons, rules
from shipment_etl.contracts.models import ERROR, WARN, contract
from shipment_etl.contracts.reasons import REASONS_TYPE, RECORD, REQUIRED, column_named
from shipment_etl.contracts.types import UNPARSED, fit

__all__ = ["UNPARSED", "Verdict", "judge", "split"]


def split(frame: DataFrame, schema: DataFrameSchema | None = None) -> tuple[DataFrame, DataFrame]:
    """Split shipments into good and bad: each row is in exactly one of the two.

    A row that breaks the contract is bad. Several reports on one shipment are all good: `clean` keeps the newest. Rules of
    severity `warn` do not make a row bad.

    Args:
        frame: shipments with `source_row`, unique within the frame, and any other columns. Numbers may have any numeric
            type: they are cast to the contract's, rounded half up; NaN, infinity and numbers that do not fit are bad.
        schema: the contract; that of the default network if None.

    Columns:
        good: those of the frame, in the types of the contract.
        bad: those of good, null where a value could not be cast, and reasons: array<struct<rule, column, message>>, never
            empty.

    Raises:
        ColumnClash: the frame has a column `reasons`, or columns whose names differ only in case.
        MissingColumns: the frame lacks a column of a shipment or of the contract, or source_row.
        WrongTypes: a column has another type, and cannot be cast unambiguously, such as strings to dates.
        UnsupportedCheck: the contract has a check that the compiler does not support.
    """
    schema = contract() if schema is None else schema
    typed = fit(frame, schema)
    columns = [column_named(name) for name in frame.columns]
    sound, bad = judge(typed, schema).parts(typed)
    return sound.select(*columns), bad.select(*columns, "reasons")


class Verdict(NamedTuple):
    """The result of checking the rows of a frame against a contract.

    `rules` are the names of the rules, such as carrier:isin; `sound` is a boolean, never null; `reasons` are as in
    `compile.reasons`; `warnings` are the rules that a good row may break: name → whether the row breaks it.
    """

    rules: tuple[str, ...]
    sound: Column
    reasons: Column
    warnings: dict[str, Column]

    def parts(self, frame: DataFrame) -> tuple[DataFrame, DataFrame]:
        """Split rows by the contract alone, without looking at ids."""
        # Explaining costs more than deciding, and few rows are bad, so decide first.
        return frame.where(self.sound), frame.where(~self.sound).withColumn("reasons", self.reasons)


def judge(frame: DataFrame, schema: DataFrameSchema) -> Verdict:
    """Return the verdict on the rows of a frame, or of any other frame with the same columns.

    Args:
        frame: shipments in the types of the contract.
        schema: the contract.

    Raises:
        UnsupportedCheck: the contract has a check that the compiler does not support.
    """
    compiled = rules(schema)
    names = tuple(rule.full_name for rule in compiled)
    warnings = {rule.full_name: rule.broken for rule in compiled if rule.severity == WARN}
    every = [rule for rule in compiled if rule.severity == ERROR]
    if UNPARSED not in frame.columns:
        return Verdict(names, is_sound(every), reasons(every), warnings)
    # A value that could not be read is null now; it must not be reported as missing as well.
    unread = F.col(f"{UNPARSED}.column")
    explained = [
        replace(rule, broken=rule.broken & ~F.array_contains(unread, rule.column) & ~F.array_contains(unread, RECORD))
        if rule.name == REQUIRED
        else rule
        for rule in every
    ]
    # Cast, because Sail concatenates only arrays of the same nullability, and a frame that was read back has another one.
    found = F.concat(F.col(UNPARSED).cast(REASONS_TYPE), reasons(explained).cast(REASONS_TYPE))
    return Verdict(names, is_sound(every) & (F.size(UNPARSED) == 0), found, warnings)
