"""What the README shows works as it stands there."""

import re
from pathlib import Path

from shipment_etl import Mapping
from tests.documents import ROOT, blocks, run_block

README = ROOT / "README.md"


def test_its_python_runs_and_others_read_the_results(tmp_path: Path) -> None:
    pipeline, readers = blocks(README, "python")
    printed = run_block(pipeline, tmp_path)
    assert "carrier" in printed
    assert "RowCounts(read=1000, accepted=1000, quarantined=0, duplicates=0, overtaken=0)" in printed
    # pandas, Polars and DuckDB each print it.
    assert run_block(readers, tmp_path).count("FedEx") == 3
    (pipe,) = (block for block in blocks(README, "sh") if "--format csv" in block.text)
    assert len(run_block(pipe, tmp_path).splitlines()) == 3


def test_its_mapping_is_one() -> None:
    (block,) = blocks(README, "toml")
    mapping = Mapping.from_text(block.text, "README.md")
    assert mapping.unknown == {"shipment_weight_kg", "shipment_volume_m3", "route_distance_km", "shipping_cost"}


def test_its_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", README.read_text("utf-8"))
    assert targets
    assert [target for target in targets if not (README.parent / target).exists()] == []
