"""errors: the tree in the docstring is the real one; every error survives pickling; no message grows with its values."""

import copy
import inspect
import json
import pickle
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipment_etl import errors
from shipment_etl.errors import ShipmentEtlError
from shipment_etl.errors.installing import install_command
from shipment_etl.errors.wording import MAX_MESSAGE, MAX_VALUE
from shipment_etl.printable import printable

HUGE = "x" * 100_000
MANY = [f"column_{number}" for number in range(1_000)]
MAX_MESSAGE_LENGTH = 1000
ADAPTERS = ("shipment_etl_airflow", "shipment_etl_emr", "shipment_etl_kestra")

PUBLIC = {name: value for name, value in vars(errors).items() if name in errors.__all__}
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}


def error_modules() -> Iterator[str]:
    """Find all modules named `errors` in the package and its adapters, including subpackages."""
    for package in ("shipment_etl", *ADAPTERS):
        root = Path(str(import_module(package).__file__)).parent
        for file in sorted(root.rglob("errors.py")):
            yield ".".join((package, *file.relative_to(root).with_suffix("").parts))


def below(error: type[ShipmentEtlError]) -> Iterator[type[ShipmentEtlError]]:
    yield error
    for each in error.__subclasses__():
        yield from below(each)


for module in error_modules():
    import_module(module)
EVERY = sorted(
    (each for each in below(ShipmentEtlError) if each.__module__.split(".")[0] in ("shipment_etl", *ADAPTERS)),
    key=lambda each: f"{each.__module__}.{each.__name__}",
)

TEXTS = st.text(st.characters(), max_size=30) | st.sampled_from([HUGE, "", "one\ntwo", "\x1b[31m", "\udcff.csv"])
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.just(10**5000) | st.just(MANY) | st.builds(object)
)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for values of an argument's type."""
    if hint is object:
        return VALUES
    if hint is str:
        return TEXTS
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Iterable, Collection):
        return st.lists(values_of(arguments[0]), max_size=20)
    if origin is Mapping:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=3)
    if inspect.isclass(hint) and issubclass(hint, ShipmentEtlError):
        return made(hint)
    return st.from_type(hint)


def made(error: type[ShipmentEtlError]) -> st.SearchStrategy[ShipmentEtlError]:
    """Return a strategy for errors of a class, with arguments of the types that its constructor declares."""
    hints = get_type_hints(error.__init__)
    names = [
        name
        for name, parameter in inspect.signature(error).parameters.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    return st.builds(error, **{name: values_of(hints[name]) for name in names})


def state_of(problem: ShipmentEtlError) -> tuple[Any, ...]:
    return (
        type(problem),
        problem.args,
        str(problem),
        problem.message,
        problem.remedy,
        problem.parts,
        problem.retryable,
        problem.exit_code,
        sorted(vars(problem)),
    )


def drawn() -> Iterator[tuple[str, str]]:
    """Read (class, parent) from the tree in the docstring."""
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^((?:[│ ] {3})*(?:[├└]── )?)([A-Z]\w+)(?:\s{2,}.*)?$", line)
        if match and (match[1] or match[2] == "ShipmentEtlError"):
            depth = len(match[1]) // 4
            path = [*path[:depth], match[2]]
            yield match[2], path[-2] if depth else "Exception"


DRAWN = list(drawn())


def test_the_tree_lists_every_error_once():
    assert sorted(name for name, _ in DRAWN) == sorted(CLASSES)


@pytest.mark.parametrize(("name", "parent"), DRAWN)
def test_every_error_has_the_parent_in_the_tree(name, parent):
    assert [base.__name__ for base in CLASSES[name].__bases__] == [parent]


def test_all_is_complete():
    assert sorted(CLASSES) == sorted(each.__name__ for each in EVERY if each.__module__ == errors.__name__)


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_has_an_exit_code_and_a_docstring(name):
    error = CLASSES[name]
    expected = 2 if issubclass(error, errors.UsageError) else 3 if issubclass(error, errors.DataRejected) else 1
    assert error.exit_code == (errors.TRY_AGAIN if error.retryable else expected)
    assert inspect.getdoc(error)
    assert inspect.getdoc(error).endswith(".")


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
def test_a_message_stays_short_with_any_values(error):
    assert len(str(error)) < MAX_MESSAGE_LENGTH


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errors.InvalidValue("rows", 0, "1 or more"), "rows is 0, but must be 1 or more."),
        (errors.UnknownEngine("sale", ["sail", "spark"]), "There is no engine 'sale'. Did you mean 'sail'?"),
        (errors.UnknownEngine("x", ["sail", "spark"]), "There is no engine 'x'. Available: sail, spark."),
        (errors.UnknownEngine("x", []), "There is no engine 'x'. Available: none."),
        (
            errors.UnknownColumn("carier", ["carrier", "cost"], "a.csv"),
            "a.csv has no column 'carier'. Did you mean 'carrier'? It has: carrier, cost.",
        ),
        (
            errors.MissingColumns("The contract", ["a", "b"], ["c"]),
            "The contract needs the columns a, b; the frame has c. Add them, or rename those that have another name.",
        ),
        (
            errors.EngineFailed("writing", ""),
            "The engine failed while writing: no reason given. Run again with --debug for the full traceback.",
        ),
        (
            errors.RowsLost(10, 5, 2, 1, 1),
            "read 10 ≠ accepted 5 + quarantined 2 + duplicates 1 + overtaken 1. The run is not recorded as succeeded. "
            "Run it again; if that fails too, report this with the lake's run log.",
        ),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else "",
)
def test_a_message_says_what_where_and_what_to_do(error, told):
    assert str(error) == told


