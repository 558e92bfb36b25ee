"""Assets: the files that pages are built from, and the colours of pages and charts."""

from functools import cache
from importlib.resources import files

__all__ = ["asset", "colours"]


@cache
def asset(name: str) -> str:
    """Return the text of a file in the folder page/."""
    return (files("shipment_etl.reporting") / "page" / name).read_text("utf-8")


def colours(selector: str, scheme: str) -> str:
    """Return a CSS rule that gives an element and its children the light or dark colours as custom properties."""
    return f"{selector} {{\n{asset(f'{scheme}.css')}}}\n"
