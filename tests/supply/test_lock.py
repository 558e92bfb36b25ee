"""The lock: every installed file is verified by its hash, on a laptop and on a cluster."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "adapters/shipment-etl-emr/src/shipment_etl_emr/cluster-requirements.txt"
LOCKED = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
FOREIGN = [package for package in LOCKED if "editable" not in package["source"]]
SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


def files(package: dict) -> list[dict]:
    return [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]


def test_all_packages_but_our_own_come_from_a_registry_with_the_hash_of_each_file() -> None:
    assert len(FOREIGN) > 100
    assert [package["name"] for package in FOREIGN if "registry" not in package["source"]] == []
    assert [package["name"] for package in FOREIGN if not files(package)] == []
    assert [file["url"] for package in FOREIGN for file in files(package) if not SHA256.fullmatch(file["hash"])] == []


def test_a_cluster_gets_the_files_of_the_lock_each_verified_by_its_hash() -> None:
    locked = {(each["name"], each["version"]): {file["hash"] for file in files(each)} for each in FOREIGN}
    requirements = CLUSTER.read_text().replace("\\\n", " ").splitlines()
    assert len(requirements) > 20
    for line in requirements:
        name, version = re.match(r"([a-z0-9-]+)==([^ ;]+)(?: ;[^\\]*?)? +--hash=", line).groups()
        hashes = re.findall(r"--hash=(\S+)", line)
        assert hashes, line
        assert set(hashes) <= locked[name, version], name
