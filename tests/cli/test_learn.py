"""learn: a twin is written with a summary, and the generator and the contract accept it unchanged."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import shipment_etl as etl
from tests.command_line import run

pytestmark = pytest.mark.slow

DAY = "2026-11-18"


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> etl.Lake:
    lake = etl.Lake(tmp_path_factory.mktemp("learnt") / "lake")
    etl.run_generate(lake, date=DAY, rows=3_000, scenario="strike", spark=spark)
    etl.run_process(lake, date=DAY, spark=spark)
    return lake


def test_a_twin_is_written_summarised_and_used_by_the_generator(lake: etl.Lake, spark: SparkSession, tmp_path: Path) -> None:
    file = tmp_path / "my twin.toml"
    told = run("learn", "--lake", lake.uri, "--source", "shipments", "--out", file).stdout
    # One of the cities is "other".
    assert "4 warehouses, 9 cities, 7 carriers" in told
    assert f"Learnt from 3,000 shipments of {DAY} to {DAY}, in groups of 20 or more" in told
    assert f"generate --lake twin-lake --network '{file}' --rows 3000" in told
    network = etl.Network.from_toml(file)
    assert network == etl.learn(lake, "shipments").network
    raw = etl.generate(spark, date="2026-11-19", rows=2_000, seed=7, network=network)
    good, bad = etl.split(raw, etl.contract(network))
    assert (good.count(), bad.count()) == (2_000, 0)


def test_a_twin_contains_only_sums_of_enough_shipments(lake: etl.Lake, tmp_path: Path) -> None:
    file = tmp_path / "twin.toml"
    given = ["learn", "--lake", lake.uri, "--source", "shipments", "--out", file, "--min-shipments", 400, "--json"]
    told = json.loads(run(*given).stdout)
    assert told["merged_services"] > 100
    network = etl.Network.from_toml(file)
    assert min(each.share for each in network.services) * 3_000 / 100_000 >= 399
    every = [network.scenario.delays, *network.scenario.carrier_delays.values()]
    assert min(min(each.values()) for each in every) >= 400


def test_names_are_kept_only_on_request(lake: etl.Lake, tmp_path: Path) -> None:
    for options, told in (([], False), (["--names"], True)):
        file = tmp_path / f"{told}.toml"
        run("learn", "--lake", lake.uri, "--source", "shipments", "--out", file, *options)
        assert ("UPS" in file.read_text("utf-8")) is told


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--source", "acme"), 1, "The source 'acme' has 0 shipments in"),
        (("--source", "shipments", "--min-shipments", "3001"), 1, "3,000 shipments in"),
        (("--source", "shipments", "--min-shipments", "1"), 2, "--min-shipments"),
    ],
)
def test_what_cannot_be_learnt_is_refused(
    lake: etl.Lake, tmp_path: Path, options: tuple[str, ...], code: int, told: str
) -> None:
    done = run("learn", "--lake", lake.uri, "--out", tmp_path / "twin.toml", *options, code=code)
    assert told in done.stderr.replace("\n", " ")
    assert not (tmp_path / "twin.toml").exists()


def test_a_missing_lake_is_refused(tmp_path: Path) -> None:
    done = run("learn", "--lake", tmp_path / "nowhere", "--source", "x", "--out", tmp_path / "twin.toml", code=1)
    assert "nowhere" in done.stderr
