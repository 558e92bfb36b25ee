"""HTML: what all pages share: the template engine, the stylesheet, and the digests that a page's policy names."""

from base64 import b64encode
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined

from shipment_etl.reporting.assets import asset, colours
from shipment_etl.reporting.wording import number, percent, short

__all__ = ["digest", "encodable", "environment", "stylesheet"]


def environment() -> Environment:
    """Return a template engine over page/ that escapes everything that comes from data."""
    made = Environment(
        loader=PackageLoader("shipment_etl.reporting", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"allow_nan": False, "ensure_ascii": False, "separators": (",", ":")}
    made.filters.update(number=number, percent=percent, short=short)
    return made


def stylesheet() -> str:
    """Return the CSS of a page, light and dark."""
    dark = colours(':root:not([data-theme="light"])', "dark")
    by_system = f"@media (prefers-color-scheme: dark) {{\n{dark}}}\n"
    return colours(":root", "light") + by_system + colours(':root[data-theme="dark"]', "dark") + asset("page.css")


def digest(text: str) -> str:
    """Return the digest by which a content security policy allows a script or a stylesheet."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def encodable(html: str) -> str:
    """Return a page without halves of surrogate pairs, which JSON may hold and UTF-8 has no bytes for."""
    return html.encode("utf-8", "replace").decode("utf-8")
