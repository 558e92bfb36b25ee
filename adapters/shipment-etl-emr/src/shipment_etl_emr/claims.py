"""Claims: objects in S3 that say who may create what. S3 lets one client write each, which no call of EMR offers."""

from typing import Any
from uuid import uuid4

from shipment_etl_emr.calls import Calls, code_of
from shipment_etl_emr.errors import EmrError
from shipment_etl_emr.settings import s3_parts

__all__ = ["Claims"]

TAKEN = ("PreconditionFailed", "412")


class Claims:
    """The claims below an s3:// folder, as one client sees them."""

    def __init__(self, s3: Any, folder: str, calls: Calls) -> None:
        self._s3 = s3
        self._calls = calls
        self._bucket, prefix = s3_parts(folder, "logs")
        self._prefix = f"{prefix}/claims/".lstrip("/")
        self._name = uuid4().hex

    def take(self, what: str, attempt: int) -> bool:
        """Claim one attempt at creating something; whether it is ours now. Each is to be asked for once only."""
        key = f"{self._prefix}{what}/{attempt}"
        try:
            self._calls(
                f"to claim {key}",
                self._s3.put_object,
                Bucket=self._bucket,
                Key=key,
                Body=self._name.encode(),
                IfNoneMatch="*",
            )
        except EmrError as problem:
            if code_of(problem.__cause__ or problem) not in TAKEN:
                raise
            # It may be our own: the answer to a put can get lost, too.
            found = self._calls(f"to read the claim {key}", self._s3.get_object, Bucket=self._bucket, Key=key)
            return bool(found["Body"].read().decode() == self._name)
        return True
