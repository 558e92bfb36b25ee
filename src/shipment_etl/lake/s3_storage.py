"""A lake on S3: the same interface as a folder, with boto3's credentials, and errors that say what to do.

boto3 finds credentials, region and endpoint as every AWS tool does (environment, profile, role); they are passed to pyarrow
and `deltalake` in memory. None is written anywhere.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pyarrow.fs as pafs

from shipment_etl.aws import CREDENTIALS, DENIED, ELSEWHERE, LOST, NO_BUCKET, NO_KEY, code_of
from shipment_etl.errors import (
    BucketElsewhere,
    BucketMissing,
    CredentialsMissing,
    CredentialsRefused,
    ExtraMissing,
    StorageDenied,
    StorageError,
    StorageFailed,
    StorageUnreachable,
)
from shipment_etl.lake.lock import LOCK
from shipment_etl.lake.object_lock import ObjectLock
from shipment_etl.lake.storage import COMMIT, Storage
from shipment_etl.retry import retry
from shipment_etl.s3 import Address, engine_environment, region_of

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError,
        CredentialRetrievalError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
        SSOError,
    )
    from urllib3.exceptions import HTTPError
except ImportError:
    raise ExtraMissing("A lake on S3", "boto3", "s3") from None

__all__ = ["S3Storage"]

HOME_REGION = "us-east-1"
"""The region of S3 if nothing names one."""
SECONDS_TO_CONNECT = 3
SECONDS_TO_ANSWER = 10
SECONDS_TO_SAY_SOMETHING = 5
MAX_ATTEMPTS = 3
UNANSWERED = (BotoCoreError, HTTPError)
"""A call without a response. botocore does not translate urllib3's error if the body of an error is cut off."""
FAILED_REQUEST = re.compile(
    r"Generic S3 error|AWS Error|AWS\w*Exception|SdkClientException|Premature end of Content-Length|[Rr]esponse body"
)
"""Messages of engines that give up on S3, each in its own words. Each has retried before."""
OURS = re.compile(r"https?://s3[.-]([a-z0-9-]+\.)*amazonaws\.com(\.cn)?$")


