"""Deployment, as a user runs it, to a stand-in for Kestra's API that rejects what Kestra's own models reject."""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.errors import InvalidValue
from shipment_etl_kestra.deploy import Change, change_of, deploy
from shipment_etl_kestra.errors import (
    AccountUnset,
    FlowRejected,
    KestraFailed,
    KestraUnreachable,
    NotKestra,
    PasswordUnreadable,
)
from shipment_etl_kestra.service import Kestra
from shipment_etl_kestra.shipped import Flow, shipped_flows
from tests.command_line import run

from .stand_in import ACCOUNT, PASSWORD, USERNAME, State, kestra

TEXT = "id: {}\nnamespace: shipments\ntasks:\n  - {{id: say, type: io.kestra.plugin.core.log.Log, message: hello}}\n"
WITHOUT_TASKS = "id: bad\nnamespace: shipments\n"
FLOWS = tuple(Flow.of(f"{name}.yaml", TEXT.format(name)) for name in ("a", "b"))


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def url(state: State) -> Iterator[str]:
    with kestra(state) as address:
        yield address


def deploy_to(url: str, *flows: Flow, dry: bool = False) -> dict[str, str]:
    done = deploy(Kestra(url, ACCOUNT), "shipments", flows or FLOWS, dry=dry)
    return {each.name: each.change.value for each in done}


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run("kestra", "deploy", *arguments, code=None, environment={"PATH": "", "NO_COLOR": "1", **environment})


def test_flows_are_created_and_then_left_alone(state: State, url: str) -> None:
    assert deploy_to(url) == {"shipments": "unchanged", "shipments.a": "created", "shipments.b": "created"}
    assert set(deploy_to(url).values()) == {"unchanged"}
    assert state.writes == ["shipments.a", "shipments.b"]


def test_only_what_differs_is_updated(state: State, url: str) -> None:
    deploy_to(url)
    other = Flow.of("a.yaml", TEXT.format("a").replace("hello", "good day"))
    assert deploy_to(url, other, FLOWS[1]) == {
        "shipments": "unchanged",
        "shipments.a": "updated",
        "shipments.b": "unchanged",
    }
    assert state.flows["shipments", "a"] == (other.source.strip(), 2)
    assert state.flows["shipments", "b"][1] == 1


def test_other_flows_are_not_touched(state: State, url: str) -> None:
    state.flows["shipments", "of_others"] = ("id: of_others", 3)
    deploy_to(url)
    assert state.flows["shipments", "of_others"] == ("id: of_others", 3)


def test_a_missing_namespace_is_created(state: State, url: str) -> None:
    state.namespaces = set()
    assert deploy_to(url)["shipments"] == "created"
    assert deploy_to(url)["shipments"] == "unchanged"
    assert state.writes[0] == "shipments"


def test_a_dry_run_reports_the_same_and_writes_nothing(state: State, url: str) -> None:
    state.namespaces = set()
    reported = deploy_to(url, dry=True)
    assert state.writes == []
    assert deploy_to(url) == reported


def test_nothing_is_written_when_one_flow_would_be_rejected(state: State, url: str) -> None:
    with pytest.raises(FlowRejected, match=r"shipments\.bad.*tasks: Field required.*Nothing was changed"):
        deploy_to(url, FLOWS[0], Flow.of("bad.yaml", WITHOUT_TASKS))
    assert state.writes == []


def test_a_dry_run_finds_a_flow_that_would_be_rejected(url: str) -> None:
    with pytest.raises(FlowRejected):
        deploy_to(url, Flow.of("bad.yaml", WITHOUT_TASKS), dry=True)


def test_a_late_rejection_lists_the_flows_written_before_it(state: State, url: str) -> None:
    done = deploy(Kestra(url, ACCOUNT), "shipments", FLOWS)
    assert [next(done).name for _ in range(2)] == ["shipments", "shipments.a"]
    state.refuses_to_write = "the plugin is gone"
    with pytest.raises(FlowRejected, match=r"the plugin is gone Deployed before it: shipments\.a"):
        next(done)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("tasks: []\n", "tasks: List should have at least 1 item"),
        ("tasks:\n  - {id: say}\n", "tasks.0.type: Field required"),
        ("tasks: later\n", "tasks: Input should be a valid list"),
        ("disabled: often\ntasks:\n  - {id: say, type: a.B}\n", "disabled"),
    ],
)
def test_what_kestras_models_reject_is_rejected(wrong: str, why: str, url: str, state: State) -> None:
    with pytest.raises(FlowRejected, match=why.replace(".", r"\.")):
        deploy_to(url, Flow.of("bad.yaml", f"id: bad\nnamespace: shipments\n{wrong}"))
    assert state.writes == []


@given(st.text(), st.sampled_from(["", "\n", "  \n"]))
def test_a_text_that_kestra_trimmed_is_unchanged(text: str, end: str) -> None:
    assert change_of(Flow("n", "a", text), (text + end).strip()) is Change.unchanged
    assert change_of(Flow("n", "a", text), None) is Change.created


