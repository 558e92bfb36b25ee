"""tariffs: costs charged by a tariff give that tariff back, and no rate is negative."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.network import Tariff
from shipment_etl.twin.tariffs import MeanCost, charge, fit_tariff

means = st.lists(
    st.builds(MeanCost, st.integers(20, 1000), st.floats(0.1, 5000), st.floats(10, 5000), st.floats(0, 50_000)),
    min_size=1,
    max_size=12,
)


@given(means)
def test_no_rate_is_negative(means):
    tariff = fit_tariff(means)
    assert min(tariff.base, tariff.per_kg, tariff.per_km) >= 0


def test_a_tariff_is_found_again():
    tariff = Tariff(Decimal("12.50"), Decimal("0.4000"), Decimal("0.0300"))
    places = [(5, 100), (50, 400), (20, 2000), (200, 900), (80, 80)]
    means = [MeanCost(100, kg, km, charge(tariff, kg, km)) for kg, km in places]
    assert fit_tariff(means) == tariff


@given(st.floats(1, 10_000))
def test_a_single_service_gives_a_tariff_with_only_a_base(cost):
    tariff = fit_tariff([MeanCost(50, 12.0, 300.0, cost)])
    assert charge(tariff, 12.0, 300.0) == pytest.approx(cost, abs=0.006)
    assert tariff.per_kg == tariff.per_km == 0
