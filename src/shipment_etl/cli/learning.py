"""The command that learns a twin of a source, writes it, and says how to use it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shipment_etl.cli.option_groups import OutputOptions
from shipment_etl.cli.options import LakeOption, SourceOption
from shipment_etl.cli.terminal import echo, echo_json
from shipment_etl.twin import MIN_SHIPMENTS

if TYPE_CHECKING:
    from shipment_etl.twin.learning import Twin

__all__ = ["learn"]


def learn(
    *,
    lake: LakeOption,
    source: SourceOption,
    out: Annotated[Path, typer.Option(metavar="FILE.toml", help="File to write.")] = Path("twin.toml"),
    min_shipments: Annotated[
        int, typer.Option(help="Minimum shipments per group; smaller groups are merged.", min=2)
    ] = MIN_SHIPMENTS,
    names: Annotated[bool, typer.Option("--names", help="Keep the names of carriers and places instead of codes.")] = False,
    options: OutputOptions,
) -> None:
    """Learn a twin of a source from its roll-up: a network and a scenario for `generate`, to test with or to share.

    It contains no single shipment: only shares, delays, costs and rhythms of groups of shipments.
    """
    from shipment_etl.files import write_file
    from shipment_etl.jobs.learn import learn as learn_twin

    twin = learn_twin(lake, source, min_shipments=min_shipments, names=names)
    write_file(out, twin.to_toml())
    if options.as_json:
        echo_json(_to_json(out, twin))
    else:
        _show(out, twin)


def _show(out: Path, twin: "Twin") -> None:
    """Print what was learnt and from how many shipments, what was merged, and the next commands."""
    network, least, file = twin.network, twin.min_shipments, shlex.quote(str(out))
    echo(f"Wrote {out}: {', '.join(f'{len(each):,} {name}' for name, each in _kinds(twin).items())}")
    echo(f"Learnt from {twin.shipments:,} shipments of {twin.first} to {twin.last}, in groups of {least} or more")
    echo(f"Merged {twin.merged_services:,} services of fewer than {least}, with {twin.merged_shipments:,} shipments in all")
    if twin.dropped_shipments:
        echo(f"Left out {twin.dropped_shipments:,} shipments: too few, even when merged")
    if network.unknown:
        echo(f"Unknown in the source, and in the twin: {', '.join(network.unknown)}")
    echo("Next:")
    echo(f"  shipment-etl generate --lake twin-lake --network {file} --rows {twin.rows}")
    echo(f"  shipment-etl process --lake twin-lake --network {file}")


def _kinds(twin: "Twin") -> dict[str, tuple[Any, ...]]:
    network = twin.network
    return {
        "warehouses": network.warehouses,
        "cities": network.cities,
        "carriers": network.carriers,
        "services": network.services,
    }


def _to_json(out: Path, twin: "Twin") -> dict[str, Any]:
    return {
        "file": str(out),
        **{name: len(each) for name, each in _kinds(twin).items()},
        "shipments": twin.shipments,
        "first": str(twin.first),
        "last": str(twin.last),
        "min_shipments": twin.min_shipments,
        "merged_services": twin.merged_services,
        "merged_shipments": twin.merged_shipments,
        "dropped_shipments": twin.dropped_shipments,
        "unknown": list(twin.network.unknown),
        "rows": twin.rows,
    }
