"""The data dictionary: every table of a lake and every column, from contract, tables, declared columns and docstrings."""

import re
from collections.abc import Callable, Iterator, Mapping

from texts import definitions, sections, table

from shipment_etl.contracts.compile import CHECKS
from shipment_etl.contracts.models import Shipment
from shipment_etl.generator.shipments import SOURCE, generate
from shipment_etl.lake import tables
from shipment_etl.lake.tables import Table, mart_table
from shipment_etl.transform import marts
from shipment_etl.transform.clean import clean
from shipment_etl.transform.lane_days import lane_days, lane_months
from shipment_etl.transform.mart import Mart
from shipment_etl.transform.marts import MARTS

INTRODUCTION = """# Data dictionary

Every table is a Delta table in the folder `LAKE/NAME`. Types are Spark's. Money is in the currency of the source, which
the package does not convert. An unknown value is null, and a ratio that needs it is null too.
"""

# Table → the function whose docstring defines its columns.
DEFINED_BY: Mapping[str, Callable[..., object]] = {
    "processed/shipments": clean,
    "processed/lane_days": lane_days,
    "processed/lane_months": lane_months,
}

ABOUT: Mapping[str, str] = {
    "processed/shipments": "Clean shipments, once each, with derived columns.",
    "raw/shipments": "Generated shipments, as `generate` makes them, by batch.",
    "raw/SOURCE": "A file of your own, as it is, by batch; `SOURCE` is the name that `ingest` was given.",
    "processed/overtaken": "Reports that a newer one has overtaken, as they were in `processed/shipments`.",
    "processed/known_ids": "The ids that each batch reports on, as hashes: by them a run finds earlier reports.",
    "processed/quarantine": "Rejected rows, with their original values and every reason.",
    "processed/runs": "One row a run, written last. `report` is the whole [run report](run.md).",
}

# What no docstring defines.
COLUMNS: Mapping[str, str] = {
    "batch_date": "the day that the batch landed under",
    "source": "name of the source: `shipments` for generated ones",
    "source_file": "name of the file, or what generated the row",
    "source_row": "number of the row in its file, from 1",
    "shipments": "number of shipments",
    "month": "YYYY-MM of the shipment date",
    "original": "the row as it landed: JSON text",
    "reasons": "every reason against the row: the rule it breaks, the column to look at, and a message",
    "run_id": "a random name",
    "job": "generate, ingest or process",
    "status": "succeeded or failed",
    "started_at": "when, in UTC",
    "seconds": "over all stages",
    "engine": "what ran it",
    "read": "rows read",
    "accepted": "rows accepted",
    "quarantined": "rows rejected",
    "duplicates": "exact repeats, left out",
    "overtaken": "reports that a newer one has overtaken",
    "overtaken_by_batch": "the batch of the next newer report on the shipment",
    "overtaken_by_row": "its `source_row`",
    "id_hash": "xxhash64 of a `shipment_id`",
    "first_id": "the first id of the batch",
    "last_id": "the last id of the batch",
    "report": "the run report, JSON text",
}

GENERATED = f"raw/{SOURCE}"

TYPE = re.compile(r"^(string|long|int|double|date|boolean|decimal(\(\d+,\d+\))?)(, |; |\.$|$)")


def data_page() -> str:
    """Return the page, with every table that lake/tables.py declares."""
    parts = [INTRODUCTION, _contract()]
    # The marts first: they are what most come for.
    parts += ["## Results\n", *map(mart_section, MARTS.values())]
    parts += [_table(each) for each in _tables() if each.name.startswith("processed/")]
    parts += ["## Raw tables\n", *(_table(each) for each in _tables() if each.name.startswith("raw/"))]
    return "\n".join(parts)


def mart_section(mart: Mart) -> str:
    """Return what the page says of a mart, from its declaration and the docstring of its function."""
    told = sections(getattr(marts, mart.name).__doc__)
    rows = ((f"`{each.name}`", f"`{each.type}`", each.unit, each.meaning) for each in mart.declared)
    parts = [*_heading(mart_table(mart).name), told[""], "", table(("column", "type", "unit", "is"), rows), *_source(told)]
    return "\n".join(parts)


def _tables() -> Iterator[Table]:
    yield from (each for each in vars(tables).values() if isinstance(each, Table))
    yield tables.raw_table(SOURCE)
    yield tables.landed_table("SOURCE")


def _table(each: Table) -> str:
    name = each.name.rpartition("/")[2]
    function = DEFINED_BY.get(each.name)
    told = sections(function.__doc__ if function else tables.landed_table.__doc__ if name == "SOURCE" else "")
    about = ABOUT.get(each.name, told[""])
    own = definitions(told.get("Columns", told.get("Column", "")))
    of_rows = {**_defined(clean), **_defined(Shipment)}
    inherited = {**of_rows, **_defined(generate if each.name == GENERATED else lane_days if "lane_" in name else Shipment)}
    rows = [(f"`{column}`", f"`{kind}`", _said(column, own, inherited)) for column, kind in each.columns.items()]
    parts = [*_heading(each.name), about, ""]
    if each.partitions:
        parts += [f"Partitioned by {', '.join(f'`{column}`' for column in each.partitions)}.", ""]
    parts += [table(("column", "type", "is"), rows), *_source(told)]
    return "\n".join(parts)


def _heading(table_name: str) -> list[str]:
    return [f"### {table_name} {{ #{table_name.rpartition('/')[2]} }}", ""]


def _source(told: Mapping[str, str]) -> list[str]:
    return [f"Source: {' '.join(told['Source'].split())}", ""] if "Source" in told else []


def _defined(function: Callable[..., object]) -> dict[str, str]:
    return definitions(sections(function.__doc__).get("Columns", ""))


def _said(column: str, *places: Mapping[str, str]) -> str:
    for place in (*places, COLUMNS):
        if said := TYPE.sub("", place.get(column, "")).strip():
            return said.rstrip(".")
    return ""


def _contract() -> str:
    schema = Shipment.to_schema()
    meant = _defined(Shipment)
    rows = []
    for name, column in schema.columns.items():
        required = "required" if not column.nullable else "may be null"
        checks = (CHECKS[check.name][1](check.statistics) for check in column.checks)
        rows.append(
            (
                f"`{name}`",
                f"`{column.dtype.type.simpleString()}`",
                _said(name, meant),
                "; ".join([required, *map(_told, checks)]),
            )
        )
    rules = [(f"`{check.name}`", f"`{check.statistics['column']}`", check.error or "") for check in schema.checks]
    return "\n".join(
        [
            "## Shipment: the contract { #contract }",
            "",
            "What a shipment is. A row that breaks a rule is quarantined, with every reason. In generated shipments the",
            "names of warehouses, cities and carriers must be those of the network too; in files of your own, measures that",
            "the mapping leaves out or calls optional may be null.",
            "",
            table(("column", "type", "is", "must be"), rows),
            "Between the columns of a row:",
            "",
            table(("rule", "looked for in", "rejected where"), rules),
            "Of sound rows with one `shipment_id` the newest report counts, see",
            "[the life of a shipment](../explanation/life-of-a-shipment.md#told-again-and-again).",
            "",
        ]
    )


def _told(check: str) -> str:
    if check.startswith("must match"):
        return "not blank"
    return check.removeprefix("must be ").removeprefix("must lie ")
