"""Extends moto's S3 with the defaults for new buckets since 2023: encrypted, and public access blocked."""

from functools import wraps
from typing import Any

from moto.s3.models import PublicAccessBlock, S3Backend

__all__ = ["install"]

ENCRYPTION = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}}


def install() -> None:
    """Patch moto; call it before the first request."""
    create = S3Backend.create_bucket
    if hasattr(create, "__wrapped__"):
        return

    @wraps(create)
    def create_bucket(self: Any, bucket_name: str, region_name: str, *given: Any, **more: Any) -> Any:
        bucket = create(self, bucket_name, region_name, *given, **more)
        bucket.encryption = ENCRYPTION
        bucket.public_access_block = PublicAccessBlock("true", "true", "true", "true")
        return bucket

    S3Backend.create_bucket = create_bucket  # type: ignore[method-assign]
