"""The shipped flows: rules for their text; Kestra's own engine tests whether Kestra accepts them."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shipment_etl_kestra.shipped import shipped_flows

FLOWS = {flow.id: yaml.safe_load(flow.source) for flow in shipped_flows()}
SOURCES = {flow.id: flow.source for flow in shipped_flows()}
PIPELINES = ["data_generation", "data_processing"]
COMMANDS = "io.kestra.plugin.scripts.shell.Commands"
PROCESS = "io.kestra.plugin.core.runner.Process"
DROPPED = r"pluginDefaults|ForEach|\bconditions:|preconditions:|runIf:|\bjson\(|\|\s*json\b"
"""What Kestra 2.0 no longer supports."""


def tasks(flow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in ("tasks", "errors", "finally"):
        for task in flow.get(part, []):
            yield task
            yield from task.get("then", [])


def commands(flow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (task for task in tasks(flow) if task["type"] == COMMANDS)


def test_there_are_two_pipelines_a_reaper_and_a_check() -> None:
    assert sorted(FLOWS) == ["check", *PIPELINES, "reaper"]


def test_the_check_is_started_by_hand_and_starts_nothing() -> None:
    flow = FLOWS["check"]
    assert "triggers" not in flow
    (task,) = flow["tasks"]
    # It runs in the folder, because it looks there for the scripts of the steps.
    assert [command.split(" --")[0] for command in task["commands"]] == ['cd "$FOLDER" && shipment-etl emr check']


def test_no_flow_runs_a_task_that_needs_a_package_manager() -> None:
    # The Python plugin looks for uv before each attempt, and downloads it if it is missing.
    assert {task["type"].split(".")[-2] for flow in FLOWS.values() for task in commands(flow)} == {"shell"}
    assert not any("plugin.scripts.python" in source for source in SOURCES.values())


@pytest.mark.parametrize("namespace", ["shipments", "shipments.staging"])
def test_a_reaper_terminates_clusters_of_its_own_namespace_only(namespace: str) -> None:
    names = [f"{each}:data_generation-abc" for each in ("shipments", "shipments.staging", "shipments2")]
    assert all(FLOWS[name]["variables"]["run"].startswith("{{ flow.namespace }}:") for name in PIPELINES)
    (task,) = FLOWS["reaper"]["tasks"]
    assert '--prefix "$NAMESPACE:"' in task["commands"][-1]
    assert task["env"]["KILLED_RUN"].startswith("{{ trigger.namespace ?? '' }}:")
    assert [name for name in names if name.startswith(f"{namespace}:")] == [f"{namespace}:data_generation-abc"]


@pytest.mark.parametrize("name", PIPELINES)
def test_the_cause_of_a_failed_wait_goes_to_stderr_and_its_exit_code_is_kept(name: str, tmp_path: Path) -> None:
    (command,) = next(task for task in FLOWS[name]["tasks"] if task["id"] == "wait")["commands"]
    program = tmp_path / "shipment-etl"
    program.write_text(
        """#!/bin/sh
case "$1" in
  emr) echo "s-1: RUNNING" >&2; echo '{"error": {}}'; exit 75 ;;
  kestra) echo "error: of $3 on $5" >&2; exit 1 ;;
esac
""",
        "utf-8",
    )
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.defpath}", "CLUSTER": "j-1", "STEP": "s-1", "FOLDER": "/f", "DATE": "2026-11-23"}
    done = subprocess.run(
        ["/bin/sh", "-c", f"set -e\n{command}"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (75, "s-1: RUNNING\n", "error: of outcome.json on 2026-11-23\n")


@pytest.mark.parametrize(
    ("name", "cron", "recover"),
    [("data_generation", "0 9 * * *", "LAST"), ("data_processing", "0 18 * * *", "LAST"), ("reaper", "0 * * * *", "NONE")],
)
def test_a_flow_starts_in_a_single_time_zone(name: str, cron: str, recover: str) -> None:
    schedule = FLOWS[name]["triggers"][0]
    assert (schedule["cron"], schedule["recoverMissedSchedules"]) == (cron, recover)
    zones = set(re.findall(r"timeZone='([^']+)'|timezone: (\S+)", SOURCES[name]))
    assert {"".join(zone) for zone in zones} == {"America/New_York"}


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_creates_submits_waits_verifies_and_always_ends_its_cluster(name: str) -> None:
    flow = FLOWS[name]
    assert [task["id"] for task in flow["tasks"]] == ["create", "submit", "wait", "verify"]
    assert [task["id"] for task in flow["finally"]] == ["terminate"]
    assert flow["concurrency"] == {"behavior": "QUEUE", "limit": 1}
    # Kestra 2.0 starts it when a task fails that will be retried, and then runs that task twice.
    assert "afterExecution" not in flow


@pytest.mark.parametrize("name", FLOWS)
def test_every_task_has_a_timeout(name: str) -> None:
    assert all("timeout" in task for task in tasks(FLOWS[name]) if not task["type"].endswith(".If"))


@pytest.mark.parametrize("name", FLOWS)
def test_a_command_is_the_same_for_every_input(name: str) -> None:
    for task in commands(FLOWS[name]):
        assert task["taskRunner"] == {"type": PROCESS}
        for command in task["commands"]:
            assert "{{" not in command, "a value rendered into shell text can be a command: pass it by env"
            bare = re.sub(r'"(\\.|[^"\\])*"', "", command).replace("${PACKAGE:+", "")
            assert not re.search(r"\$[A-Za-z{]", bare), f"quote the variables of: {command}"


@pytest.mark.parametrize("name", FLOWS)
def test_keys_come_only_from_secrets(name: str) -> None:
    for task in commands(FLOWS[name]):
        for variable, value in task.get("env", {}).items():
            if re.search("KEY|SECRET|TOKEN|PASSWORD", variable):
                assert value == f"{{{{ secret('{variable}') }}}}"
    assert set(re.findall(r"secret\('(\w+)'\)", SOURCES[name])) == {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    } | ({"ALERT_WEBHOOK"} if "errors" in FLOWS[name] else set())


@pytest.mark.parametrize("name", FLOWS)
def test_flows_use_only_features_of_both_release_lines_of_kestra(name: str) -> None:
    assert not re.search(DROPPED, SOURCES[name])
