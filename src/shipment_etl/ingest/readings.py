"""Readings: how the text of a column is parsed, for each type of the contract."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, DecimalType, IntegerType, TimestampType

from shipment_etl.contracts.columns import TYPES
from shipment_etl.contracts.reasons import quote_value
from shipment_etl.ingest.checks import IN_CELL
from shipment_etl.ingest.currencies import SIGNS
from shipment_etl.ingest.dates import EXCEL, ISO, MONTHS, WRITTEN, DatePattern, expand
from shipment_etl.ingest.mapping import INSTANTS, UNITS, ColumnMapping, Numbers, SourceMapping
from shipment_etl.ingest.names import merge_spaces, tidy, tidy_column
from shipment_etl.ingest.patterns import SPECIAL, number_regex, portable_regex
from shipment_etl.ingest.zones import local_day, seconds_of_clock

__all__ = ["CURRENCY", "EXACT", "Reading", "read_column", "text_of", "value_of"]

ISO_DATE = "yyyy-MM-dd"
DECIMALS = 12
EXACT = f"decimal(24,{DECIMALS})"
"""Type of a number before its unit is applied: it has enough decimals, and the product with any unit fits 38 digits."""
EXCEL_SECONDS = 25_569 * 86_400
"""Seconds from the first day of Excel's calendar to 1970."""
CURRENCY = "shipping_cost_currency"
"""The column of the currency of each cost, where the file has one."""
UNIT_NAMES: Mapping[str, tuple[str, ...]] = {
    "kg": ("kgs", "kilo", "kilos", "kilogram", "kilograms", "kgm"),
    "g": ("gr", "gram", "grams", "grm"),
    "t": ("to", "ton", "tons", "tonne", "tonnes", "tne"),
    "lb": ("lbs", "pound", "pounds", "lbr"),
    "oz": ("ounce", "ounces", "onz"),
    "m3": ("m³", "cbm", "mtq"),
    "l": ("liter", "litre", "liters", "litres", "ltr"),
    "cm3": ("cm³", "ccm", "cmq"),
    "ft3": ("ft³", "cft", "cuft", "ftq"),
    "in3": ("in³",),
    "km": ("kms", "kmt"),
    "m": ("mtr", "meter", "metre", "meters", "metres"),
    "mi": ("mile", "miles", "smi"),
    "nmi": ("nm",),
}
"""Unit → other ways to write it. Source of the three-letter codes: UN/ECE Recommendation 20."""


@dataclass(frozen=True)
class Reading:
    """How the text of one column is parsed, in steps, because try_cast exists only in SQL and needs named columns.

    `prepared` are columns computed from the text, by suffix; `seconds` are computed from these, in SQL; `value` is SQL over
    all of them; `unread` is the message for a text that has no value; None where every text is a value.
    """

    prepared: dict[str, Column]
    value: str
    rule: str = ""
    unread: Column | None = None
    seconds: dict[str, str] = field(default_factory=dict)


def value_of(record: str, name: str) -> Column:
    """Return the value of a key in a map; null if it is missing.

    Uses two arrays, because Sail looks up a map key row by row, which takes twenty times as long.
    """
    place = F.array_position(F.map_keys(record), tidy(name)) - 1
    return F.get(F.map_values(record), place.cast("int"))


def text_of(name: str, column: ColumnMapping, mapping: SourceMapping) -> Column:
    """Return the normalized text of a value; null where it is unknown."""
    if column.from_row:
        # With the batch date: exports of two days often have the same file name.
        row = F.concat(F.lit(":"), F.col("source_row").cast("string"))
        return F.concat(F.col("batch_date").cast("string"), F.lit("/"), F.col("source_file"), row)
    if column.constant is not None:
        return F.lit(tidy(column.constant))
    parts = [
        _nullify(tidy_column(value_of("record", each)), column, mapping) for each in column.columns or (column.column or "",)
    ]
    text = parts[0] if len(parts) == 1 else F.concat(*_interleave(parts, F.lit(column.separator)))
    if column.fold_case:
        text = F.upper(text)
    if column.values:
        text = _replace(text, column)
    return F.when(F.col("problem").isNull(), text)


def _interleave(parts: Iterable[Column], separator: Column) -> list[Column]:
    first, *others = parts
    return [first, *(each for other in others for each in (separator, other))]


