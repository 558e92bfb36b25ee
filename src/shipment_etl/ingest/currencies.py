"""Currencies: signs and codes in amounts, and names of columns with currencies."""

import re
from collections.abc import Iterable, Mapping

from shipment_etl.ingest.names import tidy

__all__ = ["CODE", "CURRENCY_NAMES", "SIGNS", "currency_names", "find_codes"]

CODE = re.compile("[A-Z]{3}")
"""A currency code. Source: the form of ISO 4217."""

SIGNS: Mapping[str, tuple[str, ...]] = {
    "EUR": ("€",),
    "USD": ("$", "US$"),
    "GBP": ("£",),
    "JPY": ("¥", "円"),
    "CNY": ("¥", "元", "RMB"),
    "INR": ("₹", "Rs", "Rs."),
    "KRW": ("₩",),
    "BRL": ("R$",),
    "CHF": ("Fr.", "SFr.", "Fr"),
    "PLN": ("zł",),
    "CZK": ("Kč",),
    "SEK": ("kr",),
    "NOK": ("kr",),
    "DKK": ("kr", "kr."),
    "CAD": ("$", "C$", "CA$"),
    "AUD": ("$", "A$", "AU$"),
    "TRY": ("₺",),
    "UAH": ("₴",),
    "ILS": ("₪",),
    "MXN": ("$", "MX$"),
}
"""Currency → signs that its amounts may have, in addition to its code."""

CURRENCY_NAMES = (
    *("currency", "Currency", "CURRENCY", "curr", "Curr", "CURR", "cur", "Cur", "CUR", "ccy", "Ccy", "CCY"),
    *(
        "currency_code",
        "CurrencyCode",
        "Currency Code",
        "currencyCode",
        "Währung",
        "WAERS",
        "Devise",
        "devise",
        "Moneda",
        "moneda",
    ),
    *("Valuta", "valuta", "Moeda", "moeda", "Waluta", "waluta"),
)
"""Names of columns with the currency of an amount."""


def currency_names(amounts: Iterable[str]) -> set[str]:
    """Return the names that a column with the currency of an amount may have: in nested records, beside it or above."""
    paths = set[str]()
    for amount in amounts:
        parts = amount.split(".")
        paths |= {"".join(f"{each}." for each in parts[:place]) for place in range(len(parts))}
    return {path + name for path in paths for name in CURRENCY_NAMES}


def find_codes(values: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Return the currency codes in each column, by name; columns with other values are left out."""
    found = {name: {tidy(each).upper() for each in every} - {""} for name, every in values.items()}
    return {name: codes for name, codes in found.items() if codes and all(CODE.fullmatch(each) for each in codes)}
