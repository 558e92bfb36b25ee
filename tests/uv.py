"""uv, which installs what a test needs in addition to the locked environment."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def find_uv() -> str:
    """Return the uv on the path, else the one that `make` installed; skip the test if there is neither."""
    found = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
    if not Path(found).exists():
        pytest.skip("uv is not installed; `make setup` installs it")
    return found