def _nullify(text: Column, column: ColumnMapping, mapping: SourceMapping) -> Column:
    unknown = text.isin(sorted({"", *(tidy(word) for word in (*mapping.nulls, *column.nulls))}))
    for pattern in column.null_patterns:
        unknown = unknown | text.rlike(portable_regex(merge_spaces(pattern)))
    return F.when(~unknown, text)


def _replace(text: Column, column: ColumnMapping) -> Column:
    fold = str.upper if column.fold_case else str
    known = {fold(tidy(found)): meant for found, meant in column.values.items()}
    place = F.array_position(F.array(*map(F.lit, known)), text) - 1
    return F.coalesce(F.get(F.array(*map(F.lit, known.values())), place.cast("int")), text)


def read_column(name: str, column: ColumnMapping, mapping: SourceMapping, currencies: Iterable[str] = ()) -> Reading:
    """Return how a column is read. `currencies` are those that costs may be in, in addition to the declared one."""
    kind = TYPES[name]
    place = f"' in {column.described} "
    if column.constant is not None:
        place = "' (a constant) "
    said = f"{name}: '", place
    if isinstance(kind, DateType):
        return _date(name, column, mapping, said)
    if isinstance(kind, TimestampType):
        return _instant(name, column, mapping, said) if name in INSTANTS else _moment(name, column, said)
    if isinstance(kind, IntegerType):
        return _whole_number(name, mapping, said)
    if isinstance(kind, DecimalType):
        return _number(name, kind, mapping, said, currencies)
    return Reading({}, f"{name}_text")


def _message(said: tuple[str, str], text: Column, what: str) -> Column:
    before, after = said
    return F.concat(F.lit(before), quote_value(text), F.lit(after + what))


def _date(name: str, column: ColumnMapping, mapping: SourceMapping, said: tuple[str, str]) -> Reading:
    """Rewrite dates as ISO 8601, which all engines parse in the same way; they differ in other patterns."""
    declared = column.dates or (ISO_DATE,)
    zone = mapping.timezone_of(name)
    prepared: dict[str, Column] = {}
    seconds: dict[str, str] = {}
    values: list[str] = []
    for needs_zone, patterns in groupby(enumerate(expand(declared, zone)), lambda each: _needs_zone(each[1], zone)):
        read = _seconds if needs_zone else _day
        found = []
        for number, pattern in patterns:
            made, value = read(f"{name}_{number}", F.col(f"{name}_text"), pattern, column.first_year)
            prepared |= {key.removeprefix(f"{name}_"): each for key, each in made.items()}
            found.append(value)
        if needs_zone:
            # A separate column, because the SQL for a day in a zone uses it a dozen times: inlined, planning takes longest.
            at = f"{len(values)}_at"
            seconds[at] = f"coalesce({', '.join(found)})"
            found = [local_day(f"{name}_{at}", "UTC" if zone in (None, WRITTEN) else str(zone))]
        values += found
    fix = f"is not a date like {' or '.join(declared)}; add its pattern to dates of {name} in the mapping"
    unread = _message(said, F.col(f"{name}_text"), fix)
    return Reading(prepared, f"coalesce({', '.join(values)})", "date", unread, seconds)


def _needs_zone(pattern: DatePattern, zone: str | None) -> bool:
    """Whether the day depends on a zone: the pattern is a point in time, and the day is not taken as written."""
    return pattern.kind != EXCEL and bool(pattern.kind or (pattern.is_instant and zone != WRITTEN))


def _moment(name: str, column: ColumnMapping, said: tuple[str, str]) -> Reading:
    """Read a point in time, to the second. Without an offset it is UTC: it is only compared within one source."""
    declared = column.dates or (ISO,)
    prepared: dict[str, Column] = {}
    values = []
    for number, pattern in enumerate(expand(declared, "UTC", with_time=True)):
        made, value = _seconds(f"{name}_{number}", F.col(f"{name}_text"), pattern, column.first_year)
        prepared |= {key.removeprefix(f"{name}_"): each for key, each in made.items()}
        values.append(value)
    fix = f"is not a time like {' or '.join(declared)}; add its pattern to dates of {name} in the mapping"
    read = f"timestamp_seconds(coalesce({', '.join(values)}))"
    return Reading(prepared, read, "timestamp", _message(said, F.col(f"{name}_text"), fix))


