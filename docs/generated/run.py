"""The page of the run report: docs/run.schema.json as tables."""

import json
from pathlib import Path
from typing import Any

from texts import table

SCHEMA = Path(__file__).parents[1] / "run.schema.json"
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
    return schema.get("description", "") + "\n"


def _properties(schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        (f"`{name}`", _kind(value), "yes" if name in required else "", value.get("description", ""))
        for name, value in schema["properties"].items()
    ]
    told = any(row[3] for row in rows)
    headers = ("property", "type", "always there", *(("is",) if told else ()))
    return table(headers, (row if told else row[:3] for row in rows))


def _kind(value: dict[str, Any]) -> str:
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        return " or ".join(_kind(each) for each in value["anyOf"])
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if isinstance(value.get("additionalProperties"), dict):
        return f"object of {_kind(value['additionalProperties'])}"
    if value.get("type") == "array":
        return f"list of {_kind(value['items'])}"
    return value.get("format") or str(value.get("type", "any"))
