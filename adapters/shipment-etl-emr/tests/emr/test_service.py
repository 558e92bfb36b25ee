"""The adapter against moto's server: refusals before money is spent, and the commands an orchestrator calls."""

import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from emr.test_requests import NASTY, valid
from shipment_etl.errors import TRY_AGAIN, ShipmentEtlError
from shipment_etl_emr import cli, errors
from shipment_etl_emr.calls import Calls, Unsure
from shipment_etl_emr.clusters import Clusters
from shipment_etl_emr.errors import (
    BucketDenied,
    BucketMissing,
    CredentialsRefused,
    NotAllowed,
    ObjectMissing,
    RegionMismatch,
    RequestRefused,
    ServiceUnavailable,
    SettingsError,
)
from shipment_etl_emr.options import ServiceOptions
from shipment_etl_emr.service import CONFIG, Service
from shipment_etl_emr.settings import Settings
from shipment_etl_emr.storage import Storage
from shipment_etl_emr.target import Place
from shipment_etl_emr.timing import Timing
from shipment_etl_emr.tunnel import errors as tunnel_errors
from tests import command_line

REGION = "us-east-1"
REPORT = {"run_id": "1", "job": "process", "status": "succeeded", "counts": {"read": 3}}
PACKAGE = "s3://acme-code/packages/shipment-etl-py3.11-x86_64-0.tar.gz"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        # Fake keys: nothing here may reach a real account.
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        patch.setenv("AWS_REGION", REGION)
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture(scope="module")
def client(endpoint: str) -> Callable[[str], Any]:
    return lambda name: boto3.client(name, region_name=REGION, endpoint_url=endpoint, config=CONFIG)


