"""The flows that are shipped: what has to hold of their text; whether Kestra takes them is its own engine's to say."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from shipment_etl_kestra.shipped import shipped_flows

FLOWS = {flow.id: yaml.safe_load(flow.source) for flow in shipped_flows()}
SOURCES = {flow.id: flow.source for flow in shipped_flows()}
PIPELINES = ["data_generation", "data_processing"]
COMMANDS = "io.kestra.plugin.scripts.python.Commands"
PROCESS = "io.kestra.plugin.core.runner.Process"
DROPPED = r"pluginDefaults|ForEach|\bconditions:|preconditions:|runIf:|\bjson\(|\|\s*json\b"
"""What Kestra 2.0 knows no more."""


def tasks(flow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in ("tasks", "errors", "finally"):
        for task in flow.get(part, []):
            yield task
            yield from task.get("then", [])


def commands(flow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (task for task in tasks(flow) if task["type"] == COMMANDS)


def test_there_are_two_pipelines_and_a_reaper() -> None:
    assert sorted(FLOWS) == [*PIPELINES, "reaper"]


@pytest.mark.parametrize(
    ("name", "cron", "recover"),
    [("data_generation", "0 9 * * *", "LAST"), ("data_processing", "0 18 * * *", "LAST"), ("reaper", "0 * * * *", "NONE")],
)
def test_a_flow_starts_by_the_clock_of_one_place(name: str, cron: str, recover: str) -> None:
    schedule = FLOWS[name]["triggers"][0]
    assert (schedule["cron"], schedule["recoverMissedSchedules"]) == (cron, recover)
    zones = set(re.findall(r"timeZone='([^']+)'|timezone: (\S+)", SOURCES[name]))
    assert {"".join(zone) for zone in zones} == {"America/New_York"}


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_creates_submits_waits_verifies_and_ends_its_cluster_whatever_happens(name: str) -> None:
    flow = FLOWS[name]
    assert [task["id"] for task in flow["tasks"]] == ["create", "submit", "wait", "verify"]
    assert [task["id"] for task in flow["finally"]] == ["terminate"]
    assert flow["concurrency"] == {"behavior": "QUEUE", "limit": 1}
    # Kestra 2.0 starts it when a task that is to be tried again has failed, and then runs that task twice.
    assert "afterExecution" not in flow


@pytest.mark.parametrize("name", FLOWS)
def test_every_task_has_an_end(name: str) -> None:
    assert all("timeout" in task for task in tasks(FLOWS[name]) if not task["type"].endswith(".If"))


@pytest.mark.parametrize("name", FLOWS)
def test_a_command_is_the_same_for_every_input(name: str) -> None:
    for task in commands(FLOWS[name]):
        assert task["taskRunner"] == {"type": PROCESS}
        for command in task["commands"]:
            assert "{{" not in command, "what is rendered into a shell's text can be a command: hand it on by env"
            bare = re.sub(r'"(\\.|[^"\\])*"', "", command).replace("${PACKAGE:+", "")
            assert not re.search(r"\$[A-Za-z{]", bare), f"quote the variables of: {command}"


@pytest.mark.parametrize("name", FLOWS)
def test_keys_come_from_secrets_alone(name: str) -> None:
    for task in commands(FLOWS[name]):
        for variable, value in task.get("env", {}).items():
            if re.search("KEY|SECRET|TOKEN|PASSWORD", variable):
                assert value == f"{{{{ secret('{variable}') }}}}"
    assert set(re.findall(r"secret\('(\w+)'\)", SOURCES[name])) == {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "ALERT_WEBHOOK",
    }


@pytest.mark.parametrize("name", FLOWS)
def test_no_word_is_used_that_one_line_of_kestra_does_not_know(name: str) -> None:
    assert not re.search(DROPPED, SOURCES[name])
