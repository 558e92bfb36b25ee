"""Report: read a lake, render the page and write it to a file."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from shipment_etl.errors import ExtraMissing
from shipment_etl.files import write_file
from shipment_etl.lake.lake import LakeAddress, as_lake
from shipment_etl.reporting.reading import read_facts

if TYPE_CHECKING:
    from shipment_etl.reporting.render import Page

__all__ = ["draw_report", "prepare", "report", "require_extra", "write_report"]

NEEDED = ("altair", "jinja2", "vl_convert")


def report(lake: LakeAddress) -> str:
    """Return a report of a lake: one HTML page that works offline, light and dark, on paper and on a phone.

    Reads the tables in the versions that the newest logged run left; starts no engine.

    Raises:
        ExtraMissing: the packages of the extra [report] are not installed.
        LakeMissing, NothingToReport: there is no lake, or it has no runs.
    """
    return draw_report(lake).html


def draw_report(lake: LakeAddress) -> "Page":
    """Return a report of a lake and the sentences at its top. Raises what `report` raises."""
    lake = as_lake(lake)
    require_extra()
    with ThreadPoolExecutor(1) as aside:
        # Bundling the scripts takes as long as everything else, and does not hold the GIL.
        bundle = aside.submit(_script)
        facts = read_facts(lake)
        from shipment_etl.reporting.render import draw

        return draw(facts, bundle.result(), datetime.now(UTC))


def write_report(lake: LakeAddress, file: str | Path) -> Path:
    """Write a report of a lake to a file and return its path; missing folders are created.

    Raises:
        ExtraMissing, LakeMissing, NothingToReport: as for `report`.
        FileUnwritable: the file cannot be written.
    """
    return write_file(file, report(lake))


def prepare() -> None:
    """Load what renders pages, so that a later report takes less time; does nothing if the extra is not installed."""
    with suppress(ExtraMissing):
        require_extra()
        import_module("shipment_etl.reporting.render")
        _script()


def require_extra() -> None:
    """Check that the packages for a report are installed.

    Raises:
        ExtraMissing: one of them is not.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ExtraMissing("A report", missing[0], "report")


def _script() -> str:
    from shipment_etl.reporting.bundle import script

    return script()
