"""The documentation is correct: the examples that it shows work."""

from pathlib import Path

import pytest

from tests.documents import ROOT, Block, run_block, run_page
from tests.readers import without_java

DOCS = ROOT / "docs"
RUN = sorted(
    page.relative_to(DOCS).as_posix() for kind in ("index", "tutorial/*", "how-to/*") for page in DOCS.glob(f"{kind}.md")
)


@pytest.mark.rehearsal
@pytest.mark.parametrize("page", RUN)
def test_the_examples_of_a_page_work(page: str, tmp_path: Path) -> None:
    run_page(DOCS / page, tmp_path)


@pytest.mark.rehearsal
def test_the_page_on_readers_works_with_classic_spark(tmp_path: Path) -> None:
    if reason := without_java():
        pytest.skip(reason)
    run_page(DOCS / "how-to/read-elsewhere.md", tmp_path)
    assert "FedEx" in run_block(Block("sh", None, "python classic_spark.py"), tmp_path)
