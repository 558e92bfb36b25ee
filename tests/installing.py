"""Third-party plugins, installed for a test."""

from pathlib import Path

__all__ = ["install"]


def install(folder: Path, name: str, code: str) -> None:
    """Write a module and its installation metadata to a folder on the path."""
    (folder / f"{name}.py").write_text(code)
    record = folder / f"{name}-0.1.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    (record / "entry_points.txt").write_text(f"[shipment_etl]\n{name} = {name}\n")
