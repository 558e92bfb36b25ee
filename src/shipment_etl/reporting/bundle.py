"""Bundle: the JavaScript that draws charts (Vega, Vega-Lite, Vega-Embed), as one script that needs no network."""

import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from shipment_etl.errors import InvalidValue
from shipment_etl.files import cache_folder

__all__ = ["script"]

OF_VEGA_LITE = "6.4"
"""The version whose schema the charts are checked against."""


def script() -> str:
    """Return the JavaScript, safe to embed in a page; bundled once per user of this machine, then cached."""
    try:
        cache = cache_folder()
    except InvalidValue:
        return _make()
    kept = cache / f"vega-lite-{OF_VEGA_LITE}-{version('vl-convert-python')}.js"
    with suppress(OSError):
        return kept.read_text("utf-8")
    made = _make()
    # The cache is optional: if it cannot be written, a page takes two seconds longer.
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=cache, encoding="utf-8", delete=False) as part:
            part.write(made)
        Path(part.name).replace(kept)
    return made


def _make() -> str:
    import vl_convert

    # Its type stub requires a snippet, which is optional.
    bundle = vl_convert.javascript_bundle(vl_version=OF_VEGA_LITE)  # type: ignore[call-arg]
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")
