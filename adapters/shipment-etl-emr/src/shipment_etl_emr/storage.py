"""Storage: checks what a run needs in S3 before any money is spent, and uploads files under names with their digest."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shipment_etl.aws import DENIED, ELSEWHERE, NO_BUCKET, NO_KEY, code_of
from shipment_etl_emr.calls import Calls
from shipment_etl_emr.errors import (
    BucketDenied,
    BucketMissing,
    EmrError,
    ObjectMissing,
    RegionMismatch,
)
from shipment_etl_emr.settings import s3_parts

__all__ = ["Storage"]

HOME_REGION = "us-east-1"
"""The region of a bucket for which S3 names none."""


class Storage:
    """The S3 side of a run, through an injected client."""

    def __init__(self, s3: Any, calls: Calls) -> None:
        self._s3 = s3
        self._calls = calls

    def check(self, buckets: Mapping[str, str], region: str) -> None:
        """Check that buckets exist, are accessible, and are in the region.

        Args:
            buckets: the purpose of each bucket, by its s3:// URI.
            region: where the cluster would run.

        Raises:
            EmrRefused: a bucket fails the check.
        """
        for uri, use in buckets.items():
            bucket = s3_parts(uri, use)[0]
            try:
                found = self._calls(f"to check the bucket {bucket}", self._s3.head_bucket, Bucket=bucket)
                lies = found.get("BucketRegion")
            except EmrError as problem:
                lies = _region_of(problem)
                if lies is None:
                    raise _refusal(problem, bucket, use) from problem
            if (lies or HOME_REGION) != region:
                raise RegionMismatch(bucket, lies or HOME_REGION, region)

    def has(self, uri: str) -> bool:
        """Return whether an object exists."""
        bucket, key = s3_parts(uri, "an object")
        try:
            self._calls(f"to check {uri}", self._s3.head_object, Bucket=bucket, Key=key)
        except EmrError as problem:
            if code_of(problem) in NO_KEY | NO_BUCKET:
                return False
            raise
        return True

    def require(self, uri: str, what: str, remedy: str) -> str:
        """Return the URI of an object.

        Raises:
            ObjectMissing: the object does not exist.
        """
        if not self.has(uri):
            raise ObjectMissing(uri, what, remedy)
        return uri

    def put(self, folder: str, name: str, data: bytes) -> tuple[str, bool]:
        """Upload data unless it exists; return its URI and whether it is new. The name must identify the content."""
        uri = f"{folder.rstrip('/')}/{name}"
        if self.has(uri):
            return uri, False
        bucket, key = s3_parts(uri, "an object")
        self._calls(f"to upload {uri}", self._s3.put_object, Bucket=bucket, Key=key, Body=data)
        return uri, True

    def script(self, folder: str, script: str, remedy: str) -> str:
        """Return the URI of a script: one that is already in S3, or a file, which is uploaded.

        Raises:
            ObjectMissing: the script does not exist.
        """
        if script.startswith("s3://"):
            return self.require(script, "script", remedy)
        file = Path(script)
        if not file.is_file():
            raise ObjectMissing(script, "script", remedy)
        data = file.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        return self.put(folder, f"scripts/{digest[:16]}/{file.name}", data)[0]


def _region_of(problem: EmrError) -> str | None:
    """Return the bucket's region if S3 redirects to another one."""
    answer = getattr(problem.__cause__, "response", None) or {}
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return headers.get("x-amz-bucket-region") if code_of(problem) in ELSEWHERE else None


def _refusal(problem: EmrError, bucket: str, use: str) -> Exception:
    if code_of(problem) in NO_BUCKET:
        return BucketMissing(bucket, use)
    if code_of(problem) in DENIED:
        return BucketDenied(bucket, use)
    return problem
