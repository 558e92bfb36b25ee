"""Land and conform files of real-world kinds, and return the rows."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl.ingest.conform import conform
from shipment_etl.ingest.inputs import find_inputs
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.ingest.reader import Landed, land
from shipment_etl.lake.fingerprint import fingerprints
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.tables import RUNS
from shipment_etl.network import Network

BATCH_DATE = date(2026, 11, 9)
HEADER = "ID,From,To,Carrier,Out,Due,In,Kg,Cost"
MAPPED = {
    "shipment_id": 'column = "ID"',
    "origin_warehouse": 'column = "From"',
    "destination_city": 'column = "To"',
    "carrier": 'column = "Carrier"',
    "shipment_date": 'column = "Out"',
    "promised_date": 'column = "Due"',
    "delivery_date": 'column = "In"',
    "shipment_weight_kg": 'column = "Kg", optional = true',
    "shipping_cost": 'column = "Cost", optional = true',
}


@dataclass(frozen=True)
class Outcome:
    """The result of landing files, and the conformed rows in order."""

    landed: Landed
    rows: list[Any]

    def of(self, column: str) -> list[Any]:
        return [row[column] for row in self.rows]

    @property
    def sound(self) -> list[Any]:
        return [row for row in self.rows if not row["unparsed"]]

    @property
    def rules(self) -> list[list[str]]:
        return [[reason["rule"] for reason in row["unparsed"]] for row in self.rows]


def mapping(top: str = "", **columns: str) -> SourceMapping:
    """Return the usual mapping; `top` is put above its columns, and columns are changed by name."""
    lines = (f"{name} = {{ {value} }}" for name, value in {**MAPPED, **columns}.items() if value)
    return SourceMapping.from_text(f"{top}\n[columns]\n" + "\n".join(lines), "m.toml")


def line(number: int = 1, **changes: str) -> str:
    values = {
        "ID": f"S{number}",
        "From": "Riga",
        "To": "Oslo",
        "Carrier": "Post",
        "Out": "2026-11-02",
        "Due": "2026-11-05",
        "In": "2026-11-05",
        "Kg": "10",
        "Cost": "100.00",
    }
    return ",".join({**values, **changes}.values())


def land_files(
    spark: SparkSession, folder: Path, files: dict[str, str | bytes], using: SourceMapping, network: Network | None = None
) -> Outcome:
    """Land files and conform their rows."""
    for name, content in files.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    target = folder / "landed.parquet"
    found = land(find_inputs([folder / "in" / name for name in files]), using, target)
    frame = spark.read.parquet(str(target)).withColumns(
        {"source": F.lit("acme"), "batch_date": F.lit(BATCH_DATE), "record": F.from_json("record", "map<string,string>")}
    )
    rows = sorted(conform(frame, using, network).collect(), key=lambda row: row["source_row"])
    return Outcome(found, rows)


def rows(lake: Lake, name: str) -> list[dict[str, Any]]:
    """Return the rows of a processed table."""
    return lake.snapshot().dataset(f"processed/{name}").to_table().to_pylist()


def words(lake: Lake, spark: SparkSession) -> dict[str, str]:
    """Return the fingerprint of each processed table but the log."""
    names = [name for name in lake.snapshot().tables if name != RUNS.name and not name.startswith("raw/")]
    return fingerprints({name: lake.snapshot().read(spark, name) for name in names})
