"""Plugins: what they can add, what is refused, and how failures are reported."""

import logging
from collections.abc import Iterable, Iterator
from datetime import date
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl import Lake, Mart, RowRule, Scenario, hookimpl, report, run_generate, run_process
from shipment_etl.cli.rendering import print_run
from shipment_etl.errors import InvalidValue, NameClash, PluginError, UnknownEngine
from shipment_etl.generator.scenarios import SCENARIOS
from shipment_etl.hookspecs import GROUP
from shipment_etl.lake.runs import RunStart, newest_run
from shipment_etl.plugins import plugins
from shipment_etl.sessions import session
from shipment_etl.transform.marts import MARTS
from tests.installing import install

START = RunStart("1", "process", "shipments", date(2026, 11, 23), "2026-11-23T00:00:00Z", "./lake")


class Adding:
    def __init__(self, marts: Iterable[object] = (), rules: Iterable[object] = (), scenarios: Iterable[object] = ()) -> None:
        self.added = marts, rules, scenarios

    @hookimpl
    def marts(self) -> Iterable[object]:
        return self.added[0]

    @hookimpl
    def rules(self) -> Iterable[object]:
        return self.added[1]

    @hookimpl
    def scenarios(self) -> Iterable[object]:
        return self.added[2]


def mart(name: str) -> Mart:
    return Mart(name, {"carrier": "string"}, lambda days, network: days.select("carrier").distinct())


def rule(name: str) -> RowRule:
    return RowRule(name, "carrier", "of a carrier we do not use", lambda: F.col("carrier") != "USPS")


def test_built_ins_are_the_same_with_any_adapters_installed() -> None:
    plugged = plugins()
    assert plugged.marts() == tuple(MARTS.values())
    assert plugged.scenarios() == dict(SCENARIOS)
    assert plugged.rules() == ()
    assert "sail" in plugged.engines()
    assert [each.name for each in plugged.installed()] == sorted(each.name for each in entry_points(group=GROUP))


def test_additions_of_a_plugin_come_after_built_ins() -> None:
    added = Adding([mart("fines")], [rule("no_usps")], [Scenario("fog", "all a day late", {1: 1})])
    plugged = plugins([added])
    assert [each.name for each in plugged.marts()] == [*MARTS, "fines"]
    assert [each.name for each in plugged.rules()] == ["no_usps"]
    assert list(plugged.scenarios()) == [*SCENARIOS, "fog"]


@pytest.mark.parametrize(
    ("added", "told"),
    [
        (Adding([mart("cost_analysis")]), "adds 'cost_analysis' to marts, which shipment_etl has already added"),
        (Adding([mart("a"), mart("a")]), r"adds 'a' to marts, which Adding \(listener 1\) has already added"),
        (Adding(rules=[rule("delivered_after_shipped")]), "adds 'delivered_after_shipped' to rules, which shipment_etl"),
        (Adding(scenarios=[SCENARIOS["storm"]]), "adds 'storm' to scenarios, which shipment_etl"),
    ],
)
def test_a_name_that_is_taken_is_refused(added: Adding, told: str) -> None:
    plugged = plugins([added])
    with pytest.raises(NameClash, match=told):
        (plugged.marts(), plugged.rules(), plugged.scenarios())


@pytest.mark.parametrize(
    ("added", "told"),
    [
        (Adding(["fines"]), "its hook marts gave a str, not a Mart"),
        (Adding(None), "its hook marts failed with TypeError"),  # type: ignore[arg-type]
        (
            Adding(mart(name) for name in ("Upper",)),
            "its hook marts failed with InvalidValue: the name of a mart is",
        ),
    ],
)
def test_a_plugin_with_a_broken_hook_is_named(added: Adding, told: str) -> None:
    with pytest.raises(PluginError, match=rf"The plugin Adding \(listener 1\) cannot be used: {told}"):
        plugins([added]).marts()


def test_an_unknown_hook_is_refused() -> None:
    class Misspelt:
        @hookimpl
        def after_runs(self) -> None: ...

    with pytest.raises(PluginError, match=r"Misspelt .* unknown hook 'after_runs'.*before_run, before_stage"):
        plugins([Misspelt()])


def test_a_plugin_that_raises_at_import_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "crooked", "raise RuntimeError('no licence')")
    monkeypatch.syspath_prepend(tmp_path)
    told = r"The plugin crooked cannot be used: importing crooked failed with RuntimeError: no licence. Fix it, or uninst"
    with pytest.raises(PluginError, match=told):
        plugins()


def test_an_installed_plugin_is_listed_and_its_engine_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from shipment_etl import hookimpl\n\n@hookimpl\ndef engines():\n    return {'toy': lambda: 'a session'}\n"
    install(tmp_path, "toys", code)
    monkeypatch.syspath_prepend(tmp_path)
    (installed,) = [each for each in plugins().installed() if each.name == "toys"]
    assert (installed.name, installed.version, installed.hooks) == ("toys", "0.1", ("engines",))
    assert plugins().engines()["toy"]() == "a session"
    with pytest.raises(UnknownEngine, match=r"There is no engine 'toys'. Did you mean 'toy'\?"):
        session("toys")


