"""Dates and numbers: a pattern that matches all values is found, and ambiguous values are never guessed."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipment_etl.ingest.dates import date_pattern
from shipment_etl.ingest.mapping import Numbers
from shipment_etl.mapping_draft.date_fit import fit_dates, read_day
from shipment_etl.mapping_draft.number_fit import decimal_of, fit_numbers

QUICK = settings(max_examples=60, deadline=None)
DAYS = st.dates(date(1995, 1, 1), date(2026, 12, 31))
FORMS = {
    "%Y-%m-%d": "yyyy-MM-dd",
    "%d.%m.%Y": "dd.MM.yyyy",
    "%m/%d/%Y": "MM/dd/yyyy",
    "%d/%m/%Y": "dd/MM/yyyy",
    "%Y%m%d": "yyyyMMdd",
    "%d-%b-%Y": "d-MMM-yyyy",
    "%B %d, %Y": "MMMM d, yyyy",
    "%Y-%m-%d %H:%M:%S": "yyyy-MM-dd HH:mm:ss",
    "%m/%d/%Y %I:%M %p": "MM/dd/yyyy h:mm a",
}


@QUICK
@given(st.lists(DAYS, min_size=1, max_size=20), st.sampled_from(sorted(FORMS)))
def test_the_chosen_patterns_read_the_written_days(days: list[date], form: str) -> None:
    texts = [each.strftime(form) for each in days]
    fit = fit_dates(texts)
    assert fit is not None
    if fit.patterns:
        read = [next(day for one in fit.patterns if (day := read_day(text, date_pattern(one)))) for text in texts]
        assert read == days
        assert (fit.unread, fit.alternatives) == ((), ())
    else:
        assert FORMS[form] in fit.alternatives or len(fit.alternatives) > 1


@QUICK
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=20))
def test_days_and_months_up_to_twelve_are_ambiguous_unless_they_are_equal(pairs: list[tuple[int, int]]) -> None:
    fit = fit_dates([f"{first:02}/{second:02}/2025" for first, second in pairs])
    assert fit is not None
    assert bool(fit.alternatives) == any(first != second for first, second in pairs)
    assert bool(fit.patterns) != bool(fit.alternatives)


@pytest.mark.parametrize(
    ("texts", "patterns", "zone"),
    [
        (["1762041600"], ("unix",), "UTC"),
        (["1762041600000"], ("unix_ms",), "UTC"),
        (["46000", "45990"], ("excel",), None),
        (["2025-11-02T10:00:00+01:00"], ("yyyy-MM-dd'T'HH:mm:ssXXX",), "written"),
        (["2025-11-02", "11/25/25"], ("yyyy-MM-dd", "M/d/yy"), None),
        (["12/25/2025", "11/30/2025"], ("M/d/yyyy",), None),
        (["Mon, 3 Nov 2025"], ("EEE, d MMM yyyy",), None),
    ],
)
def test_dates_of_many_kinds_are_found(texts: list[str], patterns: tuple[str, ...], zone: str | None) -> None:
    fit = fit_dates(texts)
    assert fit is not None
    assert (fit.patterns, fit.timezone) == (patterns, zone)


@pytest.mark.parametrize("texts", [[], ["UPS", "DHL"], ["12.50"], ["3. März 2025"], ["31.02.2025"], ["4711", "S12"]])
def test_values_that_are_not_dates_have_no_fit(texts: list[str]) -> None:
    assert fit_dates(texts) is None


def test_words_among_dates_are_reported() -> None:
    fit = fit_dates(["2025-11-02", "2025-11-03", "not yet"])
    assert fit is not None
    assert fit.unread == ("not yet",)


STYLES = [Numbers(".", ","), Numbers(",", "."), Numbers(".", ""), Numbers(",", ""), Numbers(",", " "), Numbers(".", "'")]


@QUICK
@given(st.lists(st.decimals(0, 9_999_999, places=2), min_size=1, max_size=20), st.sampled_from(STYLES))
def test_the_style_of_a_column_reads_the_written_numbers(numbers: list[Decimal], style: Numbers) -> None:
    texts = [f"{each:,}".translate(str.maketrans({",": style.thousands, ".": style.decimal})) for each in numbers]
    fit = fit_numbers(texts)
    assert fit is not None
    assert fit.alternatives == ()
    assert style in fit.styles
    assert (fit.lowest, fit.highest) == (min(numbers), max(numbers))


@QUICK
@given(st.lists(st.integers(1_000, 999_999), min_size=1, max_size=20), st.sampled_from(".,"))
def test_groups_of_three_digits_are_always_ambiguous(numbers: list[int], sign: str) -> None:
    fit = fit_numbers([f"{each:,}".replace(",", sign) for each in numbers])
    assert fit is not None
    assert fit.styles == ()
    assert len(fit.alternatives) == 2
    assert decimal_of([fit]) == {}


@pytest.mark.parametrize(
    ("text", "units", "currencies", "accounting"),
    [
        ("12.5 kg", {"kg": 1}, {}, False),
        ("12 lbs", {"lb": 1}, {}, False),
        ("€12.50", {}, {"€": 1}, False),
        ("12,50 EUR", {}, {"EUR": 1}, False),
        ("(25.00)", {}, {}, True),
        ("25.00-", {}, {}, True),
    ],
)
def test_units_currencies_and_accounting_signs_are_found(
    text: str, units: dict[str, int], currencies: dict[str, int], accounting: bool
) -> None:
    fit = fit_numbers([text])
    assert fit is not None
    assert (dict(fit.units), dict(fit.currencies), fit.is_accounting) == (units, currencies, accounting)


@pytest.mark.parametrize("texts", [["A12"], ["12 apples"], ["UPS"], ["2025-11-02"], ["1.2.3"]])
def test_values_that_are_not_numbers_have_no_fit(texts: list[str]) -> None:
    assert fit_numbers(texts) is None
