"""The commands `shipment-etl kestra …`: each parses, calls one thing, prints."""

import typer

__all__ = ["app"]

app = typer.Typer(help="Run jobs from Kestra.", no_args_is_help=True, add_completion=False)


@app.callback()
def kestra() -> None:
    """Keep the group a group while it has one command."""
