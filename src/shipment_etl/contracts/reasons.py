"""Reasons: why a row is rejected, as a column that every engine and reader understands."""

from pyspark.sql import Column
from pyspark.sql import functions as F

__all__ = ["REASONS_TYPE", "RECORD", "REQUIRED", "column_named", "quote_name", "quoted", "reason"]

REASON_TYPE = "struct<rule:string,column:string,message:string>"
REASONS_TYPE = f"array<{REASON_TYPE}>"
MAX_VALUE_LENGTH = 60
REQUIRED = "required"
RECORD = "record"
"""Rule and column of the reason against a record that cannot be taken apart."""


def reason(rule: str, column: str, message: Column) -> Column:
    """Return one reason as a struct."""
    made = F.struct(F.lit(rule).alias("rule"), F.lit(column).alias("column"), message.alias("message"))
    # Some messages cannot be null and some can: cast, for Sail puts only structs of the very same type into an array.
    return made.cast(REASON_TYPE)


def column_named(name: str) -> Column:
    """Return the column of exactly this name, which may hold dots."""
    return F.col(quote_name(name))


def quote_name(name: str) -> str:
    """Return a name as SQL reads it, whatever characters it has."""
    return "`" + name.replace("`", "``") + "`"


def quoted(value: Column) -> Column:
    """Return a value as text of bounded length, for a message; `null` where it is null."""
    return F.coalesce(F.substring(value.cast("string"), 1, MAX_VALUE_LENGTH), F.lit("null"))
