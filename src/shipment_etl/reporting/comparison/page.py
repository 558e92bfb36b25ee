"""Page: renders a comparison and writes it to a file."""

from datetime import UTC, datetime
from pathlib import Path

from shipment_etl.files import write_file
from shipment_etl.reporting.comparison.compare import Comparison
from shipment_etl.reporting.report import require_extra

__all__ = ["write_comparison"]


def write_comparison(found: Comparison, file: str | Path, limit: int | None = None) -> Path:
    """Write a comparison to a file as one HTML page that works offline, and return its path; missing folders are created.

    Args:
        found: what `compare` returned.
        file: the file to write.
        limit: maximum differences of each mart; 20 if None.

    Raises:
        ExtraMissing: the packages of the extra [report] are not installed.
        FileUnwritable: the file cannot be written.
    """
    require_extra()
    from shipment_etl.reporting.comparison.render import render

    return write_file(file, render(found, datetime.now(UTC), limit))
