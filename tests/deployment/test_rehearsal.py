"""All profiles of docker-compose.yml on a real Docker engine, by `make rehearse-compose`: pipelines, ports, accounts."""

import os
from collections.abc import Iterator

import pytest

from tests.deployment.rehearsal import ACCOUNTS, PROJECT, Stack, missing, rehearsed, until

ASKED = os.environ.get("REHEARSE_COMPOSE") == "1"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(6000),
    pytest.mark.skipif(not ASKED, reason="builds images and runs all of docker-compose.yml: make rehearse-compose"),
    pytest.mark.skipif(ASKED and bool(missing()), reason=f"NOTHING WAS REHEARSED: {missing() if ASKED else ''}"),
]
SERVICES = ("postgres", "kestra", "local-aws", "airflow")
DAY = "2026-11-23"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with rehearsed(tmp_path_factory.mktemp("rehearsal") / "clone") as started:
        yield started


def test_all_profiles_come_up_healthy(stack: Stack) -> None:
    states = {name: each["State"] for name, each in stack.containers().items()}
    assert set(states) == {*SERVICES, "airflow-database"}
    assert {name: states[name]["Health"]["Status"] for name in SERVICES} == dict.fromkeys(SERVICES, "healthy")
    assert (states["airflow-database"]["Status"], states["airflow-database"]["ExitCode"]) == ("exited", 0)


def test_only_the_pages_are_published_and_on_loopback_only(stack: Stack) -> None:
    bound = {
        (name, target, binding["HostIp"])
        for name, each in stack.containers().items()
        for target, bindings in each["NetworkSettings"]["Ports"].items()
        for binding in bindings or ()
    }
    assert bound == {("kestra", "8080/tcp", "127.0.0.1"), ("airflow", "8080/tcp", "127.0.0.1")}


@pytest.mark.parametrize("service", SERVICES)
def test_no_process_is_root_or_has_a_capability(stack: Stack, service: str) -> None:
    told = stack.execute(service, "cat /proc/[0-9]*/status 2>/dev/null | grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs)'")
    values = {
        name: {line.split()[1] for line in told.splitlines() if line.startswith(name)} for name in ("Uid", "Cap", "NoNew")
    }
    assert values["Uid"]
    assert "0" not in values["Uid"]
    assert values["Cap"] == {"0000000000000000"}
    assert values["NoNew"] == {"1"}


@pytest.mark.parametrize("service", SERVICES)
def test_no_password_is_in_the_environment_of_any_process(stack: Stack, service: str) -> None:
    environments = stack.execute(service, "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'")
    assert "PATH=" in environments
    configured = "\n".join(stack.containers()[service]["Config"]["Env"] or [])
    found = [name for name, value in ACCOUNTS.items() if "PASSWORD" in name and value in environments + configured]
    assert found == []


def test_services_that_are_not_read_only_cannot_write_where_programs_are(stack: Stack) -> None:
    assert stack.containers()["local-aws"]["HostConfig"]["ReadonlyRootfs"]
    for service in ("kestra", "airflow"):
        told = stack.execute(service, "find /opt/shipment-etl -writable ! -type l | head -5")
        assert told == ""


def test_memory_is_limited_without_further_swap(stack: Stack) -> None:
    limits = {name: each["HostConfig"] for name, each in stack.containers().items()}
    assert all(each["Memory"] and each["MemorySwap"] == each["Memory"] and each["PidsLimit"] for each in limits.values())


def test_access_requires_the_account(stack: Stack) -> None:
    path = "/api/v1/main/flows/search?size=1"
    assert stack.kestra(path).status == 200
    assert stack.ask("KESTRA_PORT", path).status == 401
    assert stack.kestra(path, Authorization="Basic b3BlcmF0b3JAZXhhbXBsZS5jb206d3Jvbmc=").status == 401
    stranger = {"username": "stranger@example.com", "password": "Aa1-of-a-stranger"}
    assert stack.ask("KESTRA_PORT", "/api/v1/main/basicAuth", stranger).status == 401
    assert stack.airflow("/dags").status == 200
    assert stack.ask("AIRFLOW_PORT", "/api/v2/dags").status == 401
    wrong = {"username": ACCOUNTS["AIRFLOW_USERNAME"], "password": "wrong-password"}
    assert stack.ask("AIRFLOW_PORT", "/auth/token", wrong).status == 401


def test_nothing_sends_usage_data(stack: Stack) -> None:
    told = stack.kestra("/api/v1/configs").json
    assert (told["isAnonymousUsageEnabled"], told["isUiAnonymousUsageEnabled"]) == (False, False)
    setting = stack.execute("airflow", "airflow config get-value usage_data_collection enabled 2>/dev/null")
    assert setting.split()[-1].lower() == "false"


def test_airflow_does_not_reach_kestra_and_neither_reaches_the_others_database(stack: Stack) -> None:
    for url in ("http://kestra:8080", "http://kestra:8081/health", "http://kestra:50051"):
        assert stack.ask_from("airflow", url) == 0
    assert stack.ask_from("kestra", "http://airflow:8080") == 0
    program = (
        "import psycopg2, pathlib; uri = pathlib.Path('/run/shipment-etl/database').read_text().replace('+psycopg2', ''); "
        "psycopg2.connect(uri.removesuffix('airflow') + 'kestra')"
    )
    refused = stack.execute("airflow", f'python -c "{program}" 2>&1 || true')
    assert "permission denied for database" in refused


