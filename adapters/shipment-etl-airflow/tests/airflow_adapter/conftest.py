"""Fixtures for tests on Airflow: an AWS on this machine and a folder for Airflow, separate for each module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shipment_etl_emr.local import LocalAws, local_aws


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with local_aws(tmp_path_factory.mktemp("aws")) as started:
        yield started


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("airflow")
