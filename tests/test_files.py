"""Files of the user: where they are written, also for a user without a home directory."""

from pathlib import Path

import pytest

from shipment_etl.engines.jars import delta_jars
from shipment_etl.engines.java import Java
from shipment_etl.errors import FileUnwritable, InvalidValue, JarsUnreachable
from shipment_etl.files import cache_folder, state_folder, write_file


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user as in a container that runs with any user id."""
    monkeypatch.delenv("HOME")
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54_321)


def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert write_file("~/new/report.html", "<p>é</p>") == tmp_path / "new" / "report.html"
    assert (tmp_path / "new" / "report.html").read_text("utf-8") == "<p>é</p>"
    assert cache_folder({}) == tmp_path / ".cache" / "shipment_etl"
    assert state_folder({}) == tmp_path / ".local" / "state" / "shipment_etl"


def test_a_file_that_cannot_be_written_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(FileUnwritable, match=r"taken/report\.html cannot be written: (File exists|Not a directory)\."):
        write_file(tmp_path / "taken" / "report.html", "")
    with pytest.raises(FileUnwritable, match=r"^~nobody-here/x cannot be written: .*home directory\. Choose another file\."):
        write_file("~nobody-here/x", "")


@pytest.mark.usefixtures("homeless")
def test_without_a_home_directory_the_variable_to_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="XDG_CACHE_HOME is '', but must be a folder, because this user has no home"):
        cache_folder({})
    with pytest.raises(InvalidValue, match="XDG_STATE_HOME"):
        state_folder({})
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "shipment_etl"


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "taken"))
    with pytest.raises(JarsUnreachable, match=r"(File exists|Not a directory).*taken.*SHIPMENT_ETL_JARS"):
        delta_jars(Java("PATH", tmp_path, 17))
