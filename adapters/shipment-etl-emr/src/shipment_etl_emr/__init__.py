"""Runs the jobs of shipment_etl on Amazon EMR: temporary clusters, always terminated.

The names below are the public interface. Each is imported on first use, so that AWS packages are not loaded early.
"""

from typing import TYPE_CHECKING

from shipment_etl.lazy import lazy_importer

if TYPE_CHECKING:
    from shipment_etl_emr.clusters import Clusters
    from shipment_etl_emr.package import build
    from shipment_etl_emr.requests import cluster_request, job_run_request, step_request
    from shipment_etl_emr.runner import EmrRunner, Outcome
    from shipment_etl_emr.serverless import Serverless
    from shipment_etl_emr.service import Service
    from shipment_etl_emr.settings import Settings
    from shipment_etl_emr.target import Job, Place, Progress, Target
    from shipment_etl_emr.timing import Timing

__all__ = [
    "Clusters",
    "EmrRunner",
    "Job",
    "Outcome",
    "Place",
    "Progress",
    "Serverless",
    "Service",
    "Settings",
    "Target",
    "Timing",
    "build",
    "cluster_request",
    "job_run_request",
    "step_request",
]

__getattr__ = lazy_importer(
    __name__,
    {
        "Clusters": "clusters",
        "EmrRunner": "runner",
        "Job": "target",
        "Outcome": "runner",
        "Place": "target",
        "Progress": "target",
        "Serverless": "serverless",
        "Service": "service",
        "Settings": "settings",
        "Target": "target",
        "Timing": "timing",
        "build": "package",
        "cluster_request": "requests",
        "job_run_request": "requests",
        "step_request": "requests",
    },
)
