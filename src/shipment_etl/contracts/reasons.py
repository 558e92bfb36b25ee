"""Reasons: why a row is rejected, as a column that every engine and reader supports."""

from pyspark.sql import Column
from pyspark.sql import functions as F

__all__ = ["REASONS_TYPE", "RECORD", "REQUIRED", "column_named", "quote_name", "quote_value", "reason"]

REASON_TYPE = "struct<rule:string,column:string,message:string>"
REASONS_TYPE = f"array<{REASON_TYPE}>"
MAX_VALUE_LENGTH = 60
REQUIRED = "required"
RECORD = "record"
"""Rule and column of the reason for a record that cannot be parsed."""


def reason(rule: str, column: str, message: Column) -> Column:
    """Return one reason as a struct."""
    made = F.struct(F.lit(rule).alias("rule"), F.lit(column).alias("column"), message.alias("message"))
    # Cast, because only some messages are nullable, and Sail requires structs of exactly the same type in an array.
    return made.cast(REASON_TYPE)


def column_named(name: str) -> Column:
    """Return the column of exactly this name, which may contain dots."""
    return F.col(quote_name(name))


def quote_name(name: str) -> str:
    """Return a name quoted for SQL, whatever characters it has."""
    return "`" + name.replace("`", "``") + "`"


def quote_value(value: Column) -> Column:
    """Return a value as text of bounded length, for a message; null becomes `null`."""
    return F.coalesce(F.substring(value.cast("string"), 1, MAX_VALUE_LENGTH), F.lit("null"))
