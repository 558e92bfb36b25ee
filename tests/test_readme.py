"""What the README shows works as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

from shipment_etl import Mapping

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text("utf-8"), flags=re.S | re.M)


def test_its_python_runs(tmp_path: Path) -> None:
    (code,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "carrier" in done.stdout
    assert "RowCounts(read=1000, accepted=1000, quarantined=0, duplicates=0)" in done.stdout


def test_its_mapping_is_one() -> None:
    (text,) = blocks("toml")
    mapping = Mapping.from_text(text, "README.md")
    assert mapping.unknown == {"shipment_weight_kg", "shipment_volume_m3", "route_distance_km", "shipping_cost"}


def test_its_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", README.read_text("utf-8"))
    assert targets
    assert [target for target in targets if not (README.parent / target).exists()] == []
