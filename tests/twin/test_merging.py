"""merging: no shipment is lost silently, and no group of only a few shipments is left."""

from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.twin.merging import OTHER, merge_delays, merge_services
from shipment_etl.twin.sums import Sums

least = st.integers(2, 30)
keys = st.tuples(*[st.sampled_from(("a", "b", "c", OTHER))] * 3)
counts = st.dictionaries(keys, st.integers(1, 60), max_size=40)
delays = st.dictionaries(st.integers(-100, 400), st.integers(1, 60), max_size=40)


def sums_of(count: int) -> Sums:
    made = Sums(shipments=count)
    made.delays[0] = count
    return made


@given(counts, least)
def test_services_are_large_enough_and_hold_all_shipments_that_were_not_dropped(counts, least):
    merged = merge_services({key: sums_of(count) for key, count in counts.items()}, least)
    assert all(sums.shipments >= least for sums in merged.services.values())
    assert sum(sums.shipments for sums in merged.services.values()) == sum(counts.values()) - merged.dropped_shipments
    assert merged.dropped_shipments < least
    small = [count for count in counts.values() if count < least]
    assert merged.merged_shipments + merged.dropped_shipments == sum(small)
    large = {key: count for key, count in counts.items() if count >= least and OTHER not in key}
    assert {key: sums.shipments for key, sums in merged.services.items() if OTHER not in key} == large


@given(counts, least)
def test_merging_does_not_change_its_input(counts, least):
    services = {key: sums_of(count) for key, count in counts.items()}
    merge_services(services, least)
    assert {key: sums.shipments for key, sums in services.items()} == counts


@given(delays, least)
def test_delays_are_of_enough_shipments_and_no_shipment_is_lost(delays, least):
    merged = merge_delays(delays, least)
    total = sum(delays.values())
    assert sum(merged.values()) == (total if total >= least else 0)
    assert all(count >= least for count in merged.values())


@given(delays, least)
def test_less_than_a_few_shipments_change_between_early_on_time_and_late(delays, least):
    merged = merge_delays(delays, least)
    if not merged:
        return
    for kind in (lambda days: days < 0, lambda days: days == 0, lambda days: days == 1, lambda days: days >= 2):
        before = sum(count for days, count in delays.items() if kind(days))
        after = sum(count for days, count in merged.items() if kind(days))
        # A kind with too few shipments loses them; one with enough may gain those of up to three others.
        assert abs(before - after) < 3 * least


@given(delays)
def test_delays_that_all_have_enough_stay_unchanged(delays):
    enough = {days: count + 30 for days, count in delays.items()}
    assert merge_delays(enough, 30) == enough


def test_a_tail_becomes_one_delay_at_its_mean():
    assert merge_delays({0: 100, 10: 10, 20: 10, 30: 5}, 20) == {0: 100, 18: 25}


def test_few_late_shipments_move_to_the_nearest_day_and_do_not_change_it():
    assert merge_delays({0: 100, 40: 3}, 20) == {0: 103}