def test_a_failing_listener_is_logged_and_the_others_are_called(caplog: pytest.LogCaptureFixture) -> None:
    heard = []

    class Broken:
        @hookimpl
        def before_run(self) -> None:
            raise ValueError("no disk")

    class Well:
        @hookimpl
        def before_run(self, start: RunStart) -> None:
            heard.append(start.job)

    with caplog.at_level(logging.ERROR, "shipment_etl"):
        plugins([Broken(), Well(), Broken()]).notify("before_run", start=START)
    assert heard == ["process"]
    assert "The plugin Broken (listener 1) failed in before_run; the run goes on." in caplog.text
    assert "no disk" in caplog.text


def test_implementations_are_called_in_the_order_of_pluggy() -> None:
    heard = []

    class Listener:
        def __init__(self, name: str) -> None:
            self.name = name

        @hookimpl
        def before_run(self) -> None:
            heard.append(self.name)

    class Eager(Listener):
        @hookimpl(tryfirst=True)
        def before_run(self) -> None:
            heard.append(self.name)

    class Patient(Listener):
        @hookimpl(trylast=True)
        def before_run(self) -> None:
            heard.append(self.name)

    plugins([Patient("last"), Listener("one"), Listener("two"), Eager("first")]).notify("before_run", start=START)
    assert heard == ["first", "one", "two", "last"]


def test_tryfirst_does_not_move_additions_before_built_ins() -> None:
    class Eager:
        @hookimpl(tryfirst=True)
        def marts(self) -> list[Mart]:
            return [mart("fines")]

    class Patient:
        @hookimpl(trylast=True)
        def marts(self) -> list[Mart]:
            return [mart("late_fees")]

    names = [each.name for each in plugins([Patient(), Adding([mart("tolls")]), Eager()]).marts()]
    assert names == [*MARTS, "fines", "tolls", "late_fees"]


@pytest.mark.parametrize("kind", ["wrapper", "hookwrapper"])
def test_a_wrapper_is_refused(kind: str) -> None:
    class Wrapping:
        @hookimpl(**{kind: True})
        def marts(self) -> Iterator[None]:
            yield

    with pytest.raises(PluginError, match=r"Wrapping \(listener 1\) cannot be used: its hook marts is a wrapper"):
        plugins([Wrapping()])


def test_jobs_use_the_marts_and_rules_of_plugins(spark: SparkSession, tmp_path: Path) -> None:
    lake, days = Lake(tmp_path / "lake"), (date(2026, 11, 23), date(2026, 11, 24))
    for day in days:
        run_generate(lake, date=day, rows=500, spark=spark)
    plain = run_process(lake, date=days[0], spark=spark)
    run = run_process(
        lake, date=days[1], max_rejected=1, spark=spark, listeners=[Adding([mart("users")], [rule("no_usps")])]
    )
    assert "processed/users" not in plain.tables
    assert run.tables["processed/users"].rows == 7, "the mart also has the first day, from before the plugin was installed"
    assert run.reasons["carrier:no_usps"] == run.counts.quarantined > 0
    assert "carrier:no_usps" in run.rules


def test_a_rule_that_warns_counts_rows_and_accepts_them(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = Lake(tmp_path / "lake")
    run_generate(lake, date=date(2026, 11, 23), rows=500, defects=0, spark=spark)
    warns = RowRule("no_usps", "carrier", "not USPS", lambda: F.col("carrier") != "USPS", severity="warn")
    run = run_process(lake, max_rejected=0, spark=spark, listeners=[Adding([], [warns])])
    shipments = lake.read(spark, "processed/shipments")
    assert run.warnings == {"carrier:no_usps": shipments.where(F.col("carrier") == "USPS").count()}
    assert run.warnings["carrier:no_usps"] > 0
    assert (run.counts.accepted, run.counts.quarantined, dict(run.reasons)) == (500, 0, {})
    assert "carrier:no_usps" in run.rules
    assert newest_run(lake) == run
    print_run(run)
    assert f"{run.warnings['carrier:no_usps']}  carrier:no_usps (warning, accepted)" in capsys.readouterr().out
    page = report(lake)
    assert f"{run.warnings['carrier:no_usps']} rows: <code>carrier:no_usps</code>" in page


def test_an_unknown_severity_is_refused() -> None:
    with pytest.raises(InvalidValue, match="severity is 'fatal', but must be one of error, warn"):
        RowRule("no_usps", "carrier", "not USPS", lambda: F.lit(True), severity="fatal")  # type: ignore[arg-type]
