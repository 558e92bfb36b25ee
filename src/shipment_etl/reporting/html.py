"""HTML: what all pages share: the template engine, the stylesheet, and the digests for a page's content security policy."""

import shlex
from base64 import b64encode
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined

from shipment_etl.reporting.assets import asset, colours
from shipment_etl.reporting.wording import number, percent, say_amount

__all__ = ["digest", "environment", "replace_surrogates", "stylesheet"]


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
    made.filters.update(amount=say_amount, number=number, percent=percent, quote=shlex.quote)
    return made


def stylesheet() -> str:
    """Return the CSS of a page, light and dark."""
    dark = colours(':root:not([data-theme="light"])', "dark")
    by_system = f"@media (prefers-color-scheme: dark) {{\n{dark}}}\n"
    return colours(":root", "light") + by_system + colours(':root[data-theme="dark"]', "dark") + asset("page.css")


def digest(text: str) -> str:
    """Return the digest with which a content security policy allows a script or a stylesheet."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def replace_surrogates(html: str) -> str:
    """Replace lone surrogates, which JSON may contain but UTF-8 cannot encode."""
    return html.encode("utf-8", "replace").decode("utf-8")
