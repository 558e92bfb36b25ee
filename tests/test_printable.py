"""Printable: characters that could control a terminal are escaped, everything else is unchanged."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.printable import printable, printable_json

ANY_TEXT = st.text(st.characters())  # with lone surrogates


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07\x1b[31mred", r"\x1b]0;title\x07\x1b[31mred"),
        ("\x9b31m and \x85", r"\x9b31m and \x85"),
        ("over\rwritten \x08\x7f\x00", r"over\rwritten \x08\x7f\x00"),
        ("\u202egpj.exe \u2066 \u200f", r"\u202egpj.exe \u2066 \u200f"),
        ("name\udcff", r"name\udcff"),
        ("two\u2028lines", r"two\u2028lines"),
        ("Zürich\t東京 − 10\u00a0kg 🚚\nnext line", "Zürich\t東京 − 10\u00a0kg 🚚\nnext line"),
    ],
)
def test_characters_that_control_a_terminal_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(ANY_TEXT)
def test_escaped_text_has_no_control_character_and_can_be_encoded(text: str) -> None:
    shown = printable(text)
    assert [each for each in shown if unicodedata.category(each) in ("Cc", "Cs") and each not in "\t\n"] == []
    shown.encode("utf-8")
    assert printable(shown) == shown


@given(st.recursive(ANY_TEXT | st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner)))
def test_json_reads_back_the_same_and_has_no_control_character(value: object) -> None:
    text = printable_json(value)
    assert json.loads(text) == value
    assert [each for each in text if unicodedata.category(each) in ("Cc", "Cs")] == []
    assert len(text.splitlines()) == 1
