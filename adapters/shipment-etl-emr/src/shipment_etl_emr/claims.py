"""Claims: objects in S3 that say who may create what. S3 lets only one client create each, unlike any call of EMR."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

from shipment_etl.aws import LOST, code_of
from shipment_etl_emr.calls import Calls, Unsure
from shipment_etl_emr.errors import EmrError
from shipment_etl_emr.settings import s3_parts

__all__ = ["Claim", "Claims"]


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A claim that a client holds; `age` in seconds by the clock of S3."""

    attempt: int
    age: float


class Claims:
    """The claims below an s3:// folder, as one client sees them."""

    def __init__(self, s3: Any, folder: str, calls: Calls) -> None:
        self._s3 = s3
        self._calls = calls
        self._bucket, prefix = s3_parts(folder, "logs")
        self._prefix = f"{prefix}/claims/".lstrip("/")
        self._name = uuid4().hex
        self._etags: dict[str, str] = {}

    def latest(self, what: str) -> Claim | None:
        """Return the claim with the highest number, or None."""
        prefix = f"{self._prefix}{what}/"
        asked: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix}
        found: list[Claim] = []
        while True:
            page = self._calls(f"to list the claims {prefix}", self._s3.list_objects_v2, **asked)
            now = self._now(page)
            for each in page.get("Contents", []):
                moment: datetime = each["LastModified"]
                number = each["Key"].removeprefix(prefix)
                if number.isdecimal():
                    found.append(Claim(int(number), now - moment.timestamp()))
            if not page.get("IsTruncated"):
                return max(found, default=None)
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def take(self, what: str, attempt: int) -> bool:
        """Claim one attempt at creating something; return whether we hold it. Call it only once for each attempt."""
        key = self._key(what, attempt)
        try:
            made = self._calls(
                f"to claim {key}",
                self._s3.put_object,
                Bucket=self._bucket,
                Key=key,
                Body=self._name.encode(),
                IfNoneMatch="*",
            )
        except EmrError as problem:
            if code_of(problem) not in LOST:
                raise
            # The claim may be ours: the answer to our first put can get lost.
            made, holder = self._calls(f"to read the claim {key}", self._read, Bucket=self._bucket, Key=key)
            if holder != self._name:
                return False
        self._etags[key] = made["ETag"]
        return True

    def release(self, what: str, attempt: int) -> None:
        """Release a claim that we hold, under which nothing was created and nothing will be.

        There is no retry: a claim that remains has no effect once it is old, while a second attempt could delete the claim
        that another client has taken since.
        """
        key = self._key(what, attempt)
        with suppress(EmrError, Unsure):
            etag = self._etags.pop(key)
            self._calls.once(f"to release {key}", self._s3.delete_object, Bucket=self._bucket, Key=key, IfMatch=etag)

    def _read(self, **place: str) -> tuple[Any, str]:
        """Return S3's answer and the body; if the body breaks off, the whole call is retried."""
        answer = self._s3.get_object(**place)
        return answer, answer["Body"].read().decode()

    def _key(self, what: str, attempt: int) -> str:
        return f"{self._prefix}{what}/{attempt}"

    def _now(self, answer: Any) -> float:
        """Return the time of S3, whose clock dates the claims; our own time if the answer has none."""
        told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        return parsedate_to_datetime(told).timestamp() if told else self._calls.timing.now()
