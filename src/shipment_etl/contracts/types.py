"""Types: the columns of a frame are cast to the types of the contract, or the frame is refused before any row is read."""

from collections import Counter

from pandera.pyspark import DataFrameSchema
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from shipment_etl.contracts.columns import IDENTITY, TYPES, with_optional
from shipment_etl.contracts.reasons import REASONS_TYPE, REQUIRED, column_named, quote_name, quote_value, reason
from shipment_etl.errors import ColumnClash, MissingColumns, WrongTypes

__all__ = ["UNPARSED", "fit"]

UNPARSED = "unparsed"
"""Column of reasons found before the contract is checked: values that could not be read as their type."""
REASONS = "reasons"
RULE = "type"

WHOLE = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
CASTS: dict[type[T.DataType], tuple[type[T.DataType], ...]] = {
    T.StringType: (T.VarcharType, T.CharType, *WHOLE),
    T.DecimalType: (T.DecimalType, T.FloatType, T.DoubleType, *WHOLE),
    T.IntegerType: WHOLE,
    T.LongType: WHOLE,
    T.FloatType: (T.DoubleType, T.DecimalType, *WHOLE),
    T.DoubleType: (T.FloatType, T.DecimalType, *WHOLE),
}
"""Type in a contract → types that are cast to it. Strings are not: engines parse them differently, unlike `conform`."""


def fit(frame: DataFrame, schema: DataFrameSchema) -> DataFrame:
    """Return a frame with the columns of the contract in its types.

    Numbers are cast: rounded half up to the decimals of the contract; one that does not fit, such as NaN, becomes null.

    Columns:
        those of the frame, and the optional ones of a shipment; then unparsed: array<struct<rule, column, message>>, the
        values that could not be cast.

    Raises:
        ColumnClash: column names are equal except for case, or are those of added columns.
        MissingColumns: the frame lacks a column of a shipment or of the contract, or source_row.
        WrongTypes: a column has a type whose values cannot be cast.
    """
    frame = with_optional(frame)
    # Read once, because a frame asks its engine for its schema each time.
    found = {field.name: field.dataType for field in _check_names(frame.schema)}
    wanted = _types(schema)
    if missing := [name for name in wanted if name not in found]:
        raise MissingColumns("The contract", missing, found)
    casts = {name: kind for name, kind in wanted.items() if kind is not None and found[name] != kind}
    wrong = {
        name: kind for name, kind in casts.items() if not isinstance(found[name], (T.NullType, *CASTS.get(type(kind), ())))
    }
    if wrong:
        raise WrongTypes("The contract", {name: (found[name].simpleString(), wrong[name].simpleString()) for name in wrong})
    values = {name: F.expr(f"try_cast({quote_name(name)} as {kind.simpleString()})") for name, kind in casts.items()}
    unfit = [_cast_reason(name, values[name], kind) for name, kind in casts.items()]
    unfit.append(F.when(column_named(IDENTITY).isNull(), reason(REQUIRED, IDENTITY, F.lit(f"{IDENTITY} is missing"))))
    unparsed = F.array_compact(F.array(*unfit)).cast(REASONS_TYPE)
    if UNPARSED in found:
        before = F.coalesce(column_named(UNPARSED).cast(REASONS_TYPE), F.array().cast(REASONS_TYPE))
        unparsed = F.concat(before, unparsed)
    columns = (values.get(name, column_named(name)).alias(name) for name in found if name != UNPARSED)
    # Packed and unpacked, so that engines compute a cast once, not wherever the contract uses its column.
    return frame.select(F.inline(F.array(F.struct(*columns, unparsed.alias(UNPARSED)))))


def _types(schema: DataFrameSchema) -> dict[str, T.DataType | None]:
    """Return the type of each column that split and clean need; None where a user's contract leaves it open."""
    own = {name: column.dtype and column.dtype.type for name, column in schema.columns.items()}
    return {**TYPES, **own, IDENTITY: T.LongType()}


def _check_names(schema: T.StructType) -> T.StructType:
    alike = Counter(name.lower() for name in schema.names)
    if clash := [name for name in schema.names if alike[name.lower()] > 1]:
        raise ColumnClash(clash, "Spark cannot tell apart names that differ only in case")
    for field in schema:
        if field.name.lower() == REASONS:
            raise ColumnClash([field.name], "split adds a column of this name")
        if field.name.lower() == UNPARSED and (field.name, field.dataType.simpleString()) != (UNPARSED, REASONS_TYPE):
            raise ColumnClash([field.name], "split reads a column of this name as the problems found by conform")
    return schema


def _cast_reason(name: str, value: Column, kind: T.DataType) -> Column:
    """Return the reason for a value that cannot be cast; null for others."""
    message = F.concat(F.lit(f"{name} is "), quote_value(column_named(name)), F.lit(f", must be {kind.simpleString()}"))
    return F.when(column_named(name).isNotNull() & value.isNull(), reason(RULE, name, message))
