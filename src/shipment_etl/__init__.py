"""Shipment data, from raw rows to trusted daily numbers, on any Spark engine.

The names below are the whole public interface. Each is imported when it is first used, so that `import shipment_etl`
is fast and loads no engine.
"""

import sys
import warnings
from typing import TYPE_CHECKING, Any

from shipment_etl.lazy import lazy_importer

if TYPE_CHECKING:
    from shipment_etl.contracts.models import RowRule, Shipment, contract
    from shipment_etl.contracts.split import split
    from shipment_etl.generator.shipments import generate
    from shipment_etl.generator.troubles import troubles
    from shipment_etl.hookspecs import hookimpl
    from shipment_etl.ingest.conform import conform
    from shipment_etl.ingest.mapping import ColumnMapping, FileFormat, Numbers, SourceMapping
    from shipment_etl.jobs.generate import run_generate
    from shipment_etl.jobs.ingest import run_ingest
    from shipment_etl.jobs.learn import learn
    from shipment_etl.jobs.maintain import run_maintain
    from shipment_etl.jobs.process import run_process, run_waiting
    from shipment_etl.jobs.rollback import run_rollback
    from shipment_etl.lake.fingerprint import fingerprint
    from shipment_etl.lake.lake import Lake
    from shipment_etl.lake.landed import Backlog, LandedBatch, backlog
    from shipment_etl.lake.runs import RowCounts, Run, RunStart
    from shipment_etl.network import Network
    from shipment_etl.reporting.comparison.compare import Comparison, compare
    from shipment_etl.reporting.comparison.page import write_comparison
    from shipment_etl.reporting.report import report, write_report
    from shipment_etl.scenario import Disruption, Scenario
    from shipment_etl.sessions import session
    from shipment_etl.transform.clean import clean
    from shipment_etl.transform.lane_days import lane_days
    from shipment_etl.transform.mart import Mart, MartColumn
    from shipment_etl.transform.marts import marts
    from shipment_etl.twin.learning import Twin

__all__ = [
    "Backlog",
    "ColumnMapping",
    "Comparison",
    "Disruption",
    "FileFormat",
    "Lake",
    "LandedBatch",
    "Mart",
    "MartColumn",
    "Network",
    "Numbers",
    "RowCounts",
    "RowRule",
    "Run",
    "RunStart",
    "Scenario",
    "Shipment",
    "SourceMapping",
    "Twin",
    "backlog",
    "clean",
    "compare",
    "conform",
    "contract",
    "fingerprint",
    "generate",
    "hookimpl",
    "lane_days",
    "learn",
    "marts",
    "report",
    "run_generate",
    "run_ingest",
    "run_maintain",
    "run_process",
    "run_rollback",
    "run_waiting",
    "session",
    "split",
    "troubles",
    "write_comparison",
    "write_report",
]

_HOMES = {
    "Backlog": "lake.landed",
    "ColumnMapping": "ingest.mapping",
    "Comparison": "reporting.comparison.compare",
    "Disruption": "scenario",
    "FileFormat": "ingest.mapping",
    "Lake": "lake.lake",
    "LandedBatch": "lake.landed",
    "SourceMapping": "ingest.mapping",
    "Mart": "transform.mart",
    "MartColumn": "transform.mart",
    "Network": "network",
    "Numbers": "ingest.mapping",
    "RowCounts": "lake.runs",
    "RowRule": "contracts.models",
    "Run": "lake.runs",
    "RunStart": "lake.runs",
    "Scenario": "scenario",
    "Shipment": "contracts.models",
    "Twin": "twin.learning",
    "backlog": "lake.landed",
    "clean": "transform.clean",
    "compare": "reporting.comparison.compare",
    "conform": "ingest.conform",
    "contract": "contracts.models",
    "fingerprint": "lake.fingerprint",
    "generate": "generator.shipments",
    "hookimpl": "hookspecs",
    "lane_days": "transform.lane_days",
    "learn": "jobs.learn",
    "marts": "transform.marts",
    "report": "reporting.report",
    "run_generate": "jobs.generate",
    "run_ingest": "jobs.ingest",
    "run_maintain": "jobs.maintain",
    "run_process": "jobs.process",
    "run_rollback": "jobs.rollback",
    "run_waiting": "jobs.process",
    "session": "sessions",
    "split": "contracts.split",
    "troubles": "generator.troubles",
    "write_comparison": "reporting.comparison.page",
    "write_report": "reporting.report",
}

_load = lazy_importer(__name__, _HOMES)

_RENAMED = {"Mapping": "SourceMapping"}
"""Old names of the public interface, kept for one release."""


def check_docstrings() -> None:
    """Check that PySpark can be imported, before it is.

    Raises:
        DocstringsMissing: Python runs without docstrings.
    """
    if sys.flags.optimize > 1:
        from shipment_etl.errors import DocstringsMissing

        raise DocstringsMissing


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        warnings.warn(
            f"shipment_etl.{name} is now shipment_etl.{_RENAMED[name]}; the old name will be removed in the next release.",
            DeprecationWarning,
            stacklevel=2,
        )
        name = _RENAMED[name]
    if name in _HOMES:
        check_docstrings()
    return _load(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
