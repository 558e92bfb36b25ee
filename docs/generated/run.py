"""The page of the run report: docs/run.schema.json as tables."""

import json
from pathlib import Path
from typing import Any

from data import COLUMNS
from texts import table

SCHEMA = Path(__file__).parents[1] / "run.schema.json"
# Properties that the schema does not describe.
MEANS = {
    **COLUMNS,
    "report_version": "increases when the format of the report changes",
    "batch_date": "the batch",
    "counts": "what happened to the rows that were read",
    "reasons": "rejected rows by column and rule; a row can have several",
    "seconds": "by stage",
    "tables": "versions that the run left, by table",
    "settings": "the job's arguments",
    "versions": "of the package, Python and Spark",
    "error": "the message, if the run failed",
    "version": "version number in the table's Delta log",
    "fingerprint": "checksum of the rows: the same rows have the same checksum",
}

INTRODUCTION = """# Run report

Every run writes one row to `processed/runs`, whose column `report` is this JSON. `generate`, `ingest` and `process` print
it with `--json`, one object per line; `shipment-etl runs --json` prints those of the newest runs. In Python it is
[`Run.to_json()`](python.md#shipment_etl.Run). This page is generated from its [JSON Schema](../run.schema.json).
"""


def run_page() -> str:
    """Return the page, with every property of the schema."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    parts = [INTRODUCTION, _description(schema), _properties(schema)]
    for name, definition in schema.get("$defs", {}).items():
        parts += [f"## {name}\n", _description(definition), _properties(definition)]
    return "\n".join(parts)


def _description(schema: dict[str, Any]) -> str:
    return schema.get("description", "").partition("\n\nRaises:")[0] + "\n"


def _properties(schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = (
        (f"`{name}`", _kind(value), "yes" if name in required else "", value.get("description", MEANS.get(name, "")))
        for name, value in schema["properties"].items()
    )
    return table(("property", "type", "required", "description"), rows)


def _kind(value: dict[str, Any]) -> str:
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        return " or ".join(_kind(each) for each in value["anyOf"])
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if isinstance(value.get("additionalProperties"), dict):
        return f"{_kind(value['additionalProperties'])} by name"
    if value.get("type") == "array":
        return f"list of {_kind(value['items'])}"
    return value.get("format") or str(value.get("type", "any"))