@pytest.fixture(scope="module")
def service(endpoint: str, client: Callable[[str], Any]) -> Service:
    for bucket in ("acme-code", "acme-logs", "acme-lake"):
        client("s3").create_bucket(Bucket=bucket)
    client("s3").put_object(Bucket="acme-code", Key=PACKAGE.removeprefix("s3://acme-code/"), Body=b"a package")
    client("s3").create_bucket(Bucket="acme-far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return Service(Settings(code="s3://acme-code", logs="s3://acme-logs/emr"), endpoint)


@pytest.fixture
def command(endpoint: str, service: Service, tmp_path: Path) -> Callable[..., Any]:
    """Runs `shipment-etl emr …`, and returns what it printed as JSON, or the process if it failed."""
    (tmp_path / "emr.toml").write_text('code = "s3://acme-code"\nlogs = "s3://acme-logs/emr"\n')
    (tmp_path / "app.py").write_text("print('hello')\n")

    def run(*arguments: str) -> Any:
        known = {**os.environ, "COLUMNS": "200", "AWS_ENDPOINT_URL": endpoint}
        done = command_line.run("emr", *arguments, code=None, folder=tmp_path, environment=known)
        return [json.loads(line) for line in done.stdout.splitlines()] if done.returncode == 0 else done

    return run


def test_a_valid_lake_is_not_refused(service: Service) -> None:
    service.check("s3://acme-lake/shipments")


@pytest.mark.parametrize(
    ("lake", "error", "told"),
    [
        ("s3://acme-nowhere/lake", BucketMissing, "There is no bucket 'acme-nowhere' for the lake. Create it"),
        (
            "s3://acme-far/lake",
            RegionMismatch,
            "is in eu-west-1, but the cluster would run in us-east-1",
        ),
        ("./lake", SettingsError, "is './lake', but must be a folder such as s3://"),
    ],
)
def test_an_unusable_lake_is_refused(service: Service, lake: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        service.check(lake)


def failing(code: str, status: int = 400, headers: dict[str, str] | None = None) -> Callable[..., Any]:
    from botocore.exceptions import ClientError

    def call(**given: Any) -> Any:
        metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers or {}}
        raise ClientError({"Error": {"Code": code, "Message": "said"}, "ResponseMetadata": metadata}, "Call")  # type: ignore[arg-type]

    return call


class Broken:
    """A client whose calls all fail in the same way."""

    def __init__(self, *how: Any) -> None:
        self._call = failing(*how)

    def __getattr__(self, name: str) -> Any:
        return self._call


def no_wait() -> Timing:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return Timing(lambda: now[0], sleep, lambda: 0.5)


@pytest.mark.parametrize(
    ("how", "error", "told"),
    [
        (
            ("403", 403),
            BucketDenied,
            "Access to the bucket 'b' for the lake is denied. Grant",
        ),
        (("404", 404), BucketMissing, "There is no bucket 'b'"),
        (("301", 301, {"x-amz-bucket-region": "ap-south-1"}), RegionMismatch, "is in ap-south-1"),
        (("ExpiredToken", 400), CredentialsRefused, r"refuses the credentials \(ExpiredToken\). Log in again"),
        (("SlowDown", 503), ServiceUnavailable, "gave no usable answer to a call to check the bucket"),
    ],
)
def test_an_unusable_bucket_is_reported(how: tuple[Any, ...], error: type[Exception], told: str) -> None:
    bucket = {"s3://bbb/lake": "the lake"}
    with pytest.raises(error, match=told.replace("'b'", "'bbb'")):
        Storage(Broken(*how), Calls(no_wait())).check(bucket, REGION)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ExpiredTokenException", CredentialsRefused),
        ("UnrecognizedClientException", CredentialsRefused),
        ("AccessDeniedException", NotAllowed),
        ("ValidationException", RequestRefused),
        ("ThrottlingException", Unsure),
        ("InternalServerException", Unsure),
    ],
)
def test_an_error_of_aws_is_translated(code: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        Calls(no_wait()).once("to do it", failing(code))


def test_a_missing_script_is_refused_and_an_existing_one_is_uploaded_once(service: Service, tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing, match=r"There is no script at .*none.py. Do this."):
        service.storage.script("s3://acme-code", str(tmp_path / "none.py"), "Do this.")
    with pytest.raises(ObjectMissing, match=r"There is no script at s3://acme-code/none\.py"):
        service.storage.script("s3://acme-code", "s3://acme-code/none.py", "Do this.")
    (tmp_path / "a.py").write_text("1")
    first = service.storage.script("s3://acme-code", str(tmp_path / "a.py"), "")
    assert service.storage.script("s3://acme-code", first, "") == first
    assert service.storage.put("s3://acme-code", first.removeprefix("s3://acme-code/"), b"1") == (first, False)


def test_a_package_for_another_python_or_processor_is_refused(service: Service) -> None:
    assert service.package(PACKAGE) == PACKAGE
    with pytest.raises(SettingsError, match=r"is not for Python 3\.11 on x86_64"):
        service.package(PACKAGE.replace("x86_64", "aarch64"))
    with pytest.raises(ObjectMissing, match="Build and upload one with: shipment-etl emr package"):
        service.package(PACKAGE.replace("-0.", "-1."))


def test_without_a_region_nothing_is_started(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match="No region is given"):
        Service(Settings(code="s3://acme-code", logs="s3://acme-logs/emr"), endpoint)


def test_a_claim_can_be_taken_once(service: Service, endpoint: str) -> None:
    other = Service(service.settings, endpoint)
    taken = [each.clusters._claims.take("night", 1) for each in (service, other)]
    assert taken == [True, False]


@pytest.mark.slow
def test_an_orchestrator_calls_the_commands_one_by_one(command: Callable[..., Any], client: Callable[[str], Any]) -> None:
    (made,) = command("create", "--run", "verbs", "--package", PACKAGE, "--json")
    cluster = made["cluster"]
    assert command("create", "--run", "verbs", "--package", PACKAGE, "--json") == [made], "asked for again"
    given = ("submit", cluster, "process", "--lake", "s3://acme-lake/a", "--date", "2026-11-23", "--script", "app.py")
    (step,) = command(*given, "--run", "day", "--json", "--", *NASTY)
    assert command(*given, "--run", "day", "--json", "--", *NASTY) == [step], "asked for again"
    emr = client("emr")
    (found,) = emr.list_steps(ClusterId=cluster)["Steps"]
    expected = ["--lake", "s3://acme-lake/a", "--date", "2026-11-23", *NASTY]
    assert found["Config"]["Args"][4:] == expected, "arguments arrive as they are"

    folder = f"emr/{cluster}/steps/{step['step']}"
    client("s3").put_object(Bucket="acme-logs", Key=f"{folder}/stdout.gz", Body=gzip.compress(json.dumps(REPORT).encode()))
    (log,) = command("logs", cluster, step["step"], "--file", "stdout", "--json")
    assert json.loads(log["text"]) == REPORT
    (state,) = command("status", cluster, step["step"], "--json")
    assert (state["cluster_state"], state["step"]) == ("RUNNING", step["step"])
    assert command("reap", "--dry-run", "--json") == []
    assert [each["cluster"] for each in command("reap", "--run", "verbs", "--json")] == [cluster]
    (ended,) = command("terminate", cluster, "--json")
    assert ended["cluster_state"] == "TERMINATED"


def test_a_refused_command_starts_nothing(command: Callable[..., Any], client: Callable[[str], Any]) -> None:
    before = len(client("emr").list_clusters()["Clusters"])
    refused = command("run", "process", "--lake", "s3://acme-nowhere/a", "--package", PACKAGE, "--script", "app.py")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: There is no bucket 'acme-nowhere'")
    for lake, told in (("s3://acme-nowhere/a", "There is no bucket 'acme-nowhere'"), ("", "--lake is ''")):
        refused = command("create", "--lake", lake, "--package", PACKAGE)
        assert (refused.returncode, told in refused.stderr) == (2, True), refused.stderr
    refused = command("run", "process", "--lake", "s3://acme-lake/a", "--package", PACKAGE)
    assert refused.returncode == 2
    assert "There is no script at spark/pyspark_app.py" in refused.stderr
    assert len(client("emr").list_clusters()["Clusters"]) == before


def test_clusters_use_the_injected_client(service: Service) -> None:
    assert isinstance(service.target, Clusters)


LINK = "https://p-1.emrappui-prod.us-east-1.amazonaws.com/shs?authToken=secret"


class Ui:
    """EMR's persistent application UI, whose link is ready at the second poll."""

    def __init__(self) -> None:
        self.looks = 0

    def describe_cluster(self, ClusterId: str) -> Any:  # noqa: N803
        return {"Cluster": {"ClusterArn": f"arn:aws:elasticmapreduce:us-east-1:123456789012:cluster/{ClusterId}"}}

    def create_persistent_app_ui(self, **asked: Any) -> Any:
        valid("emr", "CreatePersistentAppUI", asked)
        return {"PersistentAppUIId": "p-1"}

    def get_persistent_app_ui_presigned_url(self, **asked: Any) -> Any:
        valid("emr", "GetPersistentAppUIPresignedURL", asked)
        self.looks += 1
        return {"PresignedURLReady": self.looks > 1, **({"PresignedURL": LINK} if self.looks > 1 else {})}


def test_the_link_to_the_spark_ui_is_waited_for_and_a_refusal_is_reported() -> None:
    ui = Ui()
    target = Clusters(ui, None, Calls(no_wait()), Settings(code="s3://acme-code", logs="s3://acme-logs"))  # type: ignore[arg-type]
    assert target.ui(Place("j-1")) == LINK
    assert ui.looks == 2
    denied = Clusters(Broken("AccessDeniedException"), None, Calls(no_wait()), target._settings)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        denied.ui(Place("j-1"))


def test_the_link_to_the_spark_ui_is_printed_to_a_terminal_only(command: Callable[..., Any]) -> None:
    refused = command("ui", "j-1")
    assert refused.returncode == 2
    assert "so it is printed only to a terminal" in refused.stderr
    assert refused.stdout == ""


def test_in_a_terminal_the_link_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    target = SimpleNamespace(ui=lambda place: f"{LINK} of {place}")
    monkeypatch.setattr(ServiceOptions, "open", lambda options: SimpleNamespace(target=target))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    cli.ui(cluster="j-1", step="s-1")
    assert capsys.readouterr().out == f"{LINK} of j-1/s-1\n"


def test_a_released_claim_can_be_taken_again(service: Service, endpoint: str) -> None:
    one, other = (each.clusters._claims for each in (service, Service(service.settings, endpoint)))
    assert one.take("refused", 1)
    latest = other.latest("refused")
    assert latest is not None
    assert (latest.attempt, 0 <= latest.age < 60) == (1, True)
    one.release("refused", 1)
    assert other.latest("refused") is None
    assert other.take("refused", 1)
    assert one.take("refused", 1) is False


def every_error() -> list[type[ShipmentEtlError]]:
    every = [*vars(errors).values(), *vars(tunnel_errors).values()]
    return [each for each in every if isinstance(each, type) and issubclass(each, ShipmentEtlError)]


@pytest.mark.parametrize("error", every_error())
def test_the_exit_code_says_whether_a_retry_may_succeed(error: type[ShipmentEtlError]) -> None:
    assert (error.exit_code == TRY_AGAIN) is error.retryable
