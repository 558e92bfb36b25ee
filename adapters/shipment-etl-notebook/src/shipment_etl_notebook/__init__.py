"""Shows runs, lakes and marts in notebooks: `%load_ext shipment_etl_notebook`, then a value in the last line of a cell."""

from typing import TYPE_CHECKING

from shipment_etl.lazy import lazy_importer
from shipment_etl_notebook.extension import load_ipython_extension, unload_ipython_extension

if TYPE_CHECKING:
    from shipment_etl_notebook.views import MartView, mart

__all__ = ["MartView", "load_ipython_extension", "mart", "unload_ipython_extension"]

# Lazy, so that loading the extension is quick.
__getattr__ = lazy_importer(__name__, {"MartView": "views", "mart": "views"})
