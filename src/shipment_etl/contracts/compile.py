"""The compiler: a pandera schema becomes rules, and rules become one null-safe column of reasons.

pandera's own pyspark backend runs one query per check and only reports that a check failed. Rules are Columns: one pass over
all rows decides, and a second pass over the rejected rows explains.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pandera.api.checks import Check
from pandera.pyspark import DataFrameSchema
from pyspark.sql import Column
from pyspark.sql import functions as F

from shipment_etl.contracts.models import ERROR, WARN, Severity
from shipment_etl.contracts.reasons import REQUIRED, column_named, quote_value, reason
from shipment_etl.errors import UnsupportedCheck, join_names

__all__ = ["Rule", "is_sound", "reasons", "rules"]


@dataclass(frozen=True)
class Rule:
    """One thing that can be wrong with a row.

    `broken` is true or false, never null; `message` is a string, read only where broken. A row that breaks a rule of
    severity `error` is bad; one that breaks a rule of severity `warn` is good, but counted.
    """

    name: str
    column: str
    broken: Column
    message: Column
    severity: Severity = ERROR

    @property
    def full_name(self) -> str:
        """Column and rule, as shown in reports: carrier:isin."""
        return f"{self.column}:{self.name}"


Holds = Callable[[Column, Mapping[str, Any]], Column]

# pandera's check → what must hold, and the text for it. An unknown value (null) breaks no check: `required` rejects it.
CHECKS: Mapping[str, tuple[Holds, Callable[[Mapping[str, Any]], str]]] = {
    "equal_to": (lambda c, s: c == F.lit(s["value"]), lambda s: f"must be {s['value']}"),
    "not_equal_to": (lambda c, s: c != F.lit(s["value"]), lambda s: f"must not be {s['value']}"),
    "greater_than": (lambda c, s: c > F.lit(s["min_value"]), lambda s: f"must be above {s['min_value']}"),
    "greater_than_or_equal_to": (
        lambda c, s: c >= F.lit(s["min_value"]),
        lambda s: f"must be {s['min_value']} or more",
    ),
    "less_than": (lambda c, s: c < F.lit(s["max_value"]), lambda s: f"must be below {s['max_value']}"),
    "less_than_or_equal_to": (lambda c, s: c <= F.lit(s["max_value"]), lambda s: f"must be {s['max_value']} or less"),
    "in_range": (
        lambda c, s: (
            (c >= F.lit(s["min_value"]) if s["include_min"] else c > F.lit(s["min_value"]))
            & (c <= F.lit(s["max_value"]) if s["include_max"] else c < F.lit(s["max_value"]))
        ),
        lambda s: f"must be between {s['min_value']} and {s['max_value']}",
    ),
    "isin": (
        lambda c, s: c.isin(*s["allowed_values"]),
        lambda s: f"must be one of: {join_names(str(each) for each in s['allowed_values'])}",
    ),
    "notin": (
        lambda c, s: ~c.isin(*s["forbidden_values"]),
        lambda s: f"must be none of: {join_names(str(each) for each in s['forbidden_values'])}",
    ),
    # pandera always anchors the pattern at the start, with or without ^.
    "str_matches": (
        lambda c, s: c.rlike(s["pattern"] if s["pattern"].startswith("^") else "^" + s["pattern"]),
        lambda s: f"must match {s['pattern']}",
    ),
}


def rules(schema: DataFrameSchema) -> tuple[Rule, ...]:
    """Return the rules of a contract, in order: required and field checks by column, then the row rules.

    Raises:
        UnsupportedCheck: the contract has a check that the compiler does not support.
    """
    compiled: list[Rule] = []
    for name, column in schema.columns.items():
        value = column_named(name)
        if not column.nullable:
            compiled.append(Rule(REQUIRED, name, value.isNull(), F.lit(f"{name} is missing")))
        compiled += [_field_rule(name, check) for check in column.checks]
    return (*compiled, *(_row_rule(check) for check in schema.checks))


def is_sound(of: Sequence[Rule]) -> Column:
    """Return whether a row breaks none of the rules; never null."""
    return ~reduce(lambda one, other: one | other, (rule.broken for rule in of), F.lit(False))


def reasons(of: Sequence[Rule]) -> Column:
    """Return every reason to reject a row, in the order of the rules; an empty array for a good row.

    Column: array<struct<rule: string, column: string, message: string>>.
    """
    found = F.array(*(F.when(rule.broken, reason(rule.name, rule.column, rule.message)) for rule in of))
    return F.array_compact(found)


def _field_rule(column: str, check: Check) -> Rule:
    name, statistics = str(check.name), check.statistics or {}
    if name not in CHECKS:
        raise UnsupportedCheck(name, column, CHECKS)
    holds, expected = CHECKS[name]
    value = column_named(column)
    fix = f"; {check.description}" if check.description else ""
    message = F.concat(F.lit(f"{column} is "), quote_value(value), F.lit(f", {expected(statistics)}{fix}"))
    return Rule(name, column, _is_broken(holds(value, statistics)), message, _severity(check))


def _row_rule(check: Check) -> Rule:
    statistics = check.statistics or {}
    if "holds" not in statistics:
        raise UnsupportedCheck(str(check.name), "several columns", ("row_rule",))
    column = statistics["column"]
    message = F.concat(F.lit(f"{check.error}: {column} is "), quote_value(column_named(column)))
    return Rule(str(check.name), column, _is_broken(statistics["holds"]()), message, _severity(check))


def _severity(check: Check) -> Severity:
    return WARN if check.raise_warning else ERROR


def _is_broken(holds: Column) -> Column:
    # Null-safe equality evaluates the condition once; on Sail a coalesce evaluates it three times.
    return holds.eqNullSafe(F.lit(False))
