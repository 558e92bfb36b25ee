"""Plugins of others, installed for a test."""

from pathlib import Path

__all__ = ["install"]


def install(folder: Path, name: str, code: str) -> None:
    """Put a module and the record of its installation into a folder of the path."""
    (folder / f"{name}.py").write_text(code)
    record = folder / f"{name}-0.1.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    (record / "entry_points.txt").write_text(f"[shipment_etl]\n{name} = {name}\n")
