"""Memory: what docker-compose.yml lets its services use, against what the orchestrator's host has."""

from typing import Any

import boto3
import pytest
from cfnlint.decode import cfn_yaml
from moto import mock_aws

from tests.deployment.composed import OF_AIRFLOW, PROFILES, ROOT, composed

TEMPLATE = ROOT / "adapters/shipment-etl-emr/infrastructure/orchestrator.yaml"
OF_THE_HOST_MIB = 1024
"""For Linux, Docker, the agent of Systems Manager, and the page cache that Postgres counts on."""


@pytest.fixture(scope="module")
def machines() -> dict[str, Any]:
    """Memory in MiB, processor and hypervisor of each instance type that the template takes."""
    declared = cfn_yaml.load(str(TEMPLATE))["Parameters"]["Machine"]
    assert declared["Default"] in declared["AllowedValues"]
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        ec2 = boto3.client("ec2", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
        found = ec2.describe_instance_types(InstanceTypes=list(declared["AllowedValues"]))["InstanceTypes"]
    assert len(found) == len(declared["AllowedValues"])
    return {each["InstanceType"]: each for each in found}


def allowed_mib(*profiles: str) -> int:
    """Return what all services of some profiles may use at once."""
    services = composed(*profiles, **OF_AIRFLOW)["services"].values()
    return sum(int(each["deploy"]["resources"]["limits"]["memory"]) for each in services) // 2**20


def test_every_machine_that_the_host_may_be_holds_all_that_compose_allows(machines: dict[str, Any]) -> None:
    wanted = allowed_mib(*PROFILES) + OF_THE_HOST_MIB
    sizes = {name: each["MemoryInfo"]["SizeInMiB"] for name, each in machines.items()}
    assert {name: size for name, size in sizes.items() if size < wanted} == {}


def test_every_machine_can_run_the_images_and_finds_its_volume(machines: dict[str, Any]) -> None:
    # The images are built for x86_64; on machines without Nitro the volume is no NVMe device.
    assert {
        name for name, each in machines.items() if "x86_64" not in each["ProcessorInfo"]["SupportedArchitectures"]
    } == set()
    assert {name for name, each in machines.items() if each["Hypervisor"] != "nitro"} == set()


def test_a_service_more_is_a_limit_more() -> None:
    assert allowed_mib() < allowed_mib("airflow") < allowed_mib(*PROFILES)
