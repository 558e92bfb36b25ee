"""Requests: they are valid, sized from the machines, and refused before they are sent if they cannot work."""

from dataclasses import replace
from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator

from shipment_etl_emr.errors import EmrRefused, MachinesUnfit, ReleaseUnfit, SettingsError, StepTooLong
from shipment_etl_emr.machines import machine, spark_sizes
from shipment_etl_emr.releases import release
from shipment_etl_emr.requests import cluster_request, job_run_request, step_request
from shipment_etl_emr.settings import Settings
from shipment_etl_emr.target import Job

SETTINGS = Settings(code="s3://acme-code", logs="s3://acme-logs/emr", region="eu-central-1")
NASTY = ("--note", "two words", 'a "quote"', "it's", "line\nbreak", "$HOME `x` \\ *", "", "ü")
JOB = Job("night 1", "process", "s3://acme-code/app.py", NASTY, "s3://acme-code/p.tar.gz", "s3://acme-code/b.sh")


def valid(service: str, operation: str, request: dict[str, object]) -> None:
    """Validate a request against the model of the service."""
    model = botocore.session.get_session().get_service_model(service)
    report = ParamValidator().validate(request, model.operation_model(operation).input_shape)
    assert not report.has_errors(), report.generate_report()


def request(settings: Settings = SETTINGS, job: Job | None = JOB) -> dict[str, object]:
    made = cluster_request(settings, JOB.run, 1, JOB.bootstrap, JOB.package, job)
    valid("emr", "RunJobFlow", made)
    return made


def properties(made: dict, classification: str) -> dict:
    return next(each for each in made["Configurations"] if each["Classification"] == classification)


def test_a_transient_cluster_ends_with_its_step() -> None:
    made = request()
    assert made["Instances"]["KeepJobFlowAliveWhenNoSteps"] is False
    assert made["Instances"]["TerminationProtected"] is False
    (step,) = made["Steps"]
    assert step["ActionOnFailure"] == "TERMINATE_CLUSTER"
    assert "AutoTerminationPolicy" not in made
    tags = {tag["Key"]: tag["Value"] for tag in made["Tags"]}
    assert tags["shipment-etl:run"] == "night 1"
    assert tags["shipment-etl:max-age-minutes"] == "360"


def test_a_kept_cluster_ends_when_it_is_idle() -> None:
    made = request(job=None)
    assert made["Instances"]["KeepJobFlowAliveWhenNoSteps"] is True
    assert made["AutoTerminationPolicy"] == {"IdleTimeout": 900}
    assert made["Steps"] == []


def test_delta_and_python_are_set() -> None:
    made = request()
    assert properties(made, "delta-defaults")["Properties"] == {"delta.enabled": "true"}
    export = properties(made, "spark-env")["Configurations"][0]
    assert export["Classification"] == "export"
    assert export["Properties"]["PYSPARK_PYTHON"] == "/usr/bin/python3.11"
    assert properties(made, "spark-defaults")["Properties"]["spark.sql.extensions"].startswith("io.delta")
    assert made["LogUri"] == "s3://acme-logs/emr/"


SERVERLESS = replace(SETTINGS, target="serverless", application="00f", job_role="arn:aws:iam::123456789012:role/jobs")


def test_driver_and_executors_know_their_region() -> None:
    made = request()
    expected = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}
    assert expected.items() <= properties(made, "spark-env")["Configurations"][0]["Properties"].items()
    (serverless,) = job_run_request(SERVERLESS, JOB, "t")["configurationOverrides"]["applicationConfiguration"]
    for found, prefixes in (
        (properties(made, "spark-defaults")["Properties"], ["spark.executorEnv."]),
        (serverless["properties"], ["spark.executorEnv.", "spark.emr-serverless.driverEnv."]),
    ):
        for prefix in prefixes:
            assert {f"{prefix}{name}": value for name, value in expected.items()}.items() <= found.items()


def test_arguments_are_passed_on_unchanged() -> None:
    assert tuple(step_request(JOB)["HadoopJarStep"]["Args"][4:]) == NASTY
    made = job_run_request(SERVERLESS, JOB, "token")
    valid("emr-serverless", "StartJobRun", made)
    assert tuple(made["jobDriver"]["sparkSubmit"]["entryPointArguments"]) == NASTY
    assert made["executionTimeoutMinutes"] == 360


def test_a_step_that_is_too_long_is_refused() -> None:
    long = replace(JOB, arguments=("x" * 11_000,))
    with pytest.raises(StepTooLong, match="but EMR allows 10,280"):
        step_request(long)
    with pytest.raises(StepTooLong, match="but EMR allows 10,280"):
        job_run_request(SERVERLESS, long, "token")


@pytest.mark.parametrize("job", [JOB, None])
def test_fleets_are_weighted_by_processors_and_the_primary_is_never_spot(job: Job | None) -> None:
    settings = replace(SETTINGS, workers=("m5.xlarge", "m5.2xlarge"), spot=True, subnets=("subnet-1", "subnet-2"))
    primary, workers = request(settings, job)["Instances"]["InstanceFleets"]
    assert primary["TargetOnDemandCapacity"] == 1
    assert "TargetSpotCapacity" not in primary
    assert workers["TargetSpotCapacity"] == 2
    assert [each["WeightedCapacity"] for each in workers["InstanceTypeConfigs"]] == [1, 2]
    assert workers["LaunchSpecifications"]["SpotSpecification"]["TimeoutAction"] == "SWITCH_TO_ON_DEMAND"


