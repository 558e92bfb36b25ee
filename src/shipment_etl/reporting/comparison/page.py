"""Page: a comparison is drawn and written to a file."""

from datetime import UTC, datetime
from pathlib import Path

from shipment_etl.reporting.comparison.compare import Comparison
from shipment_etl.reporting.report import require_extra, write_page

__all__ = ["write_comparison"]


def write_comparison(found: Comparison, file: str | Path, limit: int | None = None) -> Path:
    """Write a comparison to a file as one HTML page that works offline, and return its path; folders are made as needed.

    Args:
        found: what `compare` returned.
        file: where to.
        limit: differences of each mart at most; 20 if None.

    Raises:
        ExtraMissing: the packages that make pages are not installed.
        FileUnwritable: the file cannot be written.
    """
    require_extra()
    from shipment_etl.reporting.comparison.render import render

    return write_page(render(found, datetime.now(UTC), limit), file)
