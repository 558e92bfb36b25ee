"""Groups of options: a command sees one value, typer sees each option."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from shipment_etl.cli.option_groups import DateOptions, JobOptions, OutputOptions, expand_options
from shipment_etl.errors import InvalidDateRange, InvalidValue


@dataclass(frozen=True, slots=True)
class Weighing:
    unit: Annotated[str, typer.Option("--unit", envvar="TEST_UNIT", help="Unit of the weight.")] = "kg"
    exact: Annotated[bool, typer.Option("--exact")] = False


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()

    @app.command()
    @expand_options
    def weigh(
        *, amount: Annotated[int, typer.Argument()], scale: Weighing, note: str = "none", output: OutputOptions
    ) -> None:
        """Weigh a shipment."""
        typer.echo(f"{amount} {scale} {note} {output.as_json}")

    return app


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        (["7"], "7 Weighing(unit='kg', exact=False) none False"),
        (["7", "--unit", "lb", "--json"], "7 Weighing(unit='lb', exact=False) none True"),
        (["--exact", "7", "--note", "fragile"], "7 Weighing(unit='kg', exact=True) fragile False"),
    ],
)
def test_options_fill_their_group(app: typer.Typer, given: list[str], printed: str) -> None:
    assert CliRunner().invoke(app, given).stdout == printed + "\n"


def test_an_option_of_a_group_has_help_a_variable_and_usage_errors(app: typer.Typer) -> None:
    run = CliRunner()
    assert "Unit of the weight." in run.invoke(app, ["--help"]).stdout
    assert "unit='t'" in run.invoke(app, ["7"], env={"TEST_UNIT": "t"}).stdout
    assert run.invoke(app, ["7", "--units", "lb"]).exit_code == 2


def test_an_option_that_two_groups_have_is_refused() -> None:
    with pytest.raises(ValueError, match="duplicate parameter name: 'as_json'"):

        @expand_options
        def both(*, job: JobOptions, output: OutputOptions) -> None:
            """Take --json twice."""


@pytest.mark.parametrize(
    ("given", "dates"),
    [
        (DateOptions(), []),
        (DateOptions(date="2026-11-23"), ["2026-11-23"]),
        (DateOptions(first="2026-11-30", last="2026-12-01"), ["2026-11-30", "2026-12-01"]),
    ],
)
def test_dates_are_one_or_a_range(given: DateOptions, dates: list[str]) -> None:
    assert [day.isoformat() for day in given.days()] == dates


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (DateOptions(date="2026-11-23", last="2026-11-24"), "--date"),
        (DateOptions(first="2026-11-23"), "--to"),
        (DateOptions(last="2026-11-23"), "--from"),
        (DateOptions(date="23.11.2026"), "--date"),
    ],
)
def test_dates_that_cannot_be_combined_name_the_option(given: DateOptions, named: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{named} "):
        given.days()


def test_a_range_that_runs_backwards_is_refused() -> None:
    with pytest.raises(InvalidDateRange):
        DateOptions(first="2026-11-24", last="2026-11-23").days()
