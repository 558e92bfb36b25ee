"""errors: the tree that is drawn is the tree that is there, and no message grows with what a user gave."""

import inspect
import re
from collections.abc import Iterator

import pytest

from shipment_etl import errors

HUGE = "x" * 100_000
MANY = [f"column_{number}" for number in range(10_000)]
LONGEST_MESSAGE = 1000

PUBLIC = {
    name: value
    for name, value in vars(errors).items()
    if not name.startswith("_") and getattr(value, "__module__", None) == errors.__name__
}
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}


def drawn() -> Iterator[tuple[str, str]]:
    """Read (class, parent) off the drawing."""
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^((?:[│ ] {3})*(?:[├└]── )?)([A-Z]\w+)(?:\s{2,}.*)?$", line)
        if match and (match[1] or match[2] == "ShipmentEtlError"):
            depth = len(match[1]) // 4
            path = [*path[:depth], match[2]]
            yield match[2], path[-2] if depth else "Exception"


DRAWN = list(drawn())


def test_the_drawing_has_every_error_once():
    assert sorted(name for name, _ in DRAWN) == sorted(CLASSES)


@pytest.mark.parametrize(("name", "parent"), DRAWN)
def test_every_error_has_the_parent_that_is_drawn(name, parent):
    assert [base.__name__ for base in CLASSES[name].__bases__] == [parent]


def test_all_is_sorted_and_complete():
    assert errors.__all__ == sorted(PUBLIC)


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_says_what_it_means_and_how_to_exit(name):
    error = CLASSES[name]
    expected = 2 if issubclass(error, errors.UsageError) else 3 if issubclass(error, errors.DataRejected) else 1
    assert error.exit_code == (errors.TRY_AGAIN if error.retryable else expected)
    assert error.__doc__
    assert error.__doc__.endswith(".")


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidValue("rows", HUGE, "less"),
        errors.UnknownEngine(HUGE, MANY),
        errors.MissingColumns("The contract", MANY, MANY),
        errors.UnsupportedCheck(HUGE, "carrier", ("isin",)),
        errors.UnknownColumn(HUGE, MANY, "shipments.csv"),
        errors.TableMissing(HUGE, "lake", MANY),
        errors.BatchMissing("shipments", "2026-11-23", MANY),
        errors.EngineFailed("writing", f"{HUGE}\n{HUGE}"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_message_stays_short_whatever_was_given(error):
    assert len(str(error)) < LONGEST_MESSAGE


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errors.InvalidValue("rows", 0, "1 or more"), "rows is 0, but must be 1 or more."),
        (errors.UnknownEngine("sale", ["sail", "spark"]), "There is no engine 'sale'. Did you mean 'sail'?"),
        (errors.UnknownEngine("x", ["sail", "spark"]), "There is no engine 'x'. There is: sail, spark."),
        (errors.UnknownEngine("x", []), "There is no engine 'x'. There is: none."),
        (
            errors.UnknownColumn("carier", ["carrier", "cost"], "a.csv"),
            "a.csv has no column 'carier'. Did you mean 'carrier'? It has: carrier, cost.",
        ),
        (
            errors.MissingColumns("The contract", ["a", "b"], ["c"]),
            "The contract needs the columns a, b; the frame has c.",
        ),
        (
            errors.EngineFailed("writing", ""),
            "The engine failed while writing: no reason given. Run again with --debug for the whole story.",
        ),
        (
            errors.RowsLost(10, 5, 2, 1),
            "read 10 ≠ accepted 5 + quarantined 2 + duplicates 1. The run is not recorded as succeeded; "
            "run it again, and report this with the lake's run log if it persists.",
        ),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else "",
)
def test_a_message_says_what_where_and_what_to_do(error, told):
    assert str(error) == told


def test_a_value_is_shortened_only_where_it_is_long():
    assert errors.shorten("UPS") == "'UPS'"
    assert len(errors.shorten(HUGE)) == errors.LONGEST_VALUE
    assert errors.shorten(HUGE).endswith("…")


def test_a_list_names_the_first_and_counts_the_others():
    assert errors.listed(["a", "b"]) == "a, b"
    assert errors.listed(MANY[:12]) == ", ".join(MANY[:12])
    assert errors.listed(MANY[:14]).endswith("column_11 and 2 more")