class S3Storage(Storage):
    """A prefix of a bucket.

    Args:
        uri: s3://bucket/prefix.

    Raises:
        InvalidValue: the address is not usable.
        CredentialsRefused: AWS_PROFILE names a profile that does not exist.
    """

    def __init__(self, uri: str) -> None:
        self._at = Address.parse(uri)
        super().__init__(self._at.uri)
        try:
            # By itself, boto3 only reads AWS_DEFAULT_REGION.
            self._session = boto3.Session(region_name=region_of(os.environ))
            self._client = self._session.client("s3", config=_patience(SECONDS_TO_ANSWER, MAX_ATTEMPTS))
            # Whether anything responds at all is known sooner.
            self._asking = self._session.client("s3", config=_patience(SECONDS_TO_SAY_SOMETHING, 2))
        except BotoCoreError as problem:
            raise self._translate(problem) from problem
        found = self._client.meta.endpoint_url
        self._endpoint: str | None = None if OURS.fullmatch(found) else found
        self._region: str | None = self._session.region_name
        self._reached = False
        self._files: tuple[Any, pafs.FileSystem] | None = None
        self._seen: dict[str, int] = {}
        if self._region:
            # The embedded engine reads the environment when it first opens a bucket.
            os.environ.update(engine_environment(self._endpoint, self._region))

    @property
    def region(self) -> str:
        """The region of the environment or profile; if neither names one, as on a cluster's node, the bucket's."""
        if self._region is None:
            self.check()
        return self._region or HOME_REGION

    @property
    def files(self) -> pafs.FileSystem:
        """The lake as a file system; created again when the credentials change."""
        keys = self._keys()
        if self._files is None or self._files[0] != keys:
            place = urlsplit(self._endpoint or "")
            store = pafs.S3FileSystem(
                access_key=keys.access_key,
                secret_key=keys.secret_key,
                session_token=keys.token,
                region=self.region,
                scheme=place.scheme or "https",
                endpoint_override=(place.netloc + place.path).rstrip("/") or None,
                connect_timeout=SECONDS_TO_CONNECT,
                request_timeout=SECONDS_TO_ANSWER,
                retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=MAX_ATTEMPTS),
                tls_ca_file_path=os.environ.get("AWS_CA_BUNDLE"),
            )
            self._files = (keys, pafs.SubTreeFileSystem(self._at.path, store))
        return self._files[1]

    @property
    def options(self) -> dict[str, str]:
        """Options for `deltalake` to open a table, with the current credentials."""
        keys = self._keys()
        options = {
            "aws_access_key_id": keys.access_key,
            "aws_secret_access_key": keys.secret_key,
            "aws_region": self.region,
            "aws_conditional_put": "etag",
            "connect_timeout": f"{SECONDS_TO_CONNECT}s",
            "max_retries": str(MAX_ATTEMPTS),
            "retry_timeout": f"{SECONDS_TO_ANSWER * MAX_ATTEMPTS}s",
        }
        if keys.token:
            options["aws_session_token"] = keys.token
        if self._endpoint:
            options["aws_endpoint_url"] = self._endpoint
            options["aws_allow_http"] = str(self._endpoint.startswith("http:")).lower()
        return options

    def check(self) -> None:
        """List one key of the lake. Errors as for `Storage.check`."""
        self._keys()
        with self._translate_errors():
            answer = self._asking.list_objects_v2(Bucket=self._at.bucket, Prefix=self._at.key(""), MaxKeys=1)
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        # boto3 follows a bucket to its region by itself; the engines do not.
        region = headers.get("x-amz-bucket-region") or self._region or HOME_REGION
        if self._region is None:
            self._region = region
            os.environ.update({"AWS_REGION": region, **engine_environment(self._endpoint, region)})
        elif region != self._region:
            raise BucketElsewhere(self._at.bucket, region, self._region)
        self._reached = True

    def check_writable(self) -> None:
        """Write an object and delete it again. Errors as for a folder."""
        self.check()
        probe = {"Bucket": self._at.bucket, "Key": self._at.key(f"_probe-{uuid4().hex}")}
        with self._translate_errors():
            self._client.put_object(**probe, Body=b"")
            self._client.delete_object(**probe)

    def failure_in(self, text: str) -> StorageError | None:
        """Return the error of a request that failed in deltalake, pyarrow, Sail or Hadoop."""
        return StorageFailed(self.uri, text) if FAILED_REQUEST.search(text) else None

    @contextmanager
    def translate_failures(self) -> Iterator[None]:
        """Use files in the body, after checking that the bucket can be reached at all."""
        if not self._reached:
            self.check()
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as problem:
            self.check()
            raise StorageFailed(self.uri, str(problem)) from problem

    def lock(self, job: str) -> ObjectLock:
        """Return the lock of the lake, not yet taken."""
        return ObjectLock(self, self.uri, job)

    def exists(self) -> bool:
        """Whether there is anything at the address but a lock."""
        with self.translate_failures(), self._translate_errors():
            answer = self._client.list_objects_v2(Bucket=self._at.bucket, Prefix=self._at.key(""), MaxKeys=3)
        return any(each["Key"] not in (self._at.key(""), self._at.key(LOCK)) for each in answer.get("Contents", ()))

    def make_empty(self, path: str) -> None:
        """Empty a folder; there is nothing to make."""
        self.delete(path)

    def delete(self, path: str) -> None:
        """Delete all objects below a path. pyarrow would leave an empty object in place of the folder."""
        pages = self._client.get_paginator("list_objects_v2")
        with self.translate_failures(), self._translate_errors():
            for page in pages.paginate(Bucket=self._at.bucket, Prefix=self._at.key(f"{path}/")):
                if keys := [{"Key": each["Key"]} for each in page.get("Contents", ())]:
                    answer = self._client.delete_objects(Bucket=self._at.bucket, Delete={"Objects": keys, "Quiet": True})
                    for refused in answer.get("Errors", ()):
                        raise self._translate_answer(ClientError({"Error": refused}, "DeleteObjects"))

    @contextmanager
    def create_file(self, path: str) -> Iterator[Path]:
        """Yield the path of a temporary file on this machine, and upload it after the body."""
        with tempfile.TemporaryDirectory(prefix="shipment-etl-") as folder:
            local = Path(folder, Path(path).name)
            yield local
            with self.translate_failures(), local.open("rb") as source, self.files.open_output_stream(path) as target:
                shutil.copyfileobj(source, target, 1 << 23)

    def newest_commit(self, log: str) -> int | None:
        """As for a folder, but lists all commits after a known one at once: the last one seen, or the checkpoint."""
        known = self._seen.get(log)
        newest = -1 if known is None else self._newest_from(log, known)
        if newest < 0:
            # Never seen, or deleted since.
            checkpoint = self.last_checkpoint(log)
            newest = max(checkpoint, self._newest_from(log, checkpoint + 1))
        if newest < 0:
            self._seen.pop(log, None)
            return None
        self._seen[log] = newest
        return newest

    def _newest_from(self, log: str, version: int) -> int:
        """Return the newest commit that is not older than a version, or -1."""
        pages = self._client.get_paginator("list_objects_v2")
        # Start after the name of the previous commit, whether that exists or not.
        start = {"StartAfter": self._at.key(f"{log}/{version - 1:020}.json")} if version > 0 else {}
        newest = -1
        with self.translate_failures(), self._translate_errors():
            for page in pages.paginate(Bucket=self._at.bucket, Prefix=self._at.key(f"{log}/"), **start):
                names = (each["Key"].rpartition("/")[2] for each in page.get("Contents", ()))
                newest = max((int(name[:20]) for name in names if COMMIT.fullmatch(name)), default=newest)
        return newest

    def read(self, path: str) -> bytes | None:
        """Return the content of an object, None if it does not exist."""
        with self.translate_failures():
            there = self.fetch(path)
        return None if there is None else there[0]

    def fetch(self, name: str) -> tuple[bytes, str, float] | None:
        """Return an object, its etag, and its age in seconds by S3's own clock, or None if it does not exist."""
        if not self._reached:
            self.check()
        # boto3 retries a failed request, but not one whose response was cut off.
        return retry(lambda: self._fetch(name), until=lambda tries: tries >= MAX_ATTEMPTS, first=0.1, most=1)

    def _fetch(self, name: str) -> tuple[bytes, str, float] | None:
        try:
            answer = self._client.get_object(Bucket=self._at.bucket, Key=self._at.key(name))
        except ClientError as problem:
            if code_of(problem) in NO_KEY:
                return None
            raise self._translate(problem) from problem
        except UNANSWERED as problem:
            raise self._translate(problem) from problem
        try:
            body = answer["Body"].read()
        except UNANSWERED as problem:
            raise StorageFailed(f"{self.uri}/{name}", f"its response was cut off ({problem})") from problem
        asked = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        return body, answer["ETag"], (parsedate_to_datetime(asked) - answer["LastModified"]).total_seconds()

    def put(self, name: str, body: bytes, etag: str | None) -> str | None:
        """Write an object if it does not exist, or still has this etag; return its new etag, else None."""
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        try:
            answer = self._client.put_object(Bucket=self._at.bucket, Key=self._at.key(name), Body=body, **condition)
        except ClientError as problem:
            # With If-Match, a deleted key is a 404.
            if code_of(problem) in (*LOST, "NoSuchKey"):
                return None
            raise self._translate(problem) from problem
        except UNANSWERED as problem:
            raise self._translate(problem) from problem
        return str(answer["ETag"])

    def _keys(self) -> Any:
        """Return the current credentials.

        Raises:
            CredentialsMissing, CredentialsRefused: there are none, or they could not be fetched.
        """
        with self._translate_errors():
            found = self._session.get_credentials()
            keys = None if found is None else found.get_frozen_credentials()
        if keys is None or not keys.access_key:
            raise CredentialsMissing(self.uri)
        return keys

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except (ClientError, *UNANSWERED) as problem:
            raise self._translate(problem) from problem

    def _translate(self, problem: Exception) -> StorageError:
        """Translate an error of boto3 or S3 into one of our errors."""
        if isinstance(problem, ClientError):
            return self._translate_answer(problem)
        if isinstance(problem, NoCredentialsError):
            return CredentialsMissing(self.uri)
        if isinstance(problem, ProfileNotFound | PartialCredentialsError | CredentialRetrievalError | SSOError):
            return CredentialsRefused(self.uri, str(problem).rstrip("."))
        if isinstance(problem, ConnectionError | HTTPClientError):
            return StorageUnreachable(self.uri, self._endpoint or f"S3 in {self._region or HOME_REGION}")
        return StorageFailed(self.uri, str(problem))

    def _translate_answer(self, problem: ClientError) -> StorageError:
        code, answer = code_of(problem), problem.response
        if code in CREDENTIALS:
            return CredentialsRefused(self.uri, CREDENTIALS[code])
        if code in NO_BUCKET:
            return BucketMissing(self._at.bucket, self._endpoint or f"S3 in {self._region or HOME_REGION}")
        if code in DENIED:
            return StorageDenied(self.uri)
        if code in ELSEWHERE:
            headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            region = headers.get("x-amz-bucket-region") or answer["Error"].get("Region") or "another region"
            return BucketElsewhere(self._at.bucket, region, self._region or HOME_REGION)
        return StorageFailed(self.uri, str(problem))


def _patience(seconds: float, attempts: int) -> Config:
    return Config(
        connect_timeout=SECONDS_TO_CONNECT,
        read_timeout=seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
