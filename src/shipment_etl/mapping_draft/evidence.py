"""Evidence: what the values of a column say about it: dates, numbers, placeholder words, whether they repeat."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from shipment_etl.ingest.names import NOTHING
from shipment_etl.mapping_draft.date_fit import DateFit, fit_dates
from shipment_etl.mapping_draft.number_fit import NumberFit, fit_numbers
from shipment_etl.mapping_draft.synonyms import normalize, other_names

__all__ = ["Evidence", "find_evidence"]

MAX_DIFFERENT = 2_000
"""Distinct values of a column that are examined."""
SEPARATOR = "-"


@dataclass(frozen=True)
class Evidence:
    """What is known about a column of the file, or about several columns that form one value.

    Attributes:
        name: name of the column; for several, the words that they have in common and what they form.
        columns: columns of the file.
        values: one for each record, None where empty.
        wrapper: path of the object that contains most columns, ending in a dot; empty if there is no such object.
    """

    name: str
    columns: tuple[str, ...]
    values: Sequence[str | None] = field(repr=False)
    wrapper: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """Its name, and the same without one or more of the objects that contain most columns."""
        parts, outer = self.name.split("."), self.wrapper.split(".")[:-1]
        depth = next((at for at, part in enumerate(outer) if parts[at : at + 1] != [part]), len(outer))
        return tuple(".".join(parts[dropped:]) for dropped in range(depth + 1))

    @property
    def is_outside(self) -> bool:
        """Whether none of the objects that contain most columns contains it."""
        return bool(self.wrapper) and len(self.labels) == 1

    @cached_property
    def counts(self) -> Counter[str]:
        """Known values, and how many records have each."""
        return Counter(value for value in self.values if value is not None and value not in NOTHING)

    @cached_property
    def nothing(self) -> Counter[str]:
        """Words that usually mean "not known", and how many records have each."""
        return Counter(value for value in self.values if value in NOTHING)

    @property
    def is_empty(self) -> bool:
        """Whether no record has a value."""
        return not self.counts

    @property
    def unknown(self) -> int:
        """Records without a value."""
        return len(self.values) - self.counts.total()

    @property
    def is_unique(self) -> bool:
        """Whether each record has a different value."""
        return not self.unknown and len(self.counts) == len(self.values)

    @property
    def example(self) -> str:
        """An example value."""
        return next(iter(self.counts), "")

    @cached_property
    def dates(self) -> DateFit | None:
        """How its values are written as dates; None if they are not dates."""
        return fit_dates(self._different)

    @cached_property
    def numbers(self) -> NumberFit | None:
        """How its values are written as numbers; None if they are not numbers."""
        return fit_numbers(self._different)

    @property
    def _different(self) -> list[str]:
        return list(self.counts)[:MAX_DIFFERENT]


def find_evidence(columns: Mapping[str, Sequence[str | None]]) -> list[Evidence]:
    """Return the evidence for every column of a file, and for dates split into three columns.

    A name that appears twice in the header cannot be mapped, so the first of the two is left out.
    """
    usable = {name: values for name, values in columns.items() if f"{name} (2)" not in columns}
    wrapper = _find_wrapper(usable)
    single = (Evidence(name, (name,), values, wrapper) for name, values in usable.items())
    return [*single, *_dates_in_parts(usable)]


def _find_wrapper(names: Collection[str]) -> str:
    """Return the path of the object that contains most columns, such as `data.` in events; empty if there is none."""
    wrapper = ""
    while True:
        paths = (name.removeprefix(wrapper).split(".") for name in names if name.startswith(wrapper))
        heads = Counter(path[0] for path in paths if len(path) > 1)
        head, count = max(heads.items(), key=lambda found: found[1], default=("", 0))
        # Items of a list are alike: none of them is the record.
        if 2 * count <= len(names) or head.isdigit():
            return wrapper
        wrapper += f"{head}."


def _dates_in_parts(columns: Mapping[str, Sequence[str | None]]) -> Iterable[Evidence]:
    parts: dict[str, dict[str, str]] = {}
    for name in columns:
        words = normalize(name)
        for part in ("year", "month", "day"):
            for known in other_names("date_parts", part):
                if f" {words}".endswith(f" {known}"):
                    parts.setdefault(words.removesuffix(known).strip(), {}).setdefault(part, name)
    for prefix, found in parts.items():
        if len(found) == 3:
            three = tuple(found[part] for part in ("year", "month", "day"))
            rows = zip(*(columns[name] for name in three), strict=True)
            values = [None if None in row else SEPARATOR.join(map(str, row)) for row in rows]
            made = Evidence(f"{prefix} date".strip(), three, values)
            if made.dates is not None:
                yield made
