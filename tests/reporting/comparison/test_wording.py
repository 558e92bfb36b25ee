"""What a comparison says: significant differences stand out, others do not."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import inf, nan

import pytest

from shipment_etl.reporting.comparison.compare import Comparison, Side
from shipment_etl.reporting.comparison.difference import difference
from shipment_etl.reporting.comparison.totals import Sums, compare_totals
from shipment_etl.reporting.comparison.wording import say_change, say_comparison, say_unit, say_values

DAY, NEXT = date(2026, 11, 1), date(2026, 11, 2)
SUMS = Sums(DAY, DAY, shipments=1000, with_delay=1000, late=50, days_late=200, priced=1000, cost=Decimal("10000.00"))


def comparison(a: Sums, b: Sums) -> Comparison:
    one, other = (Side("lake", "run", each.first, each.last, {}) for each in (a, b))
    return Comparison(one, other, compare_totals(a, b), {}, (), ())


def said(a: Sums, b: Sums) -> list[str]:
    return [each.text for each in say_comparison(comparison(a, b))]


def test_lakes_that_are_the_same_get_one_sentence() -> None:
    assert said(SUMS, SUMS) == ["Nothing differs: all rows of 0 marts are the same in A and B."]


def test_a_clear_difference_is_reported_with_its_size() -> None:
    assert said(SUMS, replace(SUMS, late=200, days_late=500, cost=Decimal("9000.00"))) == [
        "In B 20.0 % of shipments came two or more days late, in A 5.0 %: 15.0 points more.",
        "B has 500 days of delay, A 200: 300 more (+150.0 %).",
        "A shipment costs 9.00 in B, 10.00 in A: 1.00 less (−10.0 %).",
    ]


def test_costs_have_their_currency_and_two_are_not_compared() -> None:
    found = comparison(SUMS, replace(SUMS, cost=Decimal("9000.00")))

    def last(a: str | None, b: str | None) -> str:
        return say_comparison(replace(found, a=replace(found.a, currency=a), b=replace(found.b, currency=b)))[-1].text

    assert last("EUR", "EUR") == "A shipment costs 9.00 EUR in B, 10.00 EUR in A: 1.00 EUR less (−10.0 %)."
    assert last("EUR", "USD") == "Costs are in EUR in A and in USD in B: do not compare them."
    assert last("EUR", None) == last(None, None) == "A shipment costs 9.00 in B, 10.00 in A: 1.00 less (−10.0 %)."


@pytest.mark.parametrize(
    ("unit", "known", "unknown"),
    [("days", "days", "days"), ("currency", "EUR", ""), ("currency/tonne-km", "EUR/tonne-km", ""), ("", "", "")],
)
def test_units_of_money_need_a_currency(unit: str, known: str, unknown: str) -> None:
    assert (say_unit(unit, "EUR"), say_unit(unit, None)) == (known, unknown)


def test_noise_is_called_no_clear_difference() -> None:
    assert said(SUMS, replace(SUMS, late=55))[0] == (
        "In B 5.5 % of shipments came two or more days late, in A 5.0 %: no clear difference, chance may explain it."
    )


def test_other_days_of_shipment_are_reported() -> None:
    assert said(SUMS, replace(SUMS, last=NEXT, shipments=1001))[-1] == (
        "A has shipments of 1 Nov 2026, B of 1–2 Nov 2026: compare shares and means rather than sums."
    )
    assert said(SUMS, Sums())[-1] == "B has no shipments."


def test_marts_that_only_one_has_are_named() -> None:
    found = replace(comparison(SUMS, SUMS), only_in_b=("early_arrivals",))
    assert [each.text for each in say_comparison(found)][-1] == "Only B has the mart early_arrivals."


@pytest.mark.parametrize(
    ("a", "b", "unit", "values", "change"),
    [
        (4, 1, "days", ("4", "1"), "−3 (−75.0 %)"),
        (0, 3, "", ("0", "3"), "+3"),
        (5.0, 25.25, "%", ("5.00", "25.25"), "+20.25 points"),
        (0.02, 0.0203, "", ("0.02000", "0.02030"), "+0.00030 (+1.5 %)"),
        (Decimal("1234567.25"), Decimal("2234567.75"), "", ("1,234,567", "2,234,568"), "+1,000,001 (+81.0 %)"),
        (None, 3.5, "", ("–", "3.50"), "differs"),
        (True, False, "", ("yes", "no"), "differs"),
        (1.5, 1.5, "", ("1.50", "1.50"), "none"),
    ],
)
def test_values_and_changes_have_the_digits_that_tell_them_apart(a, b, unit, values, change) -> None:
    found = difference(a, b)
    assert say_values(found) == values
    assert say_change(found, unit) == change


def test_a_share_that_chance_may_explain_says_so() -> None:
    assert say_change(difference(5.0, 5.5, significant=False), "%") == "+0.50 points (chance)"
    assert say_change(difference(None, 5.5), "%", only_in="b") == "only in B"


@pytest.mark.parametrize(("a", "b"), [(nan, 1.0), (1.0, nan), (inf, inf), (inf, 1.0), (Decimal("NaN"), Decimal(1))])
def test_what_is_not_finite_is_not_subtracted(a: float, b: float) -> None:
    found = difference(a, b)
    assert found.difference is None
    assert say_change(found) in ("differs", "–")
    assert len(say_values(found)) == 2
