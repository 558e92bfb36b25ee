"""The orchestrator's host: closed, replaceable, and its data on a volume that outlives it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.decode import cfn_yaml

from emr.policies import allowed
from emr.stacks import ACCOUNT, FOLDER, REGION, deploy, resources_of

# What moto does not know it leaves out; cfn-lint knows all of it.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning"),
    pytest.mark.usefixtures("mocked_aws"),
]

VOLUME, INSTANCE = "vol-0a1b2c", "i-0d4e5f"
IMAGES = "ami-03cf127a", "ami-12c6146b"
# Fake programs record their arguments, and do what the script needs.
TELL = '#!/bin/sh\necho "$(basename "$0") $*" >> "$CALLS"\n'
PROGRAMS = {
    # The volume becomes free, and gets its device, after some attempts.
    "aws": '[ "$(grep -c "^aws " "$CALLS")" -gt "$BUSY" ] || exit 1\nln -s "$DISK" "$DEVICE"\n',
    "curl": f'case "$*" in *api/token) echo secret ;; *"token: secret"*instance-id) echo {INSTANCE} ;; *) exit 22 ;; esac\n',
    "dnf": "",
    "mkfs.xfs": "",
    "sleep": "",
    "systemctl": 'case "$*" in "start srv.mount") exit "$MOUNT" ;; esac\n',
}


@pytest.fixture(scope="module")
def parameters() -> dict[str, str]:
    storage = deploy("storage", Prefix="acme")
    network = deploy("network")
    return {
        "Vpc": network["Vpc"],
        "Subnet": network["FirstSubnet"],
        "Zone": network["FirstZone"],
        "Role": deploy("roles", **storage)["OrchestratorRole"],
        "Image": IMAGES[0],
    }


@pytest.fixture(scope="module")
def host(parameters: dict[str, str]) -> dict[str, str]:
    return deploy("orchestrator", **parameters)


def launched() -> dict[str, Any]:
    data: dict[str, Any] = resources_of("orchestrator")["Host"]["Properties"]["LaunchTemplateData"]
    return data


def test_one_host_runs(host: dict[str, str]) -> None:
    groups = boto3.client("autoscaling", REGION).describe_auto_scaling_groups(AutoScalingGroupNames=[host["Hosts"]])
    (instance,) = groups["AutoScalingGroups"][0]["Instances"]
    assert instance["LifecycleState"] == "InService"


def test_the_host_is_closed() -> None:
    (interface,) = launched()["NetworkInterfaces"]
    assert interface["AssociatePublicIpAddress"] is False
    assert interface["Groups"] == [{"Ref": "Closed"}]
    assert "KeyName" not in launched()
    group = resources_of("orchestrator")["Closed"]["Properties"]
    assert "SecurityGroupIngress" not in group
    assert [each["ToPort"] for each in group["SecurityGroupEgress"]] == [443]
    # Tokens are required, and a container on the host can get one.
    assert launched()["MetadataOptions"] == {
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 2,
        "HttpEndpoint": "enabled",
    }


def test_all_disks_of_the_host_are_encrypted() -> None:
    (root,) = launched()["BlockDeviceMappings"]
    assert root["Ebs"]["Encrypted"] is True
    assert resources_of("orchestrator")["Data"]["Properties"]["Encrypted"] is True


def test_the_image_is_pinned_and_never_looked_up() -> None:
    image = cfn_yaml.load(str(FOLDER / "orchestrator.yaml"))["Parameters"]["Image"]
    # A parameter of Systems Manager would be resolved again by each update of the stack.
    assert image["Type"] == "AWS::EC2::Image::Id"
    assert "Default" not in image
    assert launched()["ImageId"] == {"Ref": "Image"}


def test_a_new_image_keeps_the_data(host: dict[str, str], parameters: dict[str, str]) -> None:
    cloudformation = boto3.client("cloudformation", REGION)
    ec2 = boto3.client("ec2", REGION)
    cloudformation.update_stack(
        StackName="orchestrator",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in {**parameters, "Image": IMAGES[1]}.items()
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = cloudformation.describe_stacks(StackName="orchestrator")["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}["Data"] == host["Data"]
    assert ec2.describe_volumes(VolumeIds=[host["Data"]])["Volumes"][0]["State"] == "available"


def test_no_part_of_the_volume_depends_on_the_host() -> None:
    volume = resources_of("orchestrator")["Data"]
    text = str(volume["Properties"])
    assert not [name for name in ("Image", "Machine", "Host", "Hosts", "Role") if f"'{name}'" in text]
    # When the stack is deleted, the data is kept as a snapshot.
    assert volume["DeletionPolicy"] == volume["UpdateReplacePolicy"] == "Snapshot"


def test_the_old_host_is_terminated_before_the_new_one_starts() -> None:
    hosts = resources_of("orchestrator")["Hosts"]
    assert hosts["UpdatePolicy"]["AutoScalingRollingUpdate"] == {"MinInstancesInService": 0, "MaxBatchSize": 1}
    assert hosts["Properties"]["MaxSize"] == "1"
    # Without its rights it could not attach the volume.
    assert hosts["DependsOn"] == "Rights"


def test_the_host_may_attach_its_own_data_to_itself_and_nothing_else(
    host: dict[str, str], parameters: dict[str, str]
) -> None:
    policy = boto3.client("iam", REGION).get_role_policy(RoleName=parameters["Role"], PolicyName="orchestrator-host")
    statements = policy["PolicyDocument"]["Statement"]
    (profile,) = boto3.client("iam", REGION).list_instance_profiles_for_role(RoleName=parameters["Role"])["InstanceProfiles"]
    instance, volumes = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-1", f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume"
    itself = {"ec2:InstanceProfile": profile["Arn"]}
    assert allowed(statements, "ec2:AttachVolume", f"{volumes}/{host['Data']}")
    assert allowed(statements, "ec2:AttachVolume", instance, itself)
    other = {"ec2:InstanceProfile": f"arn:aws:iam::{ACCOUNT}:instance-profile/other"}
    assert not allowed(statements, "ec2:AttachVolume", f"{volumes}/vol-of-others", itself)
    assert not allowed(statements, "ec2:AttachVolume", instance, other)
    assert not allowed(statements, "ec2:AttachVolume", instance)
    for action in ("ec2:DetachVolume", "ec2:DeleteVolume", "ec2:CreateSnapshot", "ec2:ModifyInstanceAttribute"):
        assert not allowed(statements, action, f"{volumes}/{host['Data']}", itself)
        assert not allowed(statements, action, instance, itself)


def test_the_host_is_reached_by_sessions_and_reads_no_parameter(host: dict[str, str], parameters: dict[str, str]) -> None:
    policy = boto3.client("iam", REGION).get_role_policy(RoleName=parameters["Role"], PolicyName="orchestrator-host")
    statements = policy["PolicyDocument"]["Statement"]
    for action in ("ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:OpenDataChannel"):
        assert allowed(statements, action, "*")
    for action in ("ssm:GetParameter", "ssm:GetParameters", "ssm:SendCommand", "ssm:StartSession", "ssm:PutInventory"):
        assert not allowed(statements, action, "*")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root directory for the host's script, with a file as the volume."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(TELL + text)
        (programs / name).chmod(0o755)
    root = tmp_path / "root"
    for folder in ("dev/disk/by-id", "etc", "srv", "usr/local/lib"):
        (root / folder).mkdir(parents=True)
    (root / "etc/fstab").write_text("UUID=1 / xfs defaults 1 1\n")
    with (tmp_path / "disk").open("wb") as disk:
        disk.truncate(16 * 2**20)
    (tmp_path / "calls").touch()
    given = {
        "BUSY": "0",
        "CALLS": str(tmp_path / "calls"),
        "DEVICE": str(root / "dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c"),
        "DISK": str(tmp_path / "disk"),
        "MOUNT": "0",
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    if not shutil.which("blkid"):
        pytest.skip("blkid, which says whether a disk is blank, is not installed")
    return root


def set_up(root: Path) -> tuple[int, list[str]]:
    """Run the script that a new host runs, and return its exit code and what it called."""
    text = launched()["UserData"]["Fn::Base64"]["Fn::Sub"].replace("${Data}", VOLUME).replace("${AWS::Region}", REGION)
    for folder in ("/dev/disk/", "/etc/", "/srv/", "/usr/local/"):
        text = text.replace(folder, f"{root}{folder}")
    assert "${" not in text
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, Path(os.environ["CALLS"]).read_text().splitlines()


def test_a_blank_volume_gets_a_file_system_and_docker_lives_on_it(place: Path) -> None:
    code, calls = set_up(place)
    device = os.environ["DEVICE"]
    assert code == 0
    attach = f"aws ec2 attach-volume --region {REGION} --volume-id {VOLUME} --instance-id {INSTANCE} --device /dev/sdf"
    order = [attach, f"mkfs.xfs {device}", "systemctl start srv.mount", "dnf install --assumeyes docker"]
    assert [each for each in calls if each in order] == order
    assert calls[-1] == "systemctl enable --now docker"
    assert (place / "etc/fstab").read_text().splitlines()[1:] == [f"{device} /srv xfs defaults,nofail,x-systemd.growfs 0 2"]
    assert '"data-root": "' in (place / "etc/docker/daemon.json").read_text()
    assert f"{place}/srv/docker" in (place / "etc/docker/daemon.json").read_text()
    assert "RequiresMountsFor=/srv\n" in (place / "etc/systemd/system/docker.service.d/data.conf").read_text()
    plugin = place / "usr/local/lib/docker/cli-plugins/docker-compose"
    assert plugin.readlink() == place / "srv/shipment-etl/docker-compose"


@pytest.mark.parametrize("kind", ["ext4", "swap"])
def test_a_volume_with_data_is_never_formatted(place: Path, kind: str) -> None:
    program = {"ext4": "mkfs.ext4", "swap": "mkswap"}[kind]
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    subprocess.run([program, os.environ["DISK"]], capture_output=True, check=True)
    before = Path(os.environ["DISK"]).read_bytes()
    code, calls = set_up(place)
    assert code == 0
    assert not [each for each in calls if each.startswith("mkfs")]
    assert "systemctl start srv.mount" in calls
    assert Path(os.environ["DISK"]).read_bytes() == before


def test_the_host_waits_until_the_previous_one_has_released_the_volume(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSY", "3")
    code, calls = set_up(place)
    assert code == 0
    assert len([each for each in calls if each.startswith("aws ")]) == 4
    assert len([each for each in calls if each.startswith("mkfs")]) == 1


def test_an_attached_volume_is_not_attached_again(place: Path) -> None:
    Path(os.environ["DEVICE"]).symlink_to(os.environ["DISK"])
    code, calls = set_up(place)
    assert code == 0
    assert not [each for each in calls if each.startswith("aws ")]


def test_without_the_volume_there_is_no_docker(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOUNT", "1")
    code, calls = set_up(place)
    assert code != 0
    assert not [each for each in calls if "docker" in each]