@given(st.text(), st.text())
def test_another_text_is_an_update(one: str, other: str) -> None:
    same = one.strip() == other.strip()
    assert change_of(Flow("n", "a", one), other) is (Change.unchanged if same else Change.updated)


def test_the_shipped_flows_are_deployed_by_the_command(state: State, url: str) -> None:
    names = [str(flow) for flow in shipped_flows("shipments.test")]
    for change in ("created", "unchanged"):
        done = command("--url", url, "--namespace", "shipments.test", **ACCOUNT)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[1:] == [f"flow {name}: {change}" for name in names]
    assert [".".join(key) for key in state.flows] == names


@pytest.mark.parametrize("missing", ACCOUNT)
def test_a_missing_account_variable_is_named(missing: str, url: str, state: State) -> None:
    done = command("--url", url, **{name: value for name, value in ACCOUNT.items() if name != missing})
    assert done.returncode == 2
    assert f"Not set: {missing}." in done.stderr
    assert state.writes == []


def test_a_wrong_password_is_reported_and_not_shown(url: str) -> None:
    done = command("--url", url, KESTRA_USERNAME=USERNAME, KESTRA_PASSWORD="another-Aa1")
    assert done.returncode == 1
    assert "refuses the account 'operator@example.com' (401)" in done.stderr
    assert "another-Aa1" not in done.stderr + done.stdout


def test_an_unreachable_kestra_is_reported_with_a_fix() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        done = command("--url", f"http://127.0.0.1:{taken.getsockname()[1]}", **ACCOUNT)
    assert done.returncode == 75
    assert "Kestra does not answer at" in done.stderr
    assert "Connection refused" in done.stderr
    assert "docker compose up" in done.stderr


def test_an_unknown_host_is_reported() -> None:
    with pytest.raises(KestraUnreachable, match=r"Kestra does not answer at 'http://kestra\.invalid:8080'") as unreachable:
        deploy_to("http://kestra.invalid:8080")
    assert len(str(unreachable.value)) < 400


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://host", "http://", "http://operator:secret@host", "", "http://host:99999", "http://["]
)
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue, match="--url is") as refused:
        Kestra(url, ACCOUNT)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("empty", ACCOUNT)
def test_an_empty_account_variable_counts_as_missing(empty: str, url: str) -> None:
    with pytest.raises(AccountUnset, match=empty):
        Kestra(url, {**ACCOUNT, empty: ""})


def test_an_error_of_kestra_is_reported_with_the_request(state: State, url: str) -> None:
    state.failing = 503
    with pytest.raises(KestraFailed, match="answered 503 when asked to look up the flow"):
        deploy_to(url)


@pytest.mark.parametrize(
    ("status", "page"),
    [
        (200, "<html>Some other page</html>"),
        (404, "<html>Some other page</html>"),
        (404, '{"detail": "Not Found"}'),
        (405, '{"detail": "Method Not Allowed"}'),
        (501, "Unsupported method"),
    ],
)
def test_another_program_at_the_port_is_reported_as_not_kestra(status: int, page: str, state: State, url: str) -> None:
    state.page = (status, page)
    with pytest.raises(NotKestra, match=f"The server at '{url}' is not Kestra: .* Pass the address of Kestra with --url"):
        deploy_to(url)
    assert state.writes == []


def test_the_password_may_be_in_a_file(tmp_path: Path, state: State, url: str) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n", "utf-8")
    done = command("--url", url, KESTRA_USERNAME=USERNAME, KESTRA_PASSWORD_FILE=str(file))
    assert done.returncode == 0, done.stderr
    assert state.writes != []


def test_a_password_in_the_environment_wins_over_the_file(url: str) -> None:
    assert deploy_with(url, KESTRA_PASSWORD_FILE="/no/such/file", **ACCOUNT) != []


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "not text"])
def test_a_password_file_that_cannot_be_read_is_named(content: bytes | None, tmp_path: Path, url: str) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PasswordUnreadable, match=f"The file {file} of KESTRA_PASSWORD_FILE cannot be read"):
        deploy_with(url, KESTRA_USERNAME=USERNAME, KESTRA_PASSWORD_FILE=str(file))


def test_an_empty_password_file_is_no_password(tmp_path: Path, url: str) -> None:
    (tmp_path / "password").write_text("\n", "utf-8")
    with pytest.raises(AccountUnset, match="KESTRA_PASSWORD"):
        deploy_with(url, KESTRA_USERNAME=USERNAME, KESTRA_PASSWORD_FILE=str(tmp_path / "password"))


def deploy_with(url: str, **environment: str) -> list[str]:
    return [each.name for each in deploy(Kestra(url, environment), "shipments", FLOWS)]


def test_json_is_for_programs_and_a_dry_run_writes_nothing(state: State, url: str) -> None:
    done = command("--url", url, "--json", "--dry-run", **ACCOUNT)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {each["dry_run"] for each in lines} == {True}
    assert {(each["kind"], each["change"]) for each in lines} == {("namespace", "unchanged"), ("flow", "created")}
    assert state.writes == []


def test_there_is_no_option_for_the_password() -> None:
    done = command("--password", PASSWORD)
    assert done.returncode == 2
    assert "No such option" in done.stderr
