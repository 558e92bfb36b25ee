"""Pictures: charts as SVG, for where no script of a page's own draws them, as in a notebook."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from shipment_etl.reporting.bundle import OF_VEGA_LITE
from shipment_etl.reporting.charts import CONFIG

__all__ = ["picture"]


def picture(spec: Mapping[str, Any], width: int) -> Markup:
    """Return a chart as SVG, with the colours that `assets.colours` gives to what is around it.

    Args:
        spec: of Vega-Lite, as the functions of `charts` make it.
        width: in pixels.
    """
    import vl_convert

    drawn = vl_convert.vegalite_to_svg({**spec, "width": width, "config": dict(CONFIG)}, vl_version=OF_VEGA_LITE)
    return Markup(drawn)  # nosec B704 # what comes from data is escaped in it
