"""Files on S3: an address stands for the same files as the same path on disk."""

import io
import json
import tempfile
import zipfile
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from shipment_etl.errors import FileEmpty, FileMissing, FileUnreadable, IngestError
from shipment_etl.ingest.inputs import Input, find_inputs
from shipment_etl.ingest.reader import read
from shipment_etl.lake.s3_inputs import find_s3_inputs
from tests.ingest.mappings import HEADER, mapping
from tests.ingest.trees import grow, patterns, trees
from tests.store.client import Store

BUCKET = "files-of-users"
NUMBERS = count()
TEXT = f"{','.join(HEADER)}\n1,A,B,2026-01-01,2026-01-02,2026-01-03,5\n"


@pytest.fixture(scope="module")
def bucket(store: Store) -> str:
    return store.bucket(BUCKET)


def put(store: Store, *keys: str, body: bytes = TEXT.encode()) -> str:
    """Put files below a new prefix, and return its name."""
    prefix = f"n{next(NUMBERS)}"
    for key in keys:
        store.client.put_object(Bucket=BUCKET, Key=f"{prefix}/{key}", Body=body)
    return prefix


def names(found: list[Input], root: str | Path) -> list[str]:
    return [each.name.removeprefix(f"{root}/") for each in found]


def find(root: str, path: str = "") -> list[str] | type[IngestError]:
    try:
        if root.startswith("s3://"):
            return names(find_s3_inputs(f"{root}{path}"), root)
        return names(find_inputs([f"{root}{path}"]), root)
    except IngestError as problem:
        return type(problem)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trees.filter(bool), patterns)
def test_an_address_stands_for_the_same_files_as_a_path(store: Store, bucket: str, tree: list[str], pattern: str) -> None:
    on_s3 = f"{bucket}/{put(store, *tree)}"
    with tempfile.TemporaryDirectory() as folder:
        grow(Path(folder), tree, TEXT)
        assert find(on_s3, f"/{pattern}") == find(folder, f"/{pattern}")
        for end in ("", "/"):
            whole, expected = find(on_s3, end), find(folder, end)
            assert whole == (expected if isinstance(expected, type) else sorted(expected))


def test_a_prefix_has_the_files_of_known_formats_without_those_that_programs_put_there(store: Store, bucket: str) -> None:
    keys = ("b.csv", "a/day=1/c.jsonl.gz", "a/d.md", "_SUCCESS", "_temporary/0/e.csv", "t/_delta_log/0.json", ".f.csv")
    prefix = put(store, *keys)
    found = find_s3_inputs(f"{bucket}/{prefix}")
    assert names(found, f"{bucket}/{prefix}") == ["a/day=1/c.jsonl.gz", "b.csv"]
    assert found[0].partitions == {"day": "1"}
    assert find(f"{bucket}/{prefix}", "/t/_delta_log") == ["t/_delta_log/0.json"], "what is named is read"
    assert find(f"{bucket}/{prefix}", "/*") == ["_SUCCESS", "b.csv"], "a pattern takes every file that matches"


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("none.csv", FileMissing, "There is no file s3://files-of-users/{prefix}/none.csv."),
        ("none/", FileMissing, "There is no file s3://files-of-users/{prefix}/none/."),
        ("docs", FileEmpty, "s3://files-of-users/{prefix}/docs has no rows: it has no file in a known format."),
        ("*.csv", FileEmpty, "s3://files-of-users/{prefix}/*.csv has no rows: it has no file in a known format."),
    ],
)
def test_an_address_without_files_is_reported(
    store: Store, bucket: str, path: str, error: type[Exception], said: str
) -> None:
    prefix = put(store, "docs/a.md", "docs/b.csv/c.md")
    with pytest.raises(error) as caught:
        find_s3_inputs(f"{bucket}/{prefix}/{path}")
    assert said.format(prefix=prefix) in str(caught.value)


def test_a_zip_archive_is_read_member_by_member(store: Store, bucket: str) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("day=1/a.csv", TEXT)
        archive.writestr("b.csv", TEXT * 100_000)
        archive.writestr("__MACOSX/._a.csv", "no")
    prefix = put(store, "z.ZIP", body=data.getvalue())
    for path in ("", "/z.ZIP", "/*"):
        found = find_s3_inputs(f"{bucket}/{prefix}{path}")
        assert names(found, f"{bucket}/{prefix}") == ["z.ZIP/day=1/a.csv", "z.ZIP/b.csv"]
    first, second = ([*read(each, mapping())] for each in found)
    assert json.loads(first[0]["record"][0].as_py())["day"] == "1"
    assert sum(map(len, second)) == 199_999


@pytest.mark.parametrize("body", [b"no zip", b"PK\x05\x06" + b"\xff" * 18, b"PK\x05\x06" + b"\1" * 18])
def test_a_file_that_only_has_the_name_of_an_archive_is_reported(store: Store, bucket: str, body: bytes) -> None:
    prefix = put(store, "z.zip", body=body)
    with pytest.raises(FileUnreadable, match="it is not a zip archive"):
        find_s3_inputs(f"{bucket}/{prefix}/z.zip")
