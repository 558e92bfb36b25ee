"""Bundle: the JavaScript that draws charts (Vega, Vega-Lite, Vega-Embed), as one text that asks no network for anything."""

import vl_convert

__all__ = ["script"]

OF_VEGA_LITE = "6.4"
"""The version whose schema the charts are checked against."""


def script() -> str:
    """Return the JavaScript, safe to stand inside a page."""
    # Its type stub asks for a snippet, which it can do without.
    bundle = vl_convert.javascript_bundle(vl_version=OF_VEGA_LITE)  # type: ignore[call-arg]
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")
