"""Types: the columns of a frame become those of the contract, or the frame is refused before any row is read."""

from collections import Counter

from pandera.pyspark import DataFrameSchema
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from shipment_etl.contracts.columns import IDENTITY, TYPES, with_optional
from shipment_etl.contracts.reasons import REASONS_TYPE, REQUIRED, column_named, quote_name, quoted, reason
from shipment_etl.errors import ColumnClash, MissingColumns, WrongTypes

__all__ = ["UNPARSED", "fit"]

UNPARSED = "unparsed"
"""Column of reasons that were found before the contract: what could not be read as its type."""
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
"""Type of a contract → others that are cast to it. Texts are not: engines read them differently; `conform` does not."""


def fit(frame: DataFrame, schema: DataFrameSchema) -> DataFrame:
    """Return a frame with the columns of the contract in its types.

    Numbers are cast: rounded half up to the decimals of the contract; one that has no place there, as NaN, becomes null.

    Columns:
        those of the frame, and the optional ones of a shipment; then unparsed: array<struct<rule, column, message>>, the
        values that could not be cast.

    Raises:
        ColumnClash: names of columns cannot be told apart, or are those that are added.
        MissingColumns: the frame lacks a column of a shipment or of the contract, or source_row.
        WrongTypes: a column has a type whose values cannot be cast.
    """
    frame = with_optional(frame)
    # Asked once, for a frame asks its engine each time.
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
    unfit = [_unfit(name, values[name], kind) for name, kind in casts.items()]
    unfit.append(F.when(column_named(IDENTITY).isNull(), reason(REQUIRED, IDENTITY, F.lit(f"{IDENTITY} is missing"))))
    told = F.array_compact(F.array(*unfit)).cast(REASONS_TYPE)
    if UNPARSED in found:
        told = F.concat(F.coalesce(column_named(UNPARSED).cast(REASONS_TYPE), F.array().cast(REASONS_TYPE)), told)
    columns = (values.get(name, column_named(name)).alias(name) for name in found if name != UNPARSED)
    # Packed and unpacked, so that engines compute a cast once, and not wherever the contract names its column.
    return frame.select(F.inline(F.array(F.struct(*columns, told.alias(UNPARSED)))))


def _types(schema: DataFrameSchema) -> dict[str, T.DataType | None]:
    """The type of each column that split and clean need; None where a contract of the user's leaves it open."""
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
            raise ColumnClash([field.name], "split reads a column of this name as the problems that conform found")
    return schema


def _unfit(name: str, value: Column, kind: T.DataType) -> Column:
    """The reason against a value that cannot be cast; null for others."""
    message = F.concat(F.lit(f"{name} is "), quoted(column_named(name)), F.lit(f", must be {kind.simpleString()}"))
    return F.when(column_named(name).isNotNull() & value.isNull(), reason(RULE, name, message))
