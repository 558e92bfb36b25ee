"""Assets: the files that pages are made of, and the colours of pages and charts."""

from functools import cache
from importlib.resources import files

__all__ = ["asset", "colours"]


@cache
def asset(name: str) -> str:
    """Return a file of the folder page/."""
    return (files("shipment_etl.reporting") / "page" / name).read_text("utf-8")


def colours(selector: str, scheme: str) -> str:
    """Return the rule of CSS that gives an element, and what is inside, the colours light or dark as custom properties."""
    return f"{selector} {{\n{asset(f'{scheme}.css')}}}\n"