def _instant(name: str, column: ColumnMapping, mapping: SourceMapping, said: tuple[str, str]) -> Reading:
    """Read a point in time with a time of day, to the second. Without an offset it is local time in the declared zone."""
    declared, zone = column.dates or (ISO,), mapping.timezone_of(name)
    knows_zone = zone not in (None, WRITTEN)
    prepared: dict[str, Column] = {}
    seconds: dict[str, str] = {}
    values: list[str] = []
    for number, pattern in enumerate(expand(declared, "UTC", with_time=True)):
        if not pattern.is_instant and not (knows_zone and (pattern.kind or "hour" in pattern.groups)):
            continue
        made, value = _seconds(f"{name}_{number}", F.col(f"{name}_text"), pattern, column.first_year)
        prepared |= {key.removeprefix(f"{name}_"): each for key, each in made.items()}
        if not pattern.is_instant:
            at = f"{number}_at"
            seconds[at] = value
            value = seconds_of_clock(f"{name}_{at}", str(zone))
        values.append(value)
    beside = "" if knows_zone else ", and a timezone where it has no offset"
    fix = f"is not a time of day like {' or '.join(declared)}; add its pattern to dates of {name} in the mapping{beside}"
    read = f"timestamp_seconds(coalesce({', '.join(values)}))"
    return Reading(prepared, read, "timestamp", _message(said, F.col(f"{name}_text"), fix), seconds)


def _day(key: str, text: Column, pattern: DatePattern, first_year: int) -> tuple[dict[str, Column], str]:
    """Return the columns to prepare, by name, and SQL over them for the day as it is written."""
    if pattern.kind == EXCEL:
        made = {f"{key}_number": _group(text, pattern, "number")}
        return made, f"date_add(date'1899-12-30', cast(try_cast({key}_number as bigint) as int))"
    made = {f"{key}_iso": F.when(text.rlike(pattern.regex), _iso(text, pattern, first_year))}
    return made, f"try_cast({key}_iso as date)"


def _seconds(key: str, text: Column, pattern: DatePattern, first_year: int) -> tuple[dict[str, Column], str]:
    """Return the columns to prepare, by name, and SQL over them for the seconds since 1970 in UTC."""
    if pattern.kind == EXCEL:
        days = f"try_cast({key}_days as decimal(18,10))"
        made = {f"{key}_days": F.when(text.rlike(pattern.regex), text)}
        return made, f"(cast(round({days} * 86400) as bigint) - {EXCEL_SECONDS}L)"
    if pattern.kind:
        return {f"{key}_number": _group(text, pattern, "number")}, f"try_cast({key}_number as bigint)"
    made = {f"{key}_iso": F.when(text.rlike(pattern.regex), _iso(text, pattern, first_year))}
    clock = [f"unix_date(try_cast({key}_iso as date)) * 86400L"]
    for part, seconds in (("hour", 3600), ("minute", 60), ("second", 1)):
        if part in pattern.groups:
            made[f"{key}_{part}"] = _group(text, pattern, part)
            value = f"try_cast({key}_{part} as bigint)"
            clock.append(
                f"{value} % 12 * {seconds}"
                if "half of the day" in pattern.groups and part == "hour"
                else f"{value} * {seconds}"
            )
    if "half of the day" in pattern.groups:
        half = F.upper(_group(text, pattern, "half of the day"))
        made[f"{key}_half"] = F.when(half.startswith("P"), F.lit(43_200)).otherwise(F.lit(0))
        clock.append(f"{key}_half")
    if "offset" not in pattern.groups and not pattern.fixed_offset:
        return made, f"({' + '.join(clock)})"
    fixed = F.when(text.rlike(pattern.regex), F.lit(pattern.fixed_offset))
    made[f"{key}_offset"] = _group(text, pattern, "offset") if "offset" in pattern.groups else fixed
    return made, f"({' + '.join(clock)} - {_offset_seconds(f'{key}_offset')})"


def _group(text: Column, pattern: DatePattern, part: str) -> Column:
    """Return a part of the texts that match a pattern."""
    return F.when(text.rlike(pattern.regex), F.regexp_replace(text, pattern.regex, f"${pattern.groups[part]}"))


