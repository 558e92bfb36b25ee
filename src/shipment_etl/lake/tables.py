"""Tables of a lake: their columns, partitions and ranges."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql.types import StructType

from shipment_etl.contracts.columns import LINEAGE, OPTIONAL, TYPES
from shipment_etl.contracts.reasons import REASONS_TYPE
from shipment_etl.transform.lane_days import KEYS, SUMS
from shipment_etl.transform.mart import SPAN_COLUMNS, Mart

__all__ = [
    "JSON_NAMES",
    "KNOWN_IDS",
    "LANE_DAYS",
    "LANE_MONTHS",
    "NOT_MARTS",
    "OVERTAKEN",
    "PLAIN_FIELD",
    "QUARANTINE",
    "RUNS",
    "SHIPMENTS",
    "TROUBLES",
    "Table",
    "landed_table",
    "mart_table",
    "raw_table",
    "schema_of",
]

BATCH = ("source", "batch_date")
JSON_NAMES = {"int": "integer", "bigint": "long"}
"""Names of types in the JSON of Spark and Delta, where they differ from SQL's."""
PLAIN_FIELD = {"nullable": True, "metadata": dict[str, str]()}
"""The rest of a field in that JSON, besides name and type: nullable, and without metadata."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name in the lake, its columns with their SQL types, its partitions, and its ranges.

    Ranges are the columns whose minimum and maximum the Delta log has for each file, so that readers can skip files. For
    other columns they would not help, because the values are in no order, but take time to collect and to read.
    """

    name: str
    columns: Mapping[str, str]
    partitions: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()

    @property
    def properties(self) -> dict[str, str]:
        """The Delta properties of the table."""
        indexed = {"NumIndexedCols": "0"} if not self.ranges else {"StatsColumns": ",".join(self.ranges)}
        return {
            # Opening a table reads all commits since the last checkpoint; deltalake would allow 100 of them.
            "delta.checkpointInterval": "10",
            **{f"delta.dataSkipping{name}": value for name, value in indexed.items()},
        }

    @property
    def schema(self) -> StructType | None:
        """The columns as an engine has them; None if only a frame can tell which columns its files have, and their types."""
        if self.partitions or any(kind.startswith("array") for kind in self.columns.values()):
            return None
        return schema_of(self.columns)


def schema_of(columns: Mapping[str, str]) -> StructType:
    """Return columns of plain types as an engine has them."""
    fields = [{"name": name, "type": JSON_NAMES.get(kind, kind), **PLAIN_FIELD} for name, kind in columns.items()]
    return StructType.fromJson({"type": "struct", "fields": fields})


_CONTRACT = {name: kind.simpleString() for name, kind in TYPES.items()}


def raw_table(source: str) -> Table:
    """Return the table of a source whose shipments are already typed, as generated ones are."""
    told = {name: kind for name, kind in _CONTRACT.items() if name not in OPTIONAL}
    return Table(f"raw/{source}", {**told, **LINEAGE}, BATCH, ("shipment_date",))


def landed_table(source: str) -> Table:
    """Return the table of a source that lands as it is.

    Columns:
        record: JSON text of the record, by the column names of the file.
        problem: why the record could not be parsed; null if it could.
        mapping: the TOML that says what its columns mean, so that a batch explains itself.
    """
    return Table(f"raw/{source}", {**LINEAGE, "record": "string", "problem": "string", "mapping": "string"}, BATCH)


SHIPMENTS = Table(
    "processed/shipments",
    {
        **_CONTRACT,
        **LINEAGE,
        "transit_days": "int",
        "delay_class": "string",
        "chargeable_weight_kg": "decimal(15,3)",
        "cost_per_kg": "double",
        "cost_per_km": "double",
        "delay_minutes": "bigint",
        "on_time": "boolean",
    },
    BATCH,
    ("shipment_date", "shipment_id"),
)

OVERTAKEN = Table(
    "processed/overtaken",
    # A report that a newer one has overtaken, and the batch and row of the newer one.
    {**SHIPMENTS.columns, "overtaken_by_batch": "date", "overtaken_by_row": "bigint"},
    # By the batch that overtook: a run writes its own, and reads no other if batches come in order.
    ("source", "overtaken_by_batch"),
    ("batch_date",),
)

KNOWN_IDS = Table(
    "processed/known_ids",
    # xxhash64 of the ids that a batch reports on, and the first and last id: with these, the next batch finds earlier
    # reports on its shipments.
    {"source": "string", "batch_date": "date", "id_hash": "bigint", "first_id": "string", "last_id": "string"},
    ("source",),
    ("batch_date", "first_id", "last_id"),
)

QUARANTINE = Table(
    "processed/quarantine",
    # original is JSON text: every reader can open it, and Sail cannot replace rows of a table with a map column.
    {**LINEAGE, "shipment_id": "string", "original": "string", "reasons": REASONS_TYPE},
    BATCH,
)

LANE_DAYS = Table(
    "processed/lane_days",
    {"source": "string", "batch_date": "date", "month": "string", "shipment_date": "date", **KEYS, **SUMS},
    # By month only, one file each: marts read the months that a batch touches, whenever their batches landed.
    ("month",),
    ("shipment_date", "batch_date"),
)

LANE_MONTHS = Table("processed/lane_months", {"month": "string", **KEYS, **SUMS}, ranges=("month",))

NOT_MARTS = frozenset(table.name for table in (SHIPMENTS, OVERTAKEN, KNOWN_IDS, QUARANTINE, LANE_DAYS, LANE_MONTHS))
"""Tables in processed/ that are not marts."""


def mart_table(mart: Mart) -> Table:
    """Return the table of a mart."""
    time = SPAN_COLUMNS[mart.span]
    return Table(f"processed/{mart.name}", mart.columns, ranges=(time,) if time else ())


TROUBLES = Table(
    "truth/troubles",
    # What was planted in generated batches, to check findings against.
    {
        "batch_date": "date",
        "disruption": "string",
        "carriers": "string",
        "origin_warehouses": "string",
        "destination_cities": "string",
        "since": "date",
        "until": "date",
        "missing": "string",
        "surcharge_pct": "int",
        "shipments": "bigint",
        "late_2plus": "bigint",
        "days_late": "bigint",
        "cost": "decimal(38,2)",
    },
    ranges=("batch_date",),
)

RUNS = Table(
    "processed/runs",
    {
        "run_id": "string",
        "job": "string",
        "source": "string",
        "batch_date": "date",
        "status": "string",
        "started_at": "string",
        "seconds": "double",
        "engine": "string",
        "read": "bigint",
        "accepted": "bigint",
        "quarantined": "bigint",
        "duplicates": "bigint",
        "overtaken": "bigint",
        # The whole Run, as its JSON Schema describes it.
        "report": "string",
    },
    ranges=("started_at",),
)
