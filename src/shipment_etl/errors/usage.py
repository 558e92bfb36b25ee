"""Usage errors: an argument, a setting, a mapping, a network or a plugin is wrong; nothing was done."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from shipment_etl.errors.base import UsageError
from shipment_etl.errors.installing import install_command
from shipment_etl.errors.wording import join_names, shorten, sort_by_similarity

__all__ = [
    "ColumnClash",
    "ConfigError",
    "ExtraMissing",
    "InvalidDateRange",
    "InvalidValue",
    "MappingError",
    "MissingColumns",
    "NameClash",
    "NetworkError",
    "PluginError",
    "UnknownColumn",
    "UnsupportedCheck",
    "WrongTypes",
]


class InvalidValue(UsageError):
    """An argument has an invalid value."""

    template = "{name} is {value!r}, but must be {expected}."

    def __init__(self, name: str, value: object, expected: str, remedy: str | None = None) -> None:
        super().__init__(remedy=remedy, name=name, value=value, expected=expected)


class InvalidDateRange(UsageError):
    """A range of dates ends before it begins."""

    template = "The dates run backwards: from {first} to {last}."
    remedy = "Swap --from and --to."

    def __init__(self, first: object, last: object) -> None:
        super().__init__(first=first, last=last)


class ExtraMissing(UsageError):
    """A part of the package needs a dependency that is not installed."""

    template = "{what} needs {package}, which is not installed."
    remedy = "Install it with: {command}"

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(what=what, package=package, extra=extra, command=install_command(extra, package))


class MissingColumns(UsageError):
    """A frame lacks columns that the function needs."""

    template = "{what} needs the columns {missing}; the frame has {available}."
    remedy = "Add them, or rename those that have another name."

    def __init__(self, what: str, missing: Iterable[str], available: Iterable[str]) -> None:
        super().__init__(what=what, missing=missing, available=list(available))


class ColumnClash(UsageError):
    """A frame has columns whose names cannot be used together."""

    template = "The columns {columns} of the frame clash: {why}."
    remedy = "Rename or drop them, for example with frame.withColumnsRenamed."

    def __init__(self, columns: Iterable[str], why: str) -> None:
        super().__init__(columns=columns, why=why)


class WrongTypes(UsageError):
    """A frame has columns of types that a function cannot work with.

    Args:
        what: the function that needs other types.
        columns: name → the type that it has, and the one that it must have.
    """

    template = "{what} needs other types: {columns}."
    remedy = (
        "Cast these columns, for example with F.to_date and a format; to convert text columns of a file, use a mapping "
        "and etl.conform."
    )

    def __init__(self, what: str, columns: Mapping[str, tuple[str, str]]) -> None:
        types = [f"{name} is {found:.40}, must be {wanted}" for name, (found, wanted) in columns.items()]
        super().__init__(what=what, columns=types)


class UnsupportedCheck(UsageError):
    """A contract uses a check that cannot be compiled."""

    template = "The check {check!r} on {column} cannot be compiled."
    remedy = "Use one of: {known}."

    def __init__(self, check: str, column: str, known: Collection[str]) -> None:
        super().__init__(check=check, column=column, known=list(known))


class ConfigError(UsageError):
    """A setting in the configuration file or the environment is wrong."""


class NetworkError(UsageError):
    """A network is wrong."""


class PluginError(UsageError):
    """A plugin cannot be used."""

    template = "The plugin {plugin} cannot be used: {why}."
    remedy = "Fix it, or uninstall it."

    def __init__(self, plugin: str, why: str) -> None:
        super().__init__(plugin=plugin, why=why)


class NameClash(PluginError):
    """Two plugins add something of the same name."""

    template = "The plugin {plugin} cannot be used: it adds {name!r} to {kind}, which {other} has already added."

    def __init__(self, plugin: str, kind: str, name: str, other: str) -> None:
        # Skips the constructor of PluginError, whose message has other parts.
        super(PluginError, self).__init__(plugin=plugin, kind=kind, name=name, other=other)


class MappingError(UsageError):
    """A mapping file cannot be used."""


class UnknownColumn(MappingError):
    """A mapping names a column that the file does not have."""

    template = "{file} has no column {column!r}."
    remedy = "{suggestion}"

    def __init__(self, column: str, available: Collection[str], file: str) -> None:
        near = get_close_matches(column, available, n=1)
        hint = f"Did you mean {shorten(near[0])}? " if near else ""
        suggestion = f"{hint}It has: {join_names(sort_by_similarity(column, available))}."
        super().__init__(column=column, available=list(available), file=file, suggestion=suggestion)