def test_other_services_cannot_stop_or_change_kestra(stack: Stack) -> None:
    assert stack.ask_from("local-aws", "http://kestra:8081/health") == 200
    for method, path in (
        ("POST", "stop"),
        ("POST", "loggers/ROOT"),
        ("GET", "threaddump"),
        ("GET", "env"),
        ("GET", "loggers"),
    ):
        assert stack.ask_from("local-aws", f"http://kestra:8081/{path}", method) in (401, 403, 404, 405)
    assert stack.healthy("kestra")


def test_steps_on_local_aws_have_no_internet_access(stack: Stack) -> None:
    routes = stack.execute("local-aws", "cat /proc/net/route")
    assert not any(line.split()[1] == "00000000" for line in routes.splitlines()[1:])


def test_both_pipelines_run_on_kestra_as_in_the_how_to(stack: Stack) -> None:
    told = stack.compose("exec", "-T", "kestra", "shipment-etl", "kestra", "deploy")
    assert "flow shipments.data_processing: created" in told
    for flow, inputs in (
        ("check", {}),
        ("data_generation", {"date": DAY, "rows": "1000"}),
        ("data_processing", {"date": DAY}),
    ):
        state, name = stack.execute_flow(flow, **inputs)
        assert state == "SUCCESS", stack.logged(name, "ERROR")


def test_a_failed_execution_logs_its_cause_as_an_error(stack: Stack) -> None:
    state, name = stack.execute_flow("data_processing", date="2020-01-01")
    assert state == "FAILED"
    errors = stack.logged(name, "ERROR")
    assert "has no batch of 2020-01-01" in errors
    assert "RUNNING" not in errors
    assert "RUNNING" in stack.logged(name, "INFO")


def test_both_pipelines_and_the_check_run_on_airflow(stack: Stack) -> None:
    assert stack.run_dag("shipment_etl_check") == "success"
    assert stack.run_dag("data_generation", date="2026-11-24", rows=1000) == "success"
    assert stack.run_dag("data_processing", date="2026-11-24") == "success"
    assert stack.run_dag("data_processing", date="2020-01-01") == "failed"


def test_no_cluster_is_left(stack: Stack) -> None:
    keys = "AWS_ACCESS_KEY_ID=$LOCAL_AWS_KEY AWS_SECRET_ACCESS_KEY=any AWS_REGION=us-east-1"
    ask = (
        "import boto3; emr = boto3.client('emr', endpoint_url='http://127.0.0.1:4580', region_name='us-east-1'); "
        "print([each['Status']['State'] for each in emr.list_clusters()['Clusters']])"
    )
    states = stack.execute("local-aws", f'{keys} python -c "{ask}"')
    assert "TERMINATED" in states
    assert "RUNNING" not in states
    assert "WAITING" not in states


def test_local_aws_is_reachable_after_a_restart_of_kestra(stack: Stack) -> None:
    stack.compose("restart", "kestra")
    stack.up()
    assert stack.execute_flow("check")[0] == "SUCCESS"


@pytest.mark.parametrize("part", ["scheduler", "triggerer", "dag-processor", "api-server"])
def test_airflow_restarts_when_a_part_of_it_dies(stack: Stack, part: str) -> None:
    before = stack.containers()["airflow"]["RestartCount"]
    # Not this script itself; the API server calls itself api_server.
    pattern = f"[a]irflow {part.replace('-', '[-_]')}"
    stack.execute(
        "airflow",
        f"for each in /proc/[0-9]*; do tr '\\0' ' ' < $each/cmdline 2>/dev/null | grep -q '{pattern}' "
        "&& kill -9 ${each#/proc/}; done; true",
    )
    until("the container was started again", lambda: stack.containers()["airflow"]["RestartCount"] > before, 120)
    until("it is healthy again", lambda: stack.healthy("airflow"), 300)


def test_down_and_up_lose_nothing(stack: Stack) -> None:
    runs = stack.airflow("/dags/data_generation/dagRuns").json["total_entries"]
    stack.compose("down")
    stack.up()
    assert stack.airflow("/dags/data_generation/dagRuns").json["total_entries"] == runs > 0
    assert stack.compose("exec", "-T", "kestra", "shipment-etl", "kestra", "deploy").count("unchanged") >= 5


@pytest.mark.parametrize("password", ["short1A", "no-upper-case-1", "NO-LOWER-CASE-1", "No-Digit-In-It"])
def test_a_weak_password_keeps_kestra_from_starting(stack: Stack, password: str) -> None:
    done = stack.try_compose("run", "--rm", "--no-deps", "kestra", KESTRA_PASSWORD=password)
    assert done.returncode == 1
    assert "KESTRA_PASSWORD breaks Kestra's rule" in done.stdout + done.stderr
    assert password not in done.stdout + done.stderr


def test_another_stack_on_this_machine_is_left_alone(stack: Stack) -> None:
    projects = {each["Config"]["Labels"]["com.docker.compose.project"] for each in stack.containers().values()}
    assert projects == {PROJECT}
