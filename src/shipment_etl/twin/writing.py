"""Writing: a network and its scenario as TOML, one line for each place, carrier and service."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from decimal import Decimal
from fractions import Fraction
from typing import Any

from shipment_etl.network import Network
from shipment_etl.scenario import Scenario

__all__ = ["write_network"]


def write_network(network: Network, comments: Iterable[str] = ()) -> str:
    """Return a network as TOML that `Network.from_toml` reads as the same network; defaults are left out."""
    return "\n".join(_lines(network, comments)) + "\n"


def _lines(network: Network, comments: Iterable[str]) -> Iterator[str]:
    yield from (f"# {each}" for each in comments)
    # Lists come before the first table, because every line after its header belongs to it.
    for name, value in _get_changed_fields(network).items():
        if isinstance(value, tuple) and value and not isinstance(value[0], str):
            yield from ("", f"{name} = [", *(f"  {_value(each)}," for each in value), "]")
        elif not isinstance(value, Scenario):
            yield f"{name} = {_value(value)}"
    if network.scenario is not None:
        yield from _table("scenario", _get_changed_fields(network.scenario))


def _table(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    below = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items() if key not in below]
    if lines or not below:
        yield from ("", f"[{name}]", *lines)
    for key, value in below.items():
        yield from _table(f"{name}.{_key(key)}", value)


def _get_changed_fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that differ from their defaults."""
    found = {}
    for each in fields(value):
        default = each.default_factory() if each.default_factory is not MISSING else each.default
        if (given := getattr(value, each.name)) != default:
            found[each.name] = given
    return found


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Fraction):
        return str(value.numerator) if value.denominator == 1 else json.dumps(str(value))
    if isinstance(value, str):
        # JSON strings are TOML strings, except for one character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, frozenset):
        return _value(sorted(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    items = value if isinstance(value, Mapping) else _get_changed_fields(value)
    return f"{{ {', '.join(f'{_key(name)} = {_value(each)}' for name, each in items.items())} }}"


def _key(name: Any) -> str:
    text = str(name)
    return text if text and all(each.isascii() and (each.isalnum() or each in "-_") for each in text) else _value(text)
