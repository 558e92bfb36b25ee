"""The fingerprints that a run logs: of what it wrote to its tables, as read back from the files."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame

from shipment_etl.dates import as_date
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.fingerprint import fingerprint_of_content, fingerprints
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.tables import Table
from shipment_etl.lake.written import is_text

__all__ = ["RunFingerprints"]

MAX_VALUES_READ = 200_000
"""Up to this many values are hashed without an engine, in a tenth of a second."""
MAX_BYTES_READ = 1 << 23
"""Maximum size of files whose rows are hashed without an engine: a few rows can hold long texts."""


class RunFingerprints:
    """Fingerprints by table. Those that need an engine are computed together, in one query, by `take`."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._noted: dict[str, DataFrame | str] = {}

    def __contains__(self, table: Table) -> bool:
        """Whether a table has one."""
        return table.name in self._noted

    def note(self, table: Table, fingerprint: str) -> None:
        """Note the known fingerprint of a table."""
        self._noted[table.name] = fingerprint

    def note_rows(
        self, table: Table, rows: DataFrame, files: Sequence[DataFile], keep: Callable[[pa.Table], pa.Table] | None = None
    ) -> None:
        """Note the rows of a table to compute its fingerprint from.

        Args:
            table: the table.
            rows: its rows, as an engine reads them.
            files: that hold them. Few rows are read without an engine, because classic Spark takes seconds to start.
            keep: selects the rows from the content of the files.
        """
        few = MAX_VALUES_READ // len(table.columns)
        is_small = sum(each.rows or 0 for each in files) <= few and sum(each.size for each in files) <= MAX_BYTES_READ
        if keep is None and not is_small:
            self._noted[table.name] = rows
            return
        content = self._content(table, files)
        content = content if keep is None else keep(content)
        self._noted[table.name] = fingerprint_of_content(content) if content.num_rows <= few else rows

    def drop(self, table: Table) -> None:
        """Forget a table."""
        self._noted.pop(table.name, None)

    def take(self) -> Mapping[str, str]:
        """Compute the fingerprints of noted rows, and return all by the name of their table."""
        frames = {name: rows for name, rows in self._noted.items() if not isinstance(rows, str)}
        if frames:
            self._noted |= fingerprints(frames)
        return {name: str(word) for name, word in self._noted.items()}

    def _content(self, table: Table, files: Iterable[DataFile]) -> pa.Table:
        """Return the rows of files, with the partition columns."""
        parts = [pa.table({name: [] for name in table.columns})]
        for file in files:
            rows = self._lake.content(table.name, file.path, encoded=is_text)
            for name, value in file.partition.items():
                same = pa.scalar(as_date(value), pa.date32()) if table.columns[name] == "date" else pa.scalar(str(value))
                rows = rows.append_column(name, pa.repeat(same, rows.num_rows))
            parts.append(rows.select(list(table.columns)))
        return pa.concat_tables(parts, promote_options="default")
