"""`emr … --local` as a user runs it: two commands on a fresh machine, refusals, and cleanup when a process dies."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emr.local.conftest import DEADLINE_SECONDS, Aws, until
from emr.local.test_server import processes
from shipment_etl_emr.local import LocalAws, background, client, local_aws
from shipment_etl_emr.local.errors import LocalAwsFailed, LocalAwsMissing

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[5]
DAY = "2026-11-23"
# Credentials of an account, which must not be used.
ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "of-an-account",
    "AWS_SESSION_TOKEN": "of-an-account",
    "AWS_PROFILE": "of-an-account",
}


class User:
    """A user with a home folder and the AWS settings of an account."""

    def __init__(self, home: Path) -> None:
        self.home = home
        own = {name: value for name, value in client.without_aws(os.environ).items() if not name.startswith("XDG_")}
        self.environment = {**own, **ACCOUNT, "XDG_STATE_HOME": str(home), "COLUMNS": "200", "NO_COLOR": "1"}

    def start(self, *arguments: str, folder: Path = ROOT) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "shipment_etl", *arguments],
            cwd=folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, folder: Path = ROOT, expected: int = 0) -> subprocess.CompletedProcess[str]:
        started = self.start(*arguments, folder=folder)
        out, err = started.communicate(timeout=DEADLINE_SECONDS * 2)
        assert started.returncode == expected, out + err
        return subprocess.CompletedProcess(started.args, started.returncode, out, err)

    @property
    def aws(self) -> Aws:
        """The local AWS that the state file names."""
        state = json.loads((self.home / "shipment_etl" / "local-aws" / "state.json").read_text())
        return Aws(LocalAws(**state))

    @property
    def running(self) -> bool:
        """Whether the state file exists."""
        return (self.home / "shipment_etl" / "local-aws" / "state.json").exists()

    def alive(self) -> list[str]:
        states = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]
        return [each["Id"] for each in self.aws.emr.list_clusters(ClusterStates=states)["Clusters"]]

    def new_cluster(self) -> str:
        """Wait for a new cluster with a running step, and return it."""
        until(lambda: self.running and self.alive())
        (cluster,) = self.alive()
        until(lambda: self.aws.states(cluster) == ["RUNNING"])
        return cluster


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user whose local AWS runs from the first test that starts it to the last."""
    someone = User(tmp_path_factory.mktemp("state"))
    yield someone
    someone.run("local-aws", "down")


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[User]:
    """A user on a fresh machine."""
    someone = User(tmp_path / "state")
    yield someone
    someone.run("local-aws", "down")


