"""Currencies: how amounts name theirs, and what one is worth in another on a day."""

import re
from collections.abc import Iterable, Mapping

from shipment_etl.ingest.names import tidy

__all__ = ["CODE", "CURRENCY_NAMES", "SIGNS", "codes_among"]

CODE = re.compile("[A-Z]{3}")
"""A currency. Source: the form of ISO 4217."""

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
"""Currency → the signs that may stand at its amounts, beside its code."""

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
"""Names of columns that say in which currency an amount is."""


def codes_among(values: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Return the currencies that columns hold, by name; those whose values are no codes are left out."""
    found = {name: {tidy(each).upper() for each in every} - {""} for name, every in values.items()}
    return {name: codes for name, codes in found.items() if codes and all(CODE.fullmatch(each) for each in codes)}
