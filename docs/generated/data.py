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

Every table is a Delta table in the folder `LAKE/NAME`. Types are Spark's. Money is in the currency of the source; the
package does not convert it. An unknown value is null, and so is a ratio that needs it.
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
    "raw/SOURCE": "Your own files, unchanged, by batch; `SOURCE` is the source name given to `ingest`.",
    "processed/overtaken": "Reports that a newer one has overtaken, as they were in `processed/shipments`.",
    "processed/known_ids": "Hashes of the ids that each batch reports on; a run uses them to find earlier reports.",
    "processed/quarantine": "Rejected rows, with their original values and every reason.",
    "processed/runs": "One row per run, written last. `report` is the whole [run report](run.md).",
}

# Columns that no docstring defines.
COLUMNS: Mapping[str, str] = {
    "batch_date": "the day under which the batch landed",
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
    "started_at": "start time, in UTC",
    "seconds": "over all stages",
    "engine": "engine that ran it",
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
    # The marts first: most readers come for them.
    parts += ["## Results\n", *map(mart_section, MARTS.values())]
    parts += [_table(each) for each in _tables() if each.name.startswith("processed/")]
    parts += ["## Raw tables\n", *(_table(each) for each in _tables() if each.name.startswith("raw/"))]
    return "\n".join(parts)


def mart_section(mart: Mart) -> str:
    """Return the section of a mart, from its declaration and the docstring of its function."""
    texts = sections(getattr(marts, mart.name).__doc__)
    rows = ((f"`{each.name}`", f"`{each.type}`", each.unit, each.meaning) for each in mart.declared)
    columns = table(("column", "type", "unit", "description"), rows)
    return "\n".join([*_heading(mart_table(mart).name), texts[""], "", columns, *_source(texts)])


def _tables() -> Iterator[Table]:
    yield from (each for each in vars(tables).values() if isinstance(each, Table))
    yield tables.raw_table(SOURCE)
    yield tables.landed_table("SOURCE")


def _table(each: Table) -> str:
    name = each.name.rpartition("/")[2]
    function = DEFINED_BY.get(each.name)
    texts = sections(function.__doc__ if function else tables.landed_table.__doc__ if name == "SOURCE" else "")
    about = ABOUT.get(each.name, texts[""])
    own = definitions(texts.get("Columns", texts.get("Column", "")))
    of_rows = {**_definitions(clean), **_definitions(Shipment)}
    nearest = generate if each.name == GENERATED else lane_days if "lane_" in name else Shipment
    inherited = {**of_rows, **_definitions(nearest)}
    rows = [(f"`{column}`", f"`{kind}`", _find_meaning(column, own, inherited)) for column, kind in each.columns.items()]
    parts = [*_heading(each.name), about, ""]
    if each.partitions:
        parts += [f"Partitioned by {', '.join(f'`{column}`' for column in each.partitions)}.", ""]
    parts += [table(("column", "type", "description"), rows), *_source(texts)]
    return "\n".join(parts)


def _heading(table_name: str) -> list[str]:
    return [f"### {table_name} {{ #{table_name.rpartition('/')[2]} }}", ""]


def _source(texts: Mapping[str, str]) -> list[str]:
    return [f"Source: {' '.join(texts['Source'].split())}", ""] if "Source" in texts else []


def _definitions(function: Callable[..., object]) -> dict[str, str]:
    return definitions(sections(function.__doc__).get("Columns", ""))


def _find_meaning(column: str, *places: Mapping[str, str]) -> str:
    for place in (*places, COLUMNS):
        if meaning := TYPE.sub("", place.get(column, "")).strip():
            return meaning.rstrip(".")
    return ""


def _contract() -> str:
    schema = Shipment.to_schema()
    meanings = _definitions(Shipment)
    rows = []
    for name, column in schema.columns.items():
        required = "required" if not column.nullable else "may be null"
        checks = (CHECKS[check.name][1](check.statistics) for check in column.checks)
        rows.append(
            (
                f"`{name}`",
                f"`{column.dtype.type.simpleString()}`",
                _find_meaning(name, meanings),
                "; ".join([required, *map(_shorten_check, checks)]),
            )
        )
    rules = [(f"`{check.name}`", f"`{check.statistics['column']}`", check.error or "") for check in schema.checks]
    return "\n".join(
        [
            "## Shipment: the contract { #contract }",
            "",
            "A row that breaks a rule is quarantined, with every reason. In generated shipments, the names of warehouses,",
            "cities and carriers must also be those of the network; in your own files, measures that the mapping leaves out",
            "or marks as optional may be null.",
            "",
            table(("column", "type", "description", "must be"), rows),
            "Rules across columns:",
            "",
            table(("rule", "column", "rejected where"), rules),
            "If several valid rows have the same `shipment_id`, the newest report counts: see",
            "[the life of a shipment](../explanation/life-of-a-shipment.md#several-reports-on-one-shipment).",
            "",
        ]
    )


def _shorten_check(check: str) -> str:
    if check.startswith("must match"):
        return "not blank"
    return check.removeprefix("must be ").removeprefix("must lie ")
