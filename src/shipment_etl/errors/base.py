"""Base class of all errors: a message built from a template and its parts, a remedy, and whether a retry may help."""

import copyreg
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from math import isfinite
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias, TypeGuard

from shipment_etl.errors.wording import clean, redact, render, shorten

__all__ = ["TRY_AGAIN", "DataRejected", "JobError", "Part", "ReportsTied", "ShipmentEtlError", "UsageError"]

TRY_AGAIN = 75
"""Exit code of errors after which a retry may succeed; EX_TEMPFAIL in sysexits.h."""
MAX_DIGITS = 100

Part: TypeAlias = "str | int | float | list[str | int | float | None] | None"
"""The form in which an error keeps an argument: a value that JSON can hold."""


class ShipmentEtlError(Exception):
    """Base class of all errors of this package. It survives pickling and copying, but loses its cause and traceback.

    A subclass declares `template`, `remedy`, `retryable` and `exit_code`, and passes the parts of its template to this
    constructor, as in `super().__init__(file=file, why=why)`. Parts must not contain secrets.

    Attributes:
        template: the message, in `str.format` syntax: `{name!r}` quotes and shortens; a list is cut to its first names.
        message: what is wrong, and where, without the remedy.
        remedy: what to do about it; on the class, a template.
        retryable: whether running the same again may succeed without any change.
        exit_code: exit code of the command line.

    Args:
        message: used as is, instead of the template.
        remedy: used as is, instead of the class's remedy.
        parts: values for the templates, and others that programs may need.
    """

    template: ClassVar[str] = ""
    remedy: str = ""
    retryable: bool = False
    exit_code: int = 1

    def __init__(self, message: str | None = None, remedy: str | None = None, **parts: object) -> None:
        values = {name: list(value) if _is_collection(value) else value for name, value in parts.items()}
        self.message = render(self.template, values) if message is None else clean(message)
        self.remedy = render(type(self).remedy, values) if remedy is None else clean(remedy)
        self._parts = {name: _to_part(value) for name, value in values.items()}
        super().__init__(("\n" if "\n" in self.message else " ").join(filter(None, (self.message, self.remedy))))

    @property
    def parts(self) -> Mapping[str, Part]:
        """The parts of the message by name: texts, numbers, and lists of these, without secrets."""
        return MappingProxyType(self._parts)

    def to_json(self) -> dict[str, Any]:
        """Return the error as a JSON object."""
        return {
            "type": type(self).__name__,
            "message": self.message,
            "remedy": self.remedy,
            "retryable": self.retryable,
            "parts": dict(self.parts),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call the constructor with the finished message.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class UsageError(ShipmentEtlError):
    """The call is wrong; nothing was done."""

    exit_code = 2


class DataRejected(ShipmentEtlError):
    """More rows were rejected than the caller allows; the batch is held."""

    template = (
        "{rejected:,} of {read:,} rows were quarantined ({share:.2%}); --max-rejected allows {limit:.2%}. The batch is "
        "held: its rejected rows are in processed/quarantine, all other tables are unchanged."
    )
    remedy = "`show quarantine`, with the same --lake, shows them; to accept the batch anyway: --accept-rejected"
    exit_code = 3

    def __init__(self, rejected: int, read: int, limit: float) -> None:
        super().__init__(rejected=rejected, read=read, share=rejected / max(read, 1), limit=limit)


class ReportsTied(DataRejected):
    """More rows than the caller allows share an id, and nothing in them says which is newer; the batch is held."""

    template = (
        "{rejected:,} of {read:,} rows have the shipment_id of a later row, but different content ({share:.2%}), and only "
        "the row order says which is newer; --max-rejected allows {limit:.2%}. The batch is held: all tables are unchanged."
    )
    remedy = (
        "If this column is not the shipment's id, map another one. If these are reports on one shipment, map reported_at. "
        "If they are its charges or legs, add them up before. To keep the later rows: --accept-rejected"
    )


class JobError(ShipmentEtlError):
    """The job failed."""


def _is_collection(value: object) -> TypeGuard[Iterable[object]]:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _to_part(value: object) -> Part:
    return [_to_scalar(each) for each in value] if isinstance(value, list) else _to_scalar(value)


def _to_scalar(value: object) -> str | int | float | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 10**MAX_DIGITS:
        return int(value)
    if isinstance(value, float) and isfinite(value):
        return float(value)
    return redact(str(value) if isinstance(value, str | float | date | Decimal | PurePath) else shorten(value))
