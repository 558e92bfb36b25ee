"""The command that drafts a mapping: reads a file, writes TOML, and shows how its rows would land."""

import re
import shlex
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shipment_etl.cli.option_groups import OutputOptions
from shipment_etl.cli.options import EngineOption
from shipment_etl.cli.terminal import console, echo, echo_json
from shipment_etl.files import write_file
from shipment_etl.ingest.formats import describe_formats
from shipment_etl.naming import MAX_NAME

if TYPE_CHECKING:
    from shipment_etl.mapping_draft.draft import Draft
    from shipment_etl.mapping_draft.verdicts import Verdicts

__all__ = ["map_file"]

UNSAVED = "mapping.toml"
"""Name of the mapping in suggested commands, if the draft was printed."""


def map_file(
    *,
    file: Annotated[str, typer.Argument(help=f"{describe_formats()}, also packed; a folder, a pattern or a zip.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.toml", help="File to write the draft to; stdout by default.")
    ] = None,
    rows: Annotated[int, typer.Option(help="Rows to show as they would land.", min=0, max=100)] = 5,
    engine: EngineOption = "auto",
    options: OutputOptions,
) -> None:
    """Draft a mapping for a file from a sample of it, and show how its rows would land.

    Each line of the draft has a comment with its evidence; guesses are marked CHECK; unclear columns are left open.
    """
    from shipment_etl.errors import InvalidValue
    from shipment_etl.ingest.mapping import SourceMapping
    from shipment_etl.mapping_draft.draft import draft_mapping
    from shipment_etl.mapping_draft.sample import take_sample
    from shipment_etl.mapping_draft.verdicts import judge_sample
    from shipment_etl.mapping_draft.writing import write_draft
    from shipment_etl.sessions import session

    if out is not None and out.exists():
        raise InvalidValue("--out", str(out), "a file that does not exist yet")
    sample = take_sample(file)
    draft = draft_mapping(sample)
    text = write_draft(draft, sample)
    if not draft.open:
        # Make sure that the draft is a valid mapping.
        SourceMapping.from_text(text, "The draft")
    verdicts = judge_sample(session(engine), sample, draft.preview(), open_columns=draft.open, shown=rows)
    if out is not None:
        write_file(out, text)
    commands = _commands(file, out)
    if options.as_json:
        echo_json(_to_json(file, text, draft, verdicts, commands))
        return
    if out is None:
        echo(text.rstrip("\n"))
    _show(draft, verdicts, out, commands)


def _commands(file: str, out: Path | None) -> list[str]:
    mapping = shlex.quote(str(out)) if out else UNSAVED
    source = _source_of(file)
    return [
        f"shipment-etl ingest {shlex.quote(file)} --lake lake --source {source} --mapping {mapping}",
        f"shipment-etl process --lake lake --source {source}",
    ]


def _source_of(file: str) -> str:
    """Return a name for the source of a file, by its name, that `ingest` accepts."""
    from shipment_etl.generator.shipments import SOURCE as GENERATED

    stem = unicodedata.normalize("NFKD", Path(file).name.split(".")[0]).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", stem).strip("_")
    if not name or name[0].isdigit() or name == GENERATED:
        # Sources begin with a letter, and that one is for generated shipments.
        name = f"my_{name}" if name else "files"
    return name[:MAX_NAME].rstrip("_")


def _show(draft: "Draft", verdicts: "Verdicts", out: Path | None, commands: list[str]) -> None:
    """Print how rows would land; on stderr if the draft itself is on stdout."""
    from shipment_etl.cli.rendering import print_table

    err = out is None
    shown = console(stderr=err)
    if verdicts.shown:
        print_table("As they would land", list(verdicts.shown[0]), verdicts.shown, err=err)
    share = verdicts.accepted / verdicts.rows if verdicts.rows else 0
    beside = " for what is mapped so far" if draft.open else ""
    echo(f"{verdicts.accepted:,} of {verdicts.rows:,} sample rows ({share:.1%}) would be accepted{beside}", err=err)
    for name, count in verdicts.reasons.items():
        shown.print(f"{count:>9,}  {name}   {verdicts.messages[name]}", markup=False)
    if verdicts.repeated:
        echo(f"{verdicts.repeated:,} of them share an id: the newest row of each id counts", err=err)
    guesses = sum(each.startswith("CHECK") for line in draft.lines for each in line.evidence)
    echo(f"{guesses} {'guess' if guesses == 1 else 'guesses'} to check: the lines marked CHECK", err=err)
    if out is not None:
        echo(f"Wrote {out}")
    if draft.open:
        echo(f"Still open, fill in first: {', '.join(draft.open)}", err=err)
    saved = "" if out else f", with the draft saved as {UNSAVED}"
    echo(f"{'Then' if draft.open else 'Next'}{saved}:", err=err)
    for command in commands:
        echo(f"  {command}", err=err)


def _to_json(file: str, text: str, draft: "Draft", verdicts: "Verdicts", commands: list[str]) -> dict[str, Any]:
    return {
        "file": file,
        "mapping": text,
        "columns": {
            line.name: {
                "column": list(line.mapping.names) if line.mapping else [],
                "mapped": line.mapping is not None,
                "evidence": list(line.evidence),
            }
            for line in draft.lines
        },
        "open": list(draft.open),
        "unused": list(draft.unused),
        "rows": verdicts.shown,
        "verdicts": {
            "rows": verdicts.rows,
            "accepted": verdicts.accepted,
            "repeated": verdicts.repeated,
            "reasons": verdicts.reasons,
        },
        "next": commands,
    }
