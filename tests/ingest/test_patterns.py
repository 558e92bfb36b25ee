"""Patterns: what they accept is compared with Python's datetime, decimal and re; what they refuse is explained."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.ingest.dates import DatePattern, date_pattern
from shipment_etl.ingest.patterns import number_regex, portable_regex

SAME = {
    "yyyy-MM-dd": "%Y-%m-%d",
    "dd.MM.yyyy": "%d.%m.%Y",
    "dd-MMM-yy": "%d-%b-%y",
    "MMM dd, yyyy": "%b %d, %Y",
    "yyyyMMdd": "%Y%m%d",
    "yyyy-MM-dd'T'HH:mm:ss": "%Y-%m-%dT23:59:07",
    "'20'MM-dd-yy": "20%m-%d-%y",
    "dd/MM/yy 'at [noon].'": "%d/%m/%y at [noon].",
}
"""Pattern → the same in Python's format codes."""


def split_date(pattern: DatePattern, text: str) -> tuple[str, str, str] | None:
    found = re.fullmatch(pattern.regex, text)
    if found is None:
        return None
    year, month, day = (found[pattern.groups[part]] for part in ("year", "month", "day"))
    return f"20{year}" if pattern.two_digit_year else year, month, day


@given(st.sampled_from(sorted(SAME)), st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_date_pattern_reads_dates_written_by_strftime(text: str, day: date) -> None:
    pattern = date_pattern(text)
    month = f"{day:%b}" if pattern.month_by_name else f"{day:%m}"
    assert split_date(pattern, day.strftime(SAME[text])) == (f"{day:%Y}", month, f"{day:%d}")


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("M/d/yy", "8/27/14", True),
        ("M/d/yy", "08/07/14", True),
        ("M/d/yy", "8/27/2014", False),
        ("M/d/yy", "8/27/14 ", False),
        ("yyyy-MM-dd", "2014-8-27", False),
        ("yyyy-MM-dd", "0014-08-27", False),
        ("yyyy-MM-dd", "٢٠١٤-٠٨-٢٧", False),
        ("dd-MMM-yy", "02-JUN-06", True),
        ("dd-MMM-yy", "02-June-06", False),
        ("dd-MMM-yy", "02-Mai-06", False),
        ("dd.MM.yyyy", "02x06x2006", False),
        ("dd.MM.yyyy HH:mm", "02.06.2006 24:00", False),
    ],
)
def test_a_date_pattern_matches_exactly(pattern: str, text: str, matches: bool) -> None:
    assert bool(re.search(date_pattern(pattern).regex, text)) is matches


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("dd.MM", "it names no year"),
        ("yyyy-MM", "it names no day"),
        ("yyyy-MM-dd-MM", "it names the month twice"),
        ("yyyy-MMMMM-dd", "'MMMMM' is not supported; use yyyy or yy, MMM"),
        ("YYYY-MM-dd", "'YYYY' is not supported"),
        ("yyyyMd", "'yyyyM' can be read in several ways"),
        ("yyyy|MM|dd", "'|' is not a separator"),
        ("yyyy-MM-dd'T", '"\'" is not a separator'),
        ("", "it names no year"),
    ],
)
def test_an_invalid_date_pattern_is_explained(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        date_pattern(pattern)


@pytest.mark.parametrize(
    ("decimal", "thousands", "whole", "good", "bad"),
    [
        (
            ".",
            "",
            False,
            ["1", "+1.", "-.5", "007", "1.50", "1e3"],
            ["", ".", "1,5", "1e", "NaN", "1 000", "--1", "0x1F", "٣"],
        ),
        (",", ".", False, ["1.234,5", "1234,5", "12.345.678"], ["1.23", "1,5.000", "1.2345", "1234.567", ".123"]),
        (".", " ", False, ["1 234.5"], ["1  234", "12 34"]),
        (".", "", True, ["5", "-5", "5.0", "5.", "+0"], ["5.5", "5.05", ".0", ""]),
    ],
)
def test_numbers_have_groups_of_three_or_none(
    decimal: str, thousands: str, whole: bool, good: list[str], bad: list[str]
) -> None:
    regex = number_regex(decimal, thousands, whole=whole)
    assert [text for text in good if not re.search(regex, text)] == []
    assert [text for text in bad if re.search(regex, text)] == []


@pytest.mark.parametrize("text", ["^See (ASN|DN)-", "n/a|none", r"^\(.*\)$", "[A-Za-z_]+[0-9]{2,}", "ü*x?", r"a\.b", "x{3}"])
def test_a_portable_regex_means_what_it_says(text: str) -> None:
    samples = ["See DN-1", "None", "none", "(a)", "ab_12", "üüx", "a.b", "axb", "xxx", "xx"]
    assert [bool(re.search(portable_regex(text), each)) for each in samples] == [
        bool(re.search(text, each)) for each in samples
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"\d+", r"'\\\\d\+' is not supported"),
        ("(?i)see", r"'\(\?i\)see' is not supported"),
        ("(?=x)", "is not supported"),
        (r"(a)\1", "is not supported"),
        ("a++", "is not supported"),
        ("a*?", "is not supported"),
        ("[[:alpha:]]", "is not supported"),
        ("[a&&b]", "is not supported"),
        ("[^a", "is not supported"),
        ("a{", "is not supported"),
        ("(a", "it is not a regular expression"),
        ("*a", "it is not a regular expression"),
        ("[z-a]", "it is not a regular expression"),
    ],
)
def test_a_regex_that_engines_read_differently_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        portable_regex(text)


def test_a_dot_matches_the_same_characters_on_every_engine() -> None:
    assert not re.search(portable_regex("^a.b$"), "a\u2028b")
    assert re.search(portable_regex(r"^a\.b$"), "a.b")
