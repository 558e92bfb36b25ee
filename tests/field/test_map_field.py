"""Drafts for tables of many kinds: each column is right or its line says CHECK, and the docs have the figures."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from shipment_etl.ingest.mapping import SourceMapping
from tests.documents import ROOT
from tests.field.map_measuring import as_markdown, measure
from tests.field.map_tables import TABLES

PAGE = ROOT / "docs/how-to/map-a-file.md"
MAX_EDITS = 5


@pytest.mark.rehearsal
@pytest.mark.timeout(900)
def test_the_docs_have_the_measured_figures(spark: SparkSession, tmp_path: Path) -> None:
    measured = [measure(table, spark, tmp_path) for table in TABLES]
    for each in measured:
        if not each.draft.open:
            assert SourceMapping.from_text(each.text, each.table.title).columns == each.draft.found
        for line in each.draft.lines:
            if line.name in each.wrong:
                assert any(why.startswith("CHECK") for why in line.evidence), f"{each.table.title}: {line}"
    assert as_markdown(measured) in PAGE.read_text("utf-8"), "Run: python -m tests.field.map_measuring"


def test_there_are_enough_tables_and_few_edits() -> None:
    assert len(TABLES) >= 25
    assert max(len(table.edits) for table in TABLES) <= MAX_EDITS
    assert len({table.title for table in TABLES}) == len(TABLES)
