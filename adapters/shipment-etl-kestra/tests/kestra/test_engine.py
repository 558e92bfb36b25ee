"""The shipped flows on Kestra's own engine: its core tests, or with KESTRA_ENGINE=all (`nox -s kestra`) all of them."""

import os
from collections.abc import Iterator
from datetime import date

import pytest
from deltalake import DeltaTable

from kestra.engine import LAKE, MAX_FETCH_SECONDS, MAX_TEST_SECONDS, OFFLINE, Engine, engine, missing

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(2 * MAX_FETCH_SECONDS + MAX_TEST_SECONDS)]
SELECTED = () if os.environ.get("KESTRA_ENGINE") == "all" else ("-Dgroups=core",)
DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def kestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if reason := missing():
        pytest.skip(reason)
    with engine(tmp_path_factory.mktemp("engine")) as running:
        yield running


def assert_passes(kestra: Engine, *arguments: str) -> None:
    if not kestra.fetch(*arguments):
        pytest.skip(f"Maven did not fetch Kestra in {MAX_FETCH_SECONDS} s, so the flows were not run on Kestra's engine")
    done = kestra.test(*arguments)
    printed = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "WARNING: " not in line)
    if done.returncode and OFFLINE.search(printed):
        pytest.skip("Maven cannot fetch Kestra from Maven Central, so the flows were not run on Kestra's engine")
    assert done.returncode == 0, printed[-12_000:]


def rows(kestra: Engine, table: str) -> int:
    options = {name: value for name, value in kestra.aws.environment.items() if value != os.devnull}
    batch = DeltaTable(f"{LAKE}/{table}", storage_options=options).to_pyarrow_table(filters=[("batch_date", "=", DAY)])
    return int(batch.num_rows)


def test_both_pipelines_fill_the_lake_and_failures_leave_no_cluster(kestra: Engine) -> None:
    assert_passes(kestra, *SELECTED)
    assert rows(kestra, "raw/shipments") == 2000
    assert 0 < rows(kestra, "processed/shipments") <= 2000


def test_the_previous_release_line_of_kestra_accepts_the_flows(kestra: Engine) -> None:
    assert_passes(kestra, "-Pkestra-1.3")
