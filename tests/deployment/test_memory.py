"""Memory: the limits of the services in docker-compose.yml, compared with the memory of the orchestrator's host."""

from typing import Any

import boto3
import pytest
from cfnlint.decode import cfn_yaml
from moto import mock_aws

from tests.deployment.composed import OF_AIRFLOW, PROFILES, ROOT, composed

TEMPLATE = ROOT / "adapters/shipment-etl-emr/infrastructure/orchestrator.yaml"
OF_THE_HOST_MIB = 1024
"""For Linux, Docker, the agent of Systems Manager, and the page cache that Postgres relies on."""


@pytest.fixture(scope="module")
def machines() -> dict[str, Any]:
    """Return memory in MiB, processor and hypervisor of each instance type that the template accepts."""
    declared = cfn_yaml.load(str(TEMPLATE))["Parameters"]["Machine"]
    assert declared["Default"] in declared["AllowedValues"]
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        ec2 = boto3.client("ec2", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
        found = ec2.describe_instance_types(InstanceTypes=list(declared["AllowedValues"]))["InstanceTypes"]
    assert len(found) == len(declared["AllowedValues"])
    return {each["InstanceType"]: each for each in found}


def allowed_mib(*profiles: str) -> int:
    """Return how much memory all services of some profiles may use together."""
    services = composed(*profiles, **OF_AIRFLOW)["services"].values()
    return sum(int(each["deploy"]["resources"]["limits"]["memory"]) for each in services) // 2**20


def test_every_instance_type_of_the_host_has_enough_memory_for_all_services(machines: dict[str, Any]) -> None:
    wanted = allowed_mib(*PROFILES) + OF_THE_HOST_MIB
    sizes = {name: each["MemoryInfo"]["SizeInMiB"] for name, each in machines.items()}
    assert {name: size for name, size in sizes.items() if size < wanted} == {}


def test_every_instance_type_can_run_the_images_and_finds_its_volume(machines: dict[str, Any]) -> None:
    # The images are built for x86_64; on instances without Nitro the volume is not an NVMe device.
    assert {
        name for name, each in machines.items() if "x86_64" not in each["ProcessorInfo"]["SupportedArchitectures"]
    } == set()
    assert {name for name, each in machines.items() if each["Hypervisor"] != "nitro"} == set()


def test_one_more_service_adds_its_limit() -> None:
    assert allowed_mib() < allowed_mib("airflow") < allowed_mib(*PROFILES)
