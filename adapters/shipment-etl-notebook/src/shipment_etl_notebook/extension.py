"""The IPython extension: how runs and lakes are displayed."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from IPython.core.formatters import DisplayFormatter
    from IPython.core.interactiveshell import InteractiveShell

    from shipment_etl.lake.lake import Lake
    from shipment_etl.lake.runs import Run

__all__ = ["load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Display runs and lakes as HTML; frontends that cannot display HTML show text as before."""
    for kind, view in VIEWS.items():
        _html_of(shell).for_type_by_name(*kind, view)


def unload_ipython_extension(shell: "InteractiveShell") -> None:
    """Display them as before."""
    for kind in VIEWS:
        _html_of(shell).pop(".".join(kind), None)


def _html_of(shell: "InteractiveShell") -> Any:
    # The formatters of IPython have no type hints; they are missing only while a shell is being created.
    return cast("DisplayFormatter", shell.display_formatter).formatters["text/html"]


def _run(run: "Run") -> str:
    from shipment_etl_notebook.views import run_html

    return run_html(run)


def _lake(lake: "Lake") -> str:
    from shipment_etl_notebook.views import lake_html

    return lake_html(lake)


VIEWS: Mapping[tuple[str, str], Callable[[Any], str]] = MappingProxyType(
    {("shipment_etl.lake.runs", "Run"): _run, ("shipment_etl.lake.lake", "Lake"): _lake}
)
"""Module and name of a class → its view; by name, so that nothing heavy is imported before there is such a value."""