def test_there_are_errors_of_every_package():
    assert {each.__module__.split(".")[0] for each in EVERY} == {"shipment_etl", *ADAPTERS}


@pytest.mark.parametrize("error", EVERY, ids=lambda error: f"{error.__module__}.{error.__name__}")
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_error_survives_pickling_and_copying(error, data):
    problem = data.draw(made(error))
    problem.__cause__ = OSError("only in this process")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert state_of(pickle.loads(pickle.dumps(problem, protocol))) == state_of(problem)
    for again in (copy.copy(problem), copy.deepcopy(problem), pickle.loads(pickle.dumps(problem))):
        assert state_of(again) == state_of(problem)
        assert again.__cause__ is None


@pytest.mark.parametrize("error", EVERY, ids=lambda error: f"{error.__module__}.{error.__name__}")
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_error_can_be_printed_and_is_bounded(error, data):
    problem = data.draw(made(error))
    assert str(problem) in {each.join(filter(None, (problem.message, problem.remedy))) for each in (" ", "\n")}
    assert len(str(problem)) <= 2 * MAX_MESSAGE + 1
    assert str(problem) == printable(str(problem))
    str(problem).encode()
    assert json.loads(json.dumps(problem.to_json(), allow_nan=False))["parts"] == dict(problem.parts)


def test_an_error_from_another_process_is_complete():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, pytest.raises(errors.RowsLost) as caught:
        pool.submit(fail_with, errors.RowsLost, (10, 5, 2, 1, 1)).result()
    assert state_of(caught.value) == state_of(errors.RowsLost(10, 5, 2, 1, 1))


def fail_with(error, arguments):
    raise error(*arguments)


def test_an_error_has_its_parts():
    problem = errors.BatchMissing("shipments", date(2026, 11, 23), {"2026-11-22": 1}.keys())
    assert problem.parts == {"source": "shipments", "date": "2026-11-23", "known": ["2026-11-22"]}
    assert problem.message == "raw/shipments has no batch of 2026-11-23. It has: 2026-11-22."
    assert problem.remedy == "Land it first, with generate or ingest."
    with pytest.raises(TypeError):
        problem.parts["source"] = "other"


def test_a_message_without_a_template_can_have_a_remedy():
    problem = errors.ConfigError("The lake is no text.", "Quote it.")
    assert (str(problem), problem.message, problem.remedy) == (
        "The lake is no text. Quote it.",
        "The lake is no text.",
        "Quote it.",
    )
    assert problem.parts == {}


@pytest.mark.parametrize(
    "text",
    [
        "sc://host:15002/;token=hunter2;use_ssl=true",
        "https://someone:hunter2@host/path",
        "https://hunter2@host/path",
        f"https://someone:{'hunter2' * 20}@host/path",
        "https://host/key?X-Amz-Credential=hunter2&X-Amz-Security-Token=hunter2&X-Amz-Signature=hunter2",
        "aws_secret_access_key=hunter2",
        "DB_PASSWORD=hunter2",
    ],
)
@pytest.mark.parametrize(
    "made_of", [lambda text: errors.EngineUnreachable(text, text), errors.ConfigError, errors.FileMissing]
)
def test_no_secret_is_in_an_error(made_of, text):
    problem = made_of(text)
    assert "***" in str(problem)
    assert "hunter2" not in f"{problem} {problem!r} {problem.to_json()}"
    assert b"hunter2" not in pickle.dumps(problem)


def test_only_long_values_are_shortened():
    assert errors.shorten("UPS") == "'UPS'"
    assert len(errors.shorten(HUGE)) == MAX_VALUE
    assert errors.shorten(HUGE).endswith("…")


def test_a_list_names_the_first_and_counts_the_others():
    assert errors.join_names(["a", "b"]) == "a, b"
    assert errors.join_names(MANY[:12]) == ", ".join(MANY[:12])
    assert errors.join_names(MANY[:14]).endswith("column_11 and 2 more")


def test_the_command_that_installs_an_extra_names_its_dependencies() -> None:
    assert install_command("s3", "boto3") == "pip install 'boto3>=1.40'"
    assert install_command("none", "thing") == "pip install thing"
    assert install_command("s3", "boto3", of="not-installed") == "pip install boto3"
