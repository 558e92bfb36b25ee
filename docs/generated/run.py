"""The page of the run report: docs/run.schema.json as tables."""

import json
from pathlib import Path
from typing import Any

from data import COLUMNS
from texts import table

SCHEMA = Path(__file__).parents[1] / "run.schema.json"
# What no description in the schema says.
MEANS = {
    **COLUMNS,
    "report_version": "grows when the form of the report changes",
    "batch_date": "the batch",
    "counts": "where every row that was read went",
    "reasons": "rejected rows by column and rule; a row can have several",
    "seconds": "by stage",
    "tables": "what the run left behind, by table",
    "settings": "what the job was asked for",
    "versions": "of the package, Python and Spark",
    "error": "the message, where the run failed",
    "version": "its number in the table's Delta log",
    "fingerprint": "checksum of the rows: the same for the same rows",
}

INTRODUCTION = """# Run report

Every run leaves one row in `processed/runs`, whose column `report` is this JSON. `generate`, `ingest` and `process` print
it with `--json`, one object a line; `shipment-etl runs --json` prints those of the newest runs. In Python it is
[`Run.to_json()`](python.md#shipment_etl.Run). The page is made from its [JSON Schema](../run.schema.json).
"""


def run_page() -> str:
    """Return the page, with every property of the schema."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    parts = [INTRODUCTION, _described(schema), _properties(schema)]
    for name, definition in schema.get("$defs", {}).items():
        parts += [f"## {name}\n", _described(definition), _properties(definition)]
    return "\n".join(parts)


def _described(schema: dict[str, Any]) -> str:
    return schema.get("description", "").partition("\n\nRaises:")[0] + "\n"


def _properties(schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = (
        (f"`{name}`", _kind(value), "yes" if name in required else "", value.get("description", MEANS.get(name, "")))
        for name, value in schema["properties"].items()
    )
    return table(("property", "type", "required", "is"), rows)


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
