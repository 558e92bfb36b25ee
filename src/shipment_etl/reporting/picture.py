"""Pictures: charts as SVG, for places without the scripts of a page, such as a notebook."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from shipment_etl.reporting.bundle import OF_VEGA_LITE
from shipment_etl.reporting.charts import CONFIG

__all__ = ["picture"]


def picture(spec: Mapping[str, Any], width: int) -> Markup:
    """Return a chart as SVG; its colours are the custom properties that `assets.colours` defines for the element around it.

    Args:
        spec: a Vega-Lite specification, from a function of `charts`.
        width: in pixels.
    """
    import vl_convert

    drawn = vl_convert.vegalite_to_svg({**spec, "width": width, "config": dict(CONFIG)}, vl_version=OF_VEGA_LITE)
    return Markup(drawn)  # nosec B704 # values from data are escaped in it
