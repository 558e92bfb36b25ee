"""CONTRIBUTING: the places that it names exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACE = re.compile(r"`([\w./-]+\.(?:py|j2))(?::(\w+))?`")
WALK, CHANGES = (
    re.search(rf"(?ms)^## {heading}$(.*?)^## ", (ROOT / "CONTRIBUTING.md").read_text()).group(1)  # type: ignore[union-attr]
    for heading in ("The way of one shipment", "Where to change what")
)


def _places(text: str, below: Path) -> list[tuple[Path, str]]:
    return sorted({(below / file, name) for file, name in PLACE.findall(text)})


def _names(file: Path) -> set[str]:
    """Return the names that a module and its classes define."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update(each.id for each in targets if isinstance(each, ast.Name))
    return found


@pytest.mark.parametrize(
    ("file", "name"), [*_places(WALK, ROOT / "src" / "shipment_etl"), *_places(CHANGES, ROOT)], ids=lambda given: str(given)
)
def test_a_place_exists(file: Path, name: str) -> None:
    assert file.exists()
    assert not name or name in _names(file)


def test_the_walk_covers_every_package_and_every_change_has_a_place() -> None:
    packages = {each.parent.name for each in (ROOT / "src" / "shipment_etl").glob("*/__init__.py")}
    walked = {Path(file).parts[0] for file, _ in PLACE.findall(WALK)}
    assert packages - walked == {"engines", "errors", "listeners", "mapping_draft", "twin"}, "not on the way of a shipment"
    rows = [line for line in CHANGES.splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(rows) == 12
    assert all(PLACE.search(row) for row in rows)
