"""Twins of real sources: the shipments that they generate have marts like those of the source, within stated limits."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from shipment_etl import Lake, Network, learn
from shipment_etl.errors import NothingToLearn
from shipment_etl.generator.scenarios import SCENARIOS
from tests.twin.likeness import DAYS, distances, make_twin
from tests.twin.sources import flights_lake, scms_lake

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]

SCMS_LIMITS = {
    "carrier shares": 0.02,
    # Two in five shipments are of services with fewer than 20, and so of other lanes in the twin.
    "warehouse shares": 0.12,
    "lane shares": 0.43,
    "weekday shares": 0.02,
    "on_time_pct": 2.0,
    "late_2plus_pct": 2.0,
    "avg_delay_days": 1.0,
    "avg_transit_days %": 3.0,
    "avg_cost %": 8.0,
    "cost_per_kg %": 15.0,
}
FLIGHTS_LIMITS = {
    "carrier shares": 0.02,
    "warehouse shares": 0.02,
    "lane shares": 0.05,
    "weekday shares": 0.02,
    "on_time_pct": 2.5,
    "late_2plus_pct": 3.5,
    "avg_delay_days": 0.8,
    "avg_transit_days %": 9.0,
    "avg_cost %": 8.0,
    "cost_per_kg %": 15.0,
}


@pytest.fixture(scope="module")
def scms(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Lake:
    return scms_lake(tmp_path_factory.mktemp("source"), spark)


def too_far(found: dict[str, float], limits: dict[str, float]) -> dict[str, float]:
    return {name: found[name] for name, limit in limits.items() if found[name] > limit}


def test_the_twin_of_the_scms_history_is_like_it(tmp_path: Path, spark: SparkSession, scms: Lake) -> None:
    twin = learn(scms, "scms", names=True)
    made = make_twin(tmp_path / "twin", spark, twin.network, 1_500)
    assert too_far(distances(scms, made), SCMS_LIMITS) == {}


def test_a_network_that_was_not_learnt_would_be_too_different(tmp_path: Path, spark: SparkSession, scms: Lake) -> None:
    learnt = learn(scms, "scms", names=True).network
    tariff = Network.default().carriers[0].parcel
    plain = replace(
        learnt,
        carriers=tuple(replace(each, parcel=tariff) for each in learnt.carriers),
        services=tuple(replace(each, share=1, price=100, promised_days=5) for each in learnt.services),
        scenario=SCENARIOS["baseline"],
    )
    made = make_twin(tmp_path / "twin", spark, plain, 1_500, DAYS[:7])
    assert set(too_far(distances(scms, made), SCMS_LIMITS)) == set(SCMS_LIMITS)


def test_the_twin_of_flights_from_new_york_is_like_them(tmp_path: Path, spark: SparkSession) -> None:
    source = flights_lake(tmp_path, spark)
    twin = learn(source, "flights", names=True)
    made = make_twin(tmp_path / "twin", spark, twin.network, 3_000)
    assert too_far(distances(source, made), FLIGHTS_LIMITS) == {}


def test_the_twin_of_the_scms_history_reveals_no_name(tmp_path: Path, scms: Lake) -> None:
    named, coded = learn(scms, "scms", names=True).network, learn(scms, "scms").to_toml()
    names = {each.name for each in (*named.warehouses, *named.cities, *named.carriers)} - {"other"}
    assert [name for name in names if f'"{name}"' in coded] == []
    (tmp_path / "twin.toml").write_text(coded, "utf-8")
    assert len(Network.from_toml(tmp_path / "twin.toml").services) == len(named.services)


def test_a_missing_source_is_refused(scms: Lake) -> None:
    with pytest.raises(NothingToLearn, match="The source 'acme' has 0 shipments"):
        learn(scms, "acme")