def _offset_seconds(column: str) -> str:
    digits = f"rpad(translate(substring({column}, 2), ':', ''), 4, '0')"
    seconds = f"try_cast(substring({digits}, 1, 2) as bigint) * 3600 + try_cast(substring({digits}, 3, 2) as bigint) * 60"
    return f"case when {column} = 'Z' then 0L when {column} like '-%' then -({seconds}) else {seconds} end"


def _iso(text: Column, pattern: DatePattern, first_year: int) -> Column:
    """Rewrite a text that matches a pattern as an ISO 8601 date."""
    places = {part: f"${number}" for part, number in pattern.groups.items()}
    if not pattern.month_by_name and not (pattern.two_digit_year and first_year % 100):
        century = str(first_year // 100) if pattern.two_digit_year else ""
        return F.regexp_replace(text, pattern.regex, f"{century}{places['year']}-{places['month']}-{places['day']}")

    def part(name: str) -> Column:
        return F.regexp_replace(text, pattern.regex, places[name])

    month = part("month")
    if pattern.month_by_name:
        found = F.position(F.lower(F.substring(month, 1, 3)), F.lit(".." + "".join(MONTHS)))
        month = (found / 3).cast("int").cast("string")
    return F.concat(_year(part("year"), pattern, first_year), F.lit("-"), month, F.lit("-"), part("day"))


def _year(year: Column, pattern: DatePattern, first_year: int) -> Column:
    if not pattern.two_digit_year:
        return year
    century, pivot = divmod(first_year, 100)
    later = F.when(year < F.lit(f"{pivot:02}"), F.lit(str(century + 1))).otherwise(F.lit(str(century)))
    return F.concat(later, year)


def _number(
    name: str, kind: DecimalType, mapping: SourceMapping, said: tuple[str, str], currencies: Iterable[str]
) -> Reading:
    column, numbers = mapping.columns[name], mapping.numbers_of(name)
    text, digits = F.col(f"{name}_text"), F.col(f"{name}_digits")
    bare, prepared = text, dict[str, Column]()
    factors = {"": Decimal(1)}
    if column.currency is not None:
        bare = _remove_currency(text, column, currencies)
    if column.unit in UNITS.get(name, {}):
        factors = {"": UNITS[name][str(column.unit)]}
    elif column.unit == IN_CELL or column.unit_column is not None:
        factors = dict(UNITS[name])
        bare, prepared["unit"] = _split_unit(name, text, column, factors)
    prepared["digits"] = _digits(bare, numbers, column.accounting)
    whole_digits = kind.precision - kind.scale
    fix = f"is not a number; see decimal, thousands and nulls of {name} in the mapping"
    unread = F.when(digits.isNull(), _message(said, text, fix)).otherwise(
        _message(said, text, f"is too large: {name} may have {whole_digits} digits before the decimal sign")
    )
    prepared["exponent"] = F.regexp_extract(F.col(f"{name}_text"), "[0-9.,][eE]([+-]?[0-9]{1,2})[^0-9]*$", 1)
    exact = f"try_cast({_shift(f'{name}_digits', f'{name}_exponent')} as {EXACT})"
    by_unit = {unit: f"try_cast({exact} * {_sql(factor)} as {kind.simpleString()})" for unit, factor in factors.items()}
    if "unit" not in prepared:
        return Reading(prepared, by_unit[""], "number", unread)
    cases = " ".join(f"when '{unit}' then {value}" for unit, value in by_unit.items())
    unknown = _message(said, text, f"has no known unit; it must be one of {', '.join(factors)}")
    unread = F.when(digits.isNotNull() & ~_is_one_of(F.col(f"{name}_unit"), factors), unknown).otherwise(unread)
    return Reading(prepared, f"case {name}_unit {cases} end", "number", unread)


def _is_one_of(value: Column, known: Iterable[str]) -> Column:
    return F.coalesce(value.isin(*known), F.lit(False))


def _split_unit(name: str, text: Column, column: ColumnMapping, factors: Mapping[str, Decimal]) -> tuple[Column, Column]:
    """Return the number of each text, and its unit."""
    cell = r"^(.*[0-9.,)]) ?([A-Za-z]+[23³]?)\.?$"
    if column.unit_column is not None:
        bare, unit = text, F.col(f"{name}_unit_text")
    else:
        bare = F.when(text.rlike(cell), F.regexp_replace(text, cell, "$1")).otherwise(text)
        unit = F.when(text.rlike(cell), F.regexp_replace(text, cell, "$2"))
    known = {other: unit for unit in factors for other in (unit, *UNIT_NAMES.get(unit, ()))}
    place = F.array_position(F.array(*map(F.lit, known)), F.lower(unit)) - 1
    return bare, F.get(F.array(*map(F.lit, known.values())), place.cast("int"))


def _remove_currency(text: Column, column: ColumnMapping, currencies: Iterable[str]) -> Column:
    """Return amounts without the sign or code of their currency; those with another currency stay unchanged."""
    codes = sorted({str(column.currency), *currencies})
    if column.currency_column is None:
        return _strip(text, str(column.currency))
    cases = [F.when(F.col(CURRENCY) == code, _strip(text, code)) for code in codes]
    return F.coalesce(*cases, text)


def _strip(text: Column, code: str) -> Column:
    words = sorted((code, *SIGNS.get(code, ())), key=len, reverse=True)
    either = "|".join("".join(f"\\{each}" if each in SPECIAL else each for each in word) for word in words)
    before = F.regexp_replace(text, f"^([+-]?) ?(?:{either}) ?", "$1")
    return F.regexp_replace(before, f" ?(?:{either})$", "")


def _whole_number(name: str, mapping: SourceMapping, said: tuple[str, str]) -> Reading:
    text = F.col(f"{name}_text")
    value = f"try_cast(try_cast({name}_digits as {EXACT}) as int)"
    unread = _message(said, text, "is not a whole number, or too large")
    return Reading({"digits": _digits(text, mapping.numbers, whole=True)}, value, "whole_number", unread)


def _digits(text: Column, numbers: Numbers, accounting: bool = False, *, whole: bool = False) -> Column:
    """Return the sign, digits and decimal point of a number; null where the text is not a number."""
    if accounting:
        for other in (r"^\((.+)\)$", "^([^-+]+)-$"):
            text = F.regexp_replace(text, other, "-$1")
    # Values are tidied, so the sign between groups of digits is compared as a blank, whichever space it is.
    thousands = merge_spaces(numbers.thousands)
    plain = F.translate(text, numbers.decimal + thousands, ".")
    # Further digits do not change the result, but an engine may fail on too many.
    counted = F.regexp_extract(plain, rf"^[+-]?[0-9]*(?:[.][0-9]{{0,{DECIMALS}}})?", 0)
    if not whole:
        mantissa = F.regexp_extract(plain, "^([+-]?[0-9.]{1,30})[eE]", 1)
        counted = F.when(mantissa != "", mantissa).otherwise(counted)
    return F.when(text.rlike(number_regex(numbers.decimal, thousands, whole=whole)), counted)


def _shift(digits: str, exponent: str) -> str:
    """Return SQL that moves the decimal point by an exponent, as a text, so that no engine has to cast exponents."""
    bare, places = f"translate({digits}, '+-', '')", f"try_cast({exponent} as int)"
    whole = f"substring_index({bare}, '.', 1)"
    decimals = f"if(instr({bare}, '.') > 0, substring_index({bare}, '.', -1), '')"
    up = f"concat({whole}, rpad({decimals}, {places}, '0'), '.', substring({decimals}, {places} + 1))"
    padded = f"lpad({whole}, greatest(length({whole}), 1 - {places}), '0')"
    down = f"concat(substring({padded}, 1, length({padded}) + {places}), '.', right({padded}, -{places}), {decimals})"
    moved = f"case when {places} >= 0 then {up} else {down} end"
    # Further digits do not change the result.
    rounded = f"concat(substring_index({moved}, '.', 1), '.', substring(substring_index({moved}, '.', -1), 1, {DECIMALS}))"
    sign = f"if({digits} like '-%', '-', '')"
    return f"case when {exponent} = '' then {digits} else concat({sign}, {rounded}) end"


def _sql(factor: Decimal) -> str:
    """Return SQL for a decimal with its exact type: engines choose different types for literals."""
    scale = max(0, -int(factor.as_tuple().exponent))
    return f"cast('{factor}' as decimal({max(scale, factor.adjusted() + 1 + scale)},{scale}))"
