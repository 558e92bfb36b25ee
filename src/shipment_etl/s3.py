"""S3: addresses there, and the settings that lead every engine to the same store. Pure: nothing is opened.

One address, `s3://bucket/prefix`, works for the embedded engine, for `deltalake` and for classic Spark, whose own name for
it (`s3a`) is hidden in `spark_settings`. Keys and tokens are in no address and in no setting: each client finds them where
all AWS tools look.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shipment_etl.errors import InvalidValue

__all__ = [
    "SPARK_PACKAGES",
    "Address",
    "endpoint_of",
    "engine_environment",
    "is_s3",
    "parse_uri",
    "region_of",
    "spark_settings",
]

SPARK_PACKAGES = ("org.apache.hadoop:hadoop-aws:3.3.4",)
"""Maven coordinates of Spark 3.5's way to S3, made for the Hadoop that pyspark 3.5 brings."""

SCHEMES = ("s3://", "s3a://")
URI = re.compile(r"s3[an]?://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<key>.*))?", re.DOTALL)
PREFIX = re.compile(r"(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*")
SECONDS_TO_CONNECT = 5


@dataclass(frozen=True, slots=True)
class Address:
    """A place in a bucket; the prefix has no slash at its ends and may be empty."""

    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        """The address as one text, s3://bucket/prefix."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def path(self) -> str:
        """Bucket and prefix as one path."""
        return f"{self.bucket}/{self.prefix}".rstrip("/")

    def key(self, name: str) -> str:
        """Return the key of something below the address."""
        return f"{self.prefix}/{name}".lstrip("/")

    @staticmethod
    def parse(uri: str) -> "Address":
        """Return the address that s3://bucket/prefix (or s3a://) names.

        Raises:
            InvalidValue: it names none, or holds what the embedded engine would not find again.
        """
        if "@" in uri:
            # Said without the address, because what stands before the @ is a secret.
            raise InvalidValue("lake", "s3://…@…", "an address without keys; put these into the environment or a profile")
        bucket, prefix = parse_uri(uri) or ("", "")
        if not bucket or not (prefix == "" or PREFIX.fullmatch(prefix)):
            expected = "s3://bucket/prefix, the bucket by S3's rules and the prefix of letters, digits and . _ ~ - / only"
            raise InvalidValue("lake", uri, expected)
        return Address(bucket, prefix)


def parse_uri(uri: str) -> tuple[str, str] | None:
    """Return bucket and key of an address, by any of the names that Hadoop has for S3; None if it is none.

    The key has no slash at its ends, and may be empty.
    """
    found = URI.fullmatch(uri)
    return found and (found["bucket"], (found["key"] or "").strip("/"))


def is_s3(uri: str) -> bool:
    """Whether an address is meant for S3."""
    return uri.startswith(SCHEMES)


def endpoint_of(environ: Mapping[str, str]) -> str | None:
    """Return the address of a store other than AWS's own, as AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL has it."""
    return environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or None


def region_of(environ: Mapping[str, str]) -> str | None:
    """Return the region, as AWS_REGION or AWS_DEFAULT_REGION has it."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None


def spark_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with which classic Spark, with `SPARK_PACKAGES`, reads and writes s3:// addresses.

    For a Spark of one's own. On Amazon EMR leave them away: its own client knows s3:// already.

    Args:
        environ: the environment: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, AWS_REGION or AWS_DEFAULT_REGION. No secret of it
            ends in a setting, which Spark shows in its UI and logs.
    """
    s3a = "spark.hadoop.fs.s3a"
    settings = {
        # Hadoop knows the client as s3a; so it answers to s3 as well, and Delta takes its log store for S3 for both.
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        # Hadoop's own chain knows no profiles.
        f"{s3a}.aws.credentials.provider": "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
        # The defaults try for minutes where nobody answers.
        f"{s3a}.connection.establish.timeout": str(SECONDS_TO_CONNECT * 1000),
        f"{s3a}.attempts.maximum": "3",
        f"{s3a}.retry.limit": "3",
    }
    if region := region_of(environ):
        settings[f"{s3a}.endpoint.region"] = region
    if endpoint := endpoint_of(environ):
        settings[f"{s3a}.endpoint"] = endpoint
        settings[f"{s3a}.path.style.access"] = "true"
        settings[f"{s3a}.connection.ssl.enabled"] = str(endpoint.startswith("https:")).lower()
    return settings


def engine_environment(endpoint: str | None, region: str) -> dict[str, str]:
    """Return the variables that the embedded engine needs beside AWS's own to find a store that is not AWS's.

    It reads them when it first opens a bucket. AWS_ENDPOINT is a name that only it knows, so that no other client of this
    process is led astray.
    """
    if endpoint is None:
        return {}
    plain = {"AWS_ALLOW_HTTP": "true"} if endpoint.startswith("http:") else {}
    # For such a store it would not ask a profile for the region.
    return {"AWS_ENDPOINT": endpoint, "AWS_REGION": region, **plain}
