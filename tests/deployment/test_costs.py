"""docs/operations/costs.md: it counts what the templates contain."""

import re

from cfnlint.decode import cfn_yaml

from tests.deployment.composed import ROOT

TEMPLATES = ROOT / "adapters/shipment-etl-emr/infrastructure"
PAGE = (ROOT / "docs/operations/costs.md").read_text("utf-8")


def test_the_page_counts_the_endpoints_of_the_network() -> None:
    resources = cfn_yaml.load(str(TEMPLATES / "network.yaml"))["Resources"].values()
    paid = [each for each in resources if each.get("Properties", {}).get("VpcEndpointType") == "Interface"]
    zones = {len(each["Properties"]["SubnetIds"]) for each in paid}
    assert zones == {2}
    assert f"endpoints of the network: {len(paid)}, in 2 zones each" in PAGE
    assert f'730 * {len(paid)} * 2 * hour["endpoint"]' in PAGE


def test_the_page_counts_the_disks_of_the_hosts_template() -> None:
    template = cfn_yaml.load(str(TEMPLATES / "orchestrator.yaml"))
    (root,) = template["Resources"]["Host"]["Properties"]["LaunchTemplateData"]["BlockDeviceMappings"]
    of_data = template["Parameters"]["DiskGib"]["Default"]
    (counted,) = re.findall(r"^host_disk_gb = (\d+)$", PAGE, flags=re.M)
    assert int(counted) == root["Ebs"]["VolumeSize"] + of_data
