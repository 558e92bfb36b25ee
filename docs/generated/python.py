"""The page of the Python API: every public name, by package; mkdocstrings fills in the docstrings."""

from importlib import import_module

import shipment_etl

INTRODUCTION = """# Python

`import shipment_etl as etl` loads no engine; each name below is imported when it is first used. Functions that take and
return DataFrames create no session, read no table and write nothing. Functions that start with `run_` are jobs: they read
and write a lake.
"""


def python_page() -> str:
    """Return the page, with every name in `shipment_etl.__all__`."""
    packages: dict[str, list[str]] = {}
    for name in shipment_etl.__all__:
        packages.setdefault(_package(name), []).append(name)
    parts = [INTRODUCTION]
    for package, names in sorted(packages.items()):
        parts += [f"## {package}\n", f"{_first_line(package)}\n", *(f"::: shipment_etl.{name}\n" for name in sorted(names))]
    return "\n".join(parts)


def _package(name: str) -> str:
    return shipment_etl._HOMES[name].split(".")[0]


def _first_line(package: str) -> str:
    return (import_module(f"shipment_etl.{package}").__doc__ or "").splitlines()[0]
