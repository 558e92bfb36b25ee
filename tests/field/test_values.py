"""Values as people write them: many in one file, each with the expected result.

| kind | inputs |
| --- | --- |
| dates with a day, by pattern | 39 |
| invalid dates | 17 |
| numbers, by style | 34 |
| costs with signs of currencies | 12 |
| names | 16 |
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.field.landing import HEADER, land_files, line, mapping

DAY = date(2026, 11, 2)
BERLIN = 'timezone = "Europe/Berlin"'


def file_of(column: str, values: list[str]) -> str:
    """Return a file with a row for each value of a column, in quotes."""
    quoted = ['"' + value.replace('"', '""') + '"' for value in values]
    return "\n".join([HEADER, *(line(number, **{column: value}) for number, value in enumerate(quoted, 1)), ""])


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        (
            '["iso"]',
            {
                "2026-11-02": DAY,
                "20261102": DAY,
                "2026-11-02T00:00": DAY,
                "2026-11-02 23:59": DAY,
                "2026-11-02T23:59:59": DAY,
                "2026-11-02 08:30:01.1": DAY,
                "2026-11-02T08:30:01,123456789": DAY,
                "2026-02-29": None,
                "2028-02-29": date(2028, 2, 29),
                "2026-11-02T24:01": None,
                "2026-11-02T08:30:61": None,
                "2026-11-02T08:30:01Z": None,
                "02/11/2026": None,
                "2026-11-2": None,
            },
        ),
        (
            f'["iso"], {BERLIN}',
            {
                "2026-11-02": DAY,
                "2026-11-01T23:00:00Z": DAY,
                "2026-11-01T22:59:59Z": date(2026, 11, 1),
                "2026-11-02T22:59:59.999Z": DAY,
                "2026-11-02T23:00:00+00:00": date(2026, 11, 3),
                "2026-11-01T18:00:00-05:00": DAY,
                "2026-11-02T05:29+05:30": DAY,
                # In summer Berlin is two hours ahead.
                "2026-07-01T22:00:00Z": date(2026, 7, 2),
                "2026-07-01T21:59:59Z": date(2026, 7, 1),
            },
        ),
        (
            '["d.M.yyyy", "d.M.yy"]',
            {"2.11.2026": DAY, "02.11.2026": DAY, "2.11.26": DAY, "31.11.2026": None, "2.13.2026": None, "2.11.026": None},
        ),
        (
            '["M/d/yyyy", "M/d/yy h:mm a"]',
            {
                "11/2/2026": DAY,
                "11/02/2026": DAY,
                "11/2/26 12:00 AM": DAY,
                "11/2/26 12:59 pm": DAY,
                "11/2/26 1:05 p.m.": DAY,
                "13/2/2026": None,
                "11/2/26 13:05 PM": None,
                "11/2/26 0:05 AM": None,
            },
        ),
        (
            '["d MMM yyyy", "dd-MMM-yy", "EEEE, d MMMM yyyy"]',
            {
                "2 Nov 2026": DAY,
                "02-NOV-26": DAY,
                "Monday, 2 November 2026": DAY,
                "2 Sept 2026": date(2026, 9, 2),
                "2 sep 2026": date(2026, 9, 2),
                "2 Novem 2026": None,
                "31 Apr 2026": None,
            },
        ),
        (
            '["MMM  d, yyyy", "d\u00a0MMM\u202fyyyy"]',
            {"Nov  2, 2026": DAY, "Nov 2, 2026": DAY, "2\u00a0Nov\u202f2026": DAY, "2 Nov 2026": DAY, "2Nov2026": None},
        ),
        (
            '["excel"]',
            {
                "46328": DAY,
                "46328.999": DAY,
                "46328.0": DAY,
                "60": date(1900, 2, 28),
                "1": date(1899, 12, 31),
                "4.6e4": None,
            },
        ),
        (
            '["unix", "unix_ms"], timezone = "UTC"',
            {"1793577600": DAY, "1793663999.9": DAY, "1793577600000": DAY, "0": date(1970, 1, 1), "-1": None, "x": None},
        ),
    ],
)
def test_a_date_is_read_or_has_a_reason(
    spark: SparkSession, tmp_path: Path, declared: str, values: dict[str, date | None]
) -> None:
    using = mapping(shipment_date=f'column = "Out", dates = {declared}')
    outcome = land_files(spark, tmp_path, {"f.csv": file_of("Out", list(values))}, using)
    assert dict(zip(values, outcome.of("shipment_date"), strict=True)) == values
    assert outcome.rules == [[] if value else ["date"] for value in values.values()]


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        (
            "",
            {
                "0": "0.00",
                "12": "12.00",
                "+12.5": "12.50",
                "-0.005": "-0.01",
                ".5": "0.50",
                "5.": "5.00",
                "0012": "12.00",
                "1e3": "1000.00",
                "1.5E-1": "0.15",
                "999999999999.99": "999999999999.99",
                "1000000000000": None,
                "1,234.50": None,
                "1 234": None,
                "12,5": None,
                "١٢": None,
                "0x10": None,
                "Infinity": None,
                "--1": None,
            },
        ),
        (
            ', thousands = ","',
            {
                "1,234.50": "1234.50",
                "1,234,567": "1234567.00",
                "1234.5": "1234.50",
                "12,34": None,
                "1,2345": None,
                "1,5": None,
            },
        ),
        (
            ', decimal = ",", thousands = "."',
            {"1.234,50": "1234.50", "1.234": "1234.00", "0,5": "0.50", "1.5": None, "1,234,5": None},
        ),
        (
            ', decimal = ",", thousands = " "',
            {"1 234,50": "1234.50", "1\u00a0234,50": "1234.50", "1\u202f234,50": "1234.50", "12 34": None},
        ),
        *(
            (f', decimal = ",", thousands = "{space}"', {f"1{other}234,50": "1234.50" for other in " \u00a0\u202f"})
            for space in "\u00a0\u202f"
        ),
        (', thousands = "\'"', {"1'234.50": "1234.50"}),
    ],
)
def test_a_number_is_read_or_has_a_reason(
    spark: SparkSession, tmp_path: Path, declared: str, values: dict[str, str | None]
) -> None:
    using = mapping(shipping_cost=f'column = "Cost"{declared}')
    outcome = land_files(spark, tmp_path, {"f.csv": file_of("Cost", list(values))}, using)
    found = dict(zip(values, outcome.of("shipping_cost"), strict=True))
    assert found == {text: None if value is None else Decimal(value) for text, value in values.items()}
    assert outcome.rules == [["number"] if value is None else [] for value in values.values()]


@pytest.mark.parametrize(
    ("currency", "values"),
    [
        ("EUR", {"€ 12.50": "12.50", "12.50€": "12.50", "12.50 EUR": "12.50", "$12.50": None, "12.50 USD": None}),
        ("USD", {"$12.50": "12.50", "US$ 12.50": "12.50", "-$12.50": "-12.50", "€12.50": None}),
        ("CHF", {"CHF 12.50": "12.50", "Fr. 12.50": "12.50", "12.50 kr": None}),
    ],
)
def test_an_amount_has_the_sign_of_its_currency_or_has_a_reason(
    spark: SparkSession, tmp_path: Path, currency: str, values: dict[str, str | None]
) -> None:
    using = mapping(shipping_cost=f'column = "Cost", currency = "{currency}"')
    outcome = land_files(spark, tmp_path, {"f.csv": file_of("Cost", list(values))}, using)
    found = dict(zip(values, outcome.of("shipping_cost"), strict=True))
    assert found == {text: None if value is None else Decimal(value) for text, value in values.items()}


def test_names_are_compared_as_people_see_them(spark: SparkSession, tmp_path: Path) -> None:
    values = {
        "Riga": "Riga",
        " Riga\t": "Riga",
        "Ri\u00adga": "Riga",
        "\ufeffRiga": "Riga",
        "\u200eRiga\u200f": "Riga",
        "Bad  Aibling": "Bad Aibling",
        "Bad\u00a0Aibling": "Bad Aibling",
        "Bad\u3000Aibling": "Bad Aibling",
        "Bad\nAibling": "Bad Aibling",
        "Mu\u0308nchen": "München",
        "A\u030arhus": "Århus",
        "\ud55c\uad6d": "한국",
        "O'Hare": "O'Hare",
        '"Riga"': '"Riga"',
        "\u200b": None,
        "\u00a0 ": None,
    }
    outcome = land_files(spark, tmp_path, {"f.csv": file_of("From", list(values))}, mapping())
    assert dict(zip(values, outcome.of("origin_warehouse"), strict=True)) == values
