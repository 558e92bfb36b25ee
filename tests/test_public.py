"""The public names: complete, documented, and imported only when used."""

import subprocess
import sys

import pytest

import shipment_etl


def test_names_are_sorted_and_all_of_them_exist() -> None:
    assert list(shipment_etl.__all__) == sorted(shipment_etl.__all__)
    assert set(shipment_etl.__all__) == set(shipment_etl._HOMES)
    for name in shipment_etl.__all__:
        assert getattr(shipment_etl, name).__doc__, name
        assert callable(getattr(shipment_etl, name)), name


def test_a_module_never_hides_a_function() -> None:
    code = (
        "import shipment_etl.jobs.process, shipment_etl.contracts.split, shipment_etl as etl;"
        "assert all(callable(getattr(etl, name)) for name in etl.__all__)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_dir_shows_each_name_once() -> None:
    assert shipment_etl.Lake
    assert len(dir(shipment_etl)) == len(set(dir(shipment_etl)))
    assert set(shipment_etl.__all__) <= set(dir(shipment_etl))


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(shipment_etl, "no_such_name")


def test_importing_the_package_loads_no_engine() -> None:
    heavy = ("pyspark", "pandas", "numpy", "pyarrow", "pandera", "pysail", "deltalake", "boto3", "typer", "rich")
    code = f"import sys, shipment_etl; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        ("--help", ("pyspark", "pandas", "pyarrow", "pydantic", "deltalake", "boto3")),
        ("config", ("pandas", "pandera", "pysail", "boto3")),
    ],
)
def test_a_command_loads_only_what_it_needs(command: str, heavy: tuple[str, ...]) -> None:
    code = f"""
import sys
from shipment_etl.cli.main import main
sys.argv = ["shipment-etl", {command!r}]
try:
    main()
finally:
    print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


def test_importing_the_package_takes_at_most_100_ms_more_than_python() -> None:
    code = "import time; start = time.perf_counter(); import shipment_etl; print(time.perf_counter() - start)"
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True) for _ in range(5)]
    assert min(float(run.stdout) for run in runs) < 0.1
