"""rounding: a difference is what a reader gets by subtracting the numbers shown."""

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.reporting.comparison.difference import difference
from shipment_etl.reporting.comparison.wording import say_change as say_difference
from shipment_etl.reporting.comparison.wording import say_values
from shipment_etl.reporting.contents import tiles
from shipment_etl.reporting.findings import Change, Figures, Share, measure_change
from shipment_etl.reporting.periods import Period
from shipment_etl.reporting.rounding import rounded_difference
from shipment_etl.reporting.wording import percent, say_change, say_target

NOW = Period(date(2026, 11, 16), date(2026, 11, 22))
SHARES = st.integers(1, 10**6).flatmap(lambda whole: st.builds(Share, st.integers(0, whole), st.just(whole)))


def _numbers(text: str) -> list[Decimal]:
    plain = text.replace("−", "-").replace(",", "")
    return [Decimal(found) for found in re.findall(r"[-+]?\d+(?:\.\d+)?", plain)]


def test_points_agree_with_the_shares_beside_them() -> None:
    said = say_change(Change(Share(60_450, 100_000), Share(58_640, 100_000), True), NOW, NOW.shift_back()).text
    assert "60.5 % of shipments" in said or "60.4 % of shipments" in said
    shown, before = Decimal(said.split()[0]), Decimal("58.6")
    assert f"up {shown - before} points from 58.6 %" in said


@given(SHARES, SHARES)
def test_any_change_agrees_with_its_sentence(now: Share, before: Share) -> None:
    said = say_change(Change(now, before, True), NOW, NOW.shift_back()).text
    shown, earlier = Decimal(percent(now.pct).split()[0]), Decimal(percent(before.pct).split()[0])
    if shown == earlier:
        assert "no clear change" in said
    else:
        assert f"{'up' if shown > earlier else 'down'} {abs(shown - earlier)} points" in said


@given(SHARES, SHARES)
def test_tiles_agree_with_the_sentence(now: Share, before: Share) -> None:
    one, other = (
        Figures(each.whole, each.whole, each.part, each.whole - each.part, 0, 0, 0.0, 0.0) for each in (now, before)
    )
    tile = tiles(one, other)[1]
    points = measure_change(one, other).points
    assert tile.value == percent(now.pct)
    assert tile.moved == "unchanged" if not points else f"{abs(points)} points" in tile.moved


@given(SHARES, st.integers(1, 10_000))
def test_a_target_is_missed_by_what_is_shown(on_time: Share, aim: int) -> None:
    target, missed = say_target(on_time, aim / 10_000), Decimal(aim) / 100 - Decimal(percent(on_time.pct).split()[0])
    if missed <= 0:
        assert target.endswith("met")
    else:
        assert _numbers(target) == [Decimal(aim) / 100, missed]


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_lakes_differ_by_what_is_shown(a: float, b: float) -> None:
    found = difference(a, b)
    if not found.difference:
        return
    (one,), (other,) = map(_numbers, say_values(found))
    assert _numbers(say_difference(found).split(" ")[0]) == [other - one]


@given(st.decimals(-(10**37), 10**37, places=4), st.decimals(-(10**37), 10**37, places=4))
def test_a_difference_of_long_decimals_is_exact(one: Decimal, other: Decimal) -> None:
    assert Fraction(rounded_difference(one, other, 4)) == Fraction(one) - Fraction(other)