def test_on_demand_fleets_and_encryption_are_valid() -> None:
    settings = replace(SETTINGS, workers=("r6g.xlarge", "m6g.xlarge"), primary="m6g.xlarge", log_key="arn:aws:kms:k")
    made = request(replace(settings, security_configuration="shipment-etl"))
    assert made["SecurityConfiguration"] == "shipment-etl"
    assert made["LogEncryptionKmsKeyId"] == "arn:aws:kms:k"
    assert settings.arch == "aarch64"


@pytest.mark.parametrize(
    ("name", "cpus", "gib", "yarn", "arch"),
    [
        ("m5.xlarge", 4, 16, 11_520, "x86_64"),
        ("m5.4xlarge", 16, 64, 54_272, "x86_64"),
        ("r6gd.2xlarge", 8, 64, 54_272, "aarch64"),
        ("c7g.8xlarge", 32, 64, 54_272, "aarch64"),
        ("c4.xlarge", 4, 7.5, 5_632, "x86_64"),
        ("c4.8xlarge", 32, 60, 53_248, "x86_64"),
        ("r4.xlarge", 4, 30.5, 23_424, "x86_64"),
        ("r4.16xlarge", 64, 488, 491_520, "x86_64"),
        ("r7i.48xlarge", 192, 1_536, 1_482_752, "x86_64"),
    ],
)
def test_a_machine_follows_from_its_name(name: str, cpus: int, gib: float, yarn: int, arch: str) -> None:
    found = machine(name)
    assert (found.cpus, found.memory_mib, found.yarn_mib, found.arch) == (cpus, gib * 1024, yarn, arch)


def read_published() -> dict[str, int]:
    """Return YARN's memory as published by EMR, by instance type."""
    lines = Path(__file__).with_name("yarn_memory.txt").read_text("utf-8").splitlines()
    families = [line.split(": ") for line in lines if not line.startswith("#")]
    sizes = [(family, *each.split("=")) for family, told in families for each in told.split()]
    return {f"{family}.{size}": int(mib) for family, size, mib in sizes}


@pytest.mark.parametrize("worker", read_published())
@pytest.mark.parametrize("count", [1, 7])
def test_executors_fit_into_what_emr_publishes_of_each_machine(worker: str, count: int) -> None:
    yarn = read_published()[worker]
    # c5n has more memory than its letter says, which is left unused.
    assert yarn * (0.65 if worker.startswith("c5n") else 0.9) < machine(worker).yarn_mib <= yarn
    sizes = spark_sizes("m5.xlarge", (worker,), count, fixed=True)
    each = int(sizes["spark.executor.instances"]) // count
    memory = int(sizes["spark.executor.memory"][:-1]) + int(sizes["spark.executor.memoryOverhead"][:-1])
    assert each * memory <= yarn - 1_000, "the application master needs memory, too"


@pytest.mark.parametrize(
    "worker", ["m5.xlarge", "c5.xlarge", "r5.xlarge", "m5.4xlarge", "c5.24xlarge", "r5.16xlarge", "c4.xlarge", "r4.2xlarge"]
)
@pytest.mark.parametrize("count", [1, 7])
def test_executors_fit_their_machines(worker: str, count: int) -> None:
    sizes = spark_sizes("m5.xlarge", (worker,), count, fixed=True)
    cores = int(sizes["spark.executor.cores"])
    each = int(sizes["spark.executor.instances"]) // count
    memory = int(sizes["spark.executor.memory"][:-1]) + int(sizes["spark.executor.memoryOverhead"][:-1])
    assert each * cores < machine(worker).cpus
    assert each * cores >= machine(worker).cpus * 0.75
    assert each * memory <= machine(worker).yarn_mib - 1_000
    assert each * memory >= machine(worker).yarn_mib * 0.75


def test_a_release_is_known_with_the_python_to_use() -> None:
    assert (release("emr-7.13.0").spark, release("emr-7.13.0").python) == ("3.5.6", "3.11")


@pytest.mark.parametrize(
    ("label", "requires", "told"),
    [
        ("emr-6.15.0", None, r"it has Python 2.7 and 3.7, and the package needs .*3.11.*Use one of: emr-7.13.0"),
        (
            "emr-7.13.0",
            ">=3.12",
            r"it has Python 3.9 and 3.11, and the package needs >=3.12. None of the tested releases can.",
        ),
        ("emr-spark-8.0.0", None, r"its versions of Python and Spark are unknown. Use one of: emr-7.13.0."),
        ("emr-9.0.0", None, "its versions of Python and Spark are unknown"),
    ],
)
def test_a_release_that_cannot_import_the_package_is_refused(label: str, requires: str | None, told: str) -> None:
    with pytest.raises(ReleaseUnfit, match=told):
        release(label, requires)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('release = "emr-6.9.0"', "has Python 2.7 and 3.7"),
        ('workers = ["m5.xlarge", "m6g.xlarge"]', "different processor architectures"),
        ('workers = ["p4d.24xlarge"]', "'p4d.24xlarge' is not supported"),
        ("workers = []", "but must be at least one instance type"),
        ("count = 0", "count is 0, but must be from 1 to 100"),
        ('target = "serverless"', "No application or job_role is given. EMR Serverless needs both"),
        ('tags = { "shipment-etl:run" = "x" }', "a name that does not begin with shipment-etl:"),
        ('realease = "x"', "Did you mean 'release'"),
        ('code = "C:/code"', "code is 'C:/code', but must be a folder such as s3://"),
    ],
)
def test_invalid_settings_are_refused(more: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "emr.toml"
    code = "" if more.startswith("code") else 'code = "s3://acme-code"\n'
    file.write_text(f'{code}logs = "s3://acme-logs/emr"\n{more}\n')
    with pytest.raises(EmrRefused, match=told):
        Settings.from_toml(file)


def test_missing_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="There is no file"):
        Settings.from_toml(tmp_path / "emr.toml")
    with pytest.raises(MachinesUnfit):
        machine("m5.large")
