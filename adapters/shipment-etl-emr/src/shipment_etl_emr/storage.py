"""Storage: what a run needs in S3 is checked before any money is spent, and uploaded under the name of its content."""

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
"""What S3 means where it names no region."""


class Storage:
    """The S3 side of a run, through an injected client."""

    def __init__(self, s3: Any, calls: Calls) -> None:
        self._s3 = s3
        self._calls = calls

    def check(self, buckets: Mapping[str, str], region: str) -> None:
        """Check that buckets are there, may be used, and lie in the region.

        Args:
            buckets: what each holds, by its s3:// URI.
            region: where the cluster would run.

        Raises:
            EmrRefused: one does not.
        """
        for uri, use in buckets.items():
            bucket = s3_parts(uri, use)[0]
            try:
                found = self._calls(f"to look at the bucket {bucket}", self._s3.head_bucket, Bucket=bucket)
                lies = found.get("BucketRegion")
            except EmrError as problem:
                lies = _region_of(problem)
                if lies is None:
                    raise _refusal(problem, bucket, use) from problem
            if (lies or HOME_REGION) != region:
                raise RegionMismatch(bucket, lies or HOME_REGION, region)

    def has(self, uri: str) -> bool:
        """Return whether an object is there."""
        bucket, key = s3_parts(uri, "an object")
        try:
            self._calls(f"to look at {uri}", self._s3.head_object, Bucket=bucket, Key=key)
        except EmrError as problem:
            if code_of(problem) in NO_KEY | NO_BUCKET:
                return False
            raise
        return True

    def require(self, uri: str, what: str, remedy: str) -> str:
        """Return the URI of an object.

        Raises:
            ObjectMissing: it is not there.
        """
        if not self.has(uri):
            raise ObjectMissing(uri, what, remedy)
        return uri

    def put(self, folder: str, name: str, data: bytes) -> tuple[str, bool]:
        """Upload what is not there already; its URI, and whether it is new. The name must tell the content."""
        uri = f"{folder.rstrip('/')}/{name}"
        if self.has(uri):
            return uri, False
        bucket, key = s3_parts(uri, "an object")
        self._calls(f"to upload {uri}", self._s3.put_object, Bucket=bucket, Key=key, Body=data)
        return uri, True

    def script(self, folder: str, script: str, remedy: str) -> str:
        """Return the URI of a script: one that is in S3 already, or a file, which is uploaded.

        Raises:
            ObjectMissing: there is no such script.
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
    """Return the region that S3 points to, if it points elsewhere."""
    answer = getattr(problem.__cause__, "response", None) or {}
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return headers.get("x-amz-bucket-region") if code_of(problem) in ELSEWHERE else None


def _refusal(problem: EmrError, bucket: str, use: str) -> Exception:
    if code_of(problem) in NO_BUCKET:
        return BucketMissing(bucket, use)
    if code_of(problem) in DENIED:
        return BucketDenied(bucket, use)
    return problem
