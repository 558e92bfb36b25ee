"""Shows runs, lakes and marts in notebooks: `%load_ext shipment_etl_notebook`, then a value in the last line of a cell."""

from typing import TYPE_CHECKING, Any

from shipment_etl_notebook.extension import load_ipython_extension, unload_ipython_extension

if TYPE_CHECKING:
    from shipment_etl_notebook.views import MartView, mart

__all__ = ["MartView", "load_ipython_extension", "mart", "unload_ipython_extension"]


def __getattr__(name: str) -> Any:
    # Imported when first used: to load the extension takes a moment only.
    if name not in ("MartView", "mart"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from shipment_etl_notebook import views

    return getattr(views, name)