def test_two_commands_on_a_fresh_machine_end_with_marts(newcomer: User) -> None:
    first = newcomer.run("emr", "run", "generate", "--local", "--rows", "1000", "--date", DAY)
    assert "shipment-etl local-aws down" in first.stderr, "it says how to stop what was started"
    second = newcomer.run("emr", "run", "process", "--local", "--date", DAY, "--json")
    assert "Started" not in second.stderr
    (told,) = [json.loads(line) for line in second.stdout.splitlines()]
    assert told["reports"][0]["counts"]["accepted"] == 1000

    aws = newcomer.aws
    assert newcomer.alive() == []
    keys = [each["Key"] for each in aws.s3.list_objects_v2(Bucket="local-lake", MaxKeys=1000)["Contents"]]
    assert any(key.startswith("shipments/processed/carrier_performance/_delta_log/") for key in keys)
    folder = f"emr/{told['cluster']}/steps/{told['step']}"
    logs = [each["Key"] for each in aws.s3.list_objects_v2(Bucket="local-logs", Prefix=folder)["Contents"]]
    assert logs == [f"{folder}/{name}.gz" for name in ("controller", "stderr", "stdout", "syslog")]

    look = 'eval "$(shipment-etl local-aws env)"; shipment-etl show carrier_performance'
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shown = subprocess.run(
        ["bash", "-euc", look],
        env={**newcomer.environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "FedEx" in shown.stdout

    assert newcomer.run("local-aws", "status").stdout.startswith(f"local AWS is running at {aws.local.endpoint}")
    state = newcomer.home / "shipment_etl" / "local-aws" / "state.json"
    assert state.stat().st_mode & 0o077 == 0, "only the owner can read the key"
    assert newcomer.run("local-aws", "down").stdout == "stopped\n"
    assert newcomer.run("local-aws", "status").stdout == "local AWS is not running\n"
    assert newcomer.run("local-aws", "env", expected=2).stderr.startswith("error: Local AWS is not running. Start it with")


def test_a_failed_job_fails_the_run_and_shows_its_log(user: User) -> None:
    failed = user.run("emr", "run", "process", "--local", "--date", DAY, expected=1)
    assert "is FAILED: Unknown Error." in failed.stderr
    assert "/stdout.gz says:\nerror: " in failed.stderr
    assert user.alive() == []


def test_local_and_an_endpoint_together_are_refused(newcomer: User) -> None:
    both = newcomer.run("emr", "run", "process", "--local", "--endpoint-url", "http://127.0.0.1:1", expected=2)
    assert "--local and --endpoint-url cannot be used together: they name two places. Use one of them." in both.stderr
    assert not list(newcomer.home.iterdir()) if newcomer.home.exists() else True, "nothing was started"


def test_invalid_requests_are_refused_before_a_cluster_is_created(user: User, tmp_path: Path) -> None:
    lost = user.run("emr", "run", "process", "--local", "--lake", "s3://acme-nowhere/a", expected=2)
    before = len(user.aws.emr.list_clusters()["Clusters"])
    assert "There is no bucket 'acme-nowhere' for the lake. Create it" in lost.stderr
    none = user.run("emr", "run", "process", "--local", folder=tmp_path, expected=2)
    assert "There is no script at spark/pyspark_app.py" in none.stderr
    twice = user.run("local-aws", "up", expected=2)
    assert "Local AWS is already running, at http://127.0.0.1:" in twice.stderr
    assert len(user.aws.emr.list_clusters()["Clusters"]) == before


def test_a_port_in_use_is_refused_and_its_owner_named(newcomer: User) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = newcomer.run("local-aws", "up", "--port", str(port), expected=2)
    assert f"error: The port {port} of this machine is already used by " in refused.stderr
    assert f"(process {os.getpid()})" in refused.stderr


def test_without_moto_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(client, "find_spec", lambda name: None)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(LocalAwsMissing, match=r"needs moto, .* pip install 'moto\[cloudformation,.*\]<5\.3,>=5\.2\.5'"):
        background.reach()


def test_a_killed_client_leaves_no_cluster(user: User, tmp_path: Path) -> None:
    go = tmp_path / "go"
    waits = tmp_path / "waits.py"
    waits.write_text(f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.1)\n")
    running = user.start("emr", "run", "process", "--local", "--date", DAY, "--script", str(waits))
    cluster = user.new_cluster()
    running.kill()
    running.communicate()
    assert user.alive() == [cluster]
    go.touch()
    assert user.aws.until_gone(cluster)["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"
    assert user.alive() == []


def test_a_stopped_client_ends_its_cluster_and_step(user: User, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(600)\n")
    running = user.start("emr", "run", "process", "--local", "--date", DAY, "--script", str(tmp_path / "slow.py"))
    cluster = user.new_cluster()
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=DEADLINE_SECONDS)
    assert running.returncode == 128 + signal.SIGTERM, said
    user.aws.until_gone(cluster)
    assert user.aws.states(cluster) == ["INTERRUPTED"]
    (step,) = [each["Id"] for each in user.aws.emr.list_steps(ClusterId=cluster)["Steps"]]
    assert processes(step) == []


def test_the_commands_of_orchestrators_work_on_local_aws(user: User) -> None:
    (made,) = lines(user.run("emr", "create", "--local", "--run", "kept", "--json"))
    cluster = made["cluster"]
    given = (cluster, "generate", "--local", "--date", DAY, "--run", "day", "--json", "--rows", "100")
    (step,) = lines(user.run("emr", "submit", *given))
    assert lines(user.run("emr", "submit", *given)) == [step], "asked for again"
    (waited,) = lines(user.run("emr", "wait", cluster, step["step"], "--local", "--job", "generate", "--json"))
    assert waited["reports"][0]["counts"]["read"] == 100
    assert '"run_id"' in user.run("emr", "logs", cluster, step["step"], "--local", "--file", "stdout").stdout
    user.run("emr", "terminate", cluster, "--local")
    user.aws.until_gone(cluster)


def lines(done: subprocess.CompletedProcess[str]) -> list[Any]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_when_the_server_is_killed_its_steps_end_and_a_new_one_can_start(newcomer: User, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(600)\n")
    (made,) = lines(newcomer.run("emr", "create", "--local", "--json"))
    newcomer.run("emr", "submit", made["cluster"], "process", "--local", "--script", str(tmp_path / "slow.py"))
    aws = newcomer.aws
    until(lambda: aws.states(made["cluster"]) == ["RUNNING"])
    (step,) = [each["Id"] for each in aws.emr.list_steps(ClusterId=made["cluster"])["Steps"]]
    until(lambda: processes(step))
    told = json.loads(newcomer.run("local-aws", "status", "--json").stdout)
    os.kill(told["pid"], signal.SIGKILL)
    until(lambda: not processes(step))
    assert newcomer.run("local-aws", "status").stdout == "local AWS is not running\n"
    assert newcomer.run("emr", "reap", "--local").stdout == ""
    assert newcomer.aws.local.key != aws.local.key


def test_a_local_aws_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    asks = (
        "import time\nfrom shipment_etl_emr.local import local_aws\n"
        f"with local_aws({str(tmp_path)!r}) as aws:\n    print(aws.endpoint, flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", asks], stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        endpoint = asking.stdout.readline().strip()
        assert background.status_of(endpoint)
        asking.kill()
    until(lambda: background.status_of(endpoint) is None)


def test_a_local_aws_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Old versions of requests warn about the newest of what they import.
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(LocalAwsFailed, match=r"Local AWS failed: .*in use"),
        local_aws(tmp_path, port=taken.getsockname()[1]),
    ):
        pass


@pytest.mark.rehearsal
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("java") is None, reason="steps on classic Spark need a Java 17")
def test_steps_run_on_classic_spark_if_requested(newcomer: User, tmp_path: Path) -> None:
    port = free_port()
    serving = newcomer.start("local-aws", "up", "--engine", "spark", "--port", str(port))
    until(lambda: background.status_of(f"http://127.0.0.1:{port}"))
    until((newcomer.home / "shipment_etl" / "local-aws" / "state.json").exists)
    done = newcomer.start("emr", "run", "generate", "--local", "--rows", "100", "--date", DAY, "--json")
    out, err = done.communicate(timeout=480)
    serving.terminate()
    serving.communicate()
    if "unresolved dependenc" in err.lower() or "JarsUnreachable" in err:
        pytest.skip("hadoop-aws and its 275 MB of jars cannot be had from Maven Central here")
    assert done.returncode == 0, err
    (told,) = [json.loads(line) for line in out.splitlines()]
    assert told["reports"][0]["engine"] == "spark", told


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
