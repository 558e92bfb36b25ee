"""S3 addresses, and the settings with which every engine finds the same store. Pure: nothing is opened.

One address, `s3://bucket/prefix`, works for the embedded engine, for `deltalake` and for classic Spark, whose own name for
it (`s3a`) is hidden in `spark_settings`. Keys and tokens are never in an address or a setting: each client finds them in the
same places as all AWS tools.
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
"""Maven coordinates of the S3 client for Spark 3.5, built for the Hadoop version that pyspark 3.5 includes."""

SCHEMES = ("s3://", "s3a://")
URI = re.compile(r"s3[an]?://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<key>.*))?", re.DOTALL)
PREFIX = re.compile(r"(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*")
SECONDS_TO_CONNECT = 5


@dataclass(frozen=True, slots=True)
class Address:
    """A place in a bucket; the prefix does not start or end with a slash and may be empty."""

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
        """Parse s3://bucket/prefix (or s3a://).

        Raises:
            InvalidValue: it is not such an address, or contains characters that the embedded engine cannot handle.
        """
        if "@" in uri:
            # The message leaves out the address, because the part before the @ is a secret.
            raise InvalidValue("lake", "s3://…@…", "an address without keys; put these into the environment or a profile")
        bucket, prefix = parse_uri(uri) or ("", "")
        if not bucket or not (prefix == "" or PREFIX.fullmatch(prefix)):
            expected = "s3://bucket/prefix, with a valid bucket name and a prefix of letters, digits and . _ ~ - / only"
            raise InvalidValue("lake", uri, expected)
        return Address(bucket, prefix)


def parse_uri(uri: str) -> tuple[str, str] | None:
    """Return bucket and key of an address in any of the schemes that Hadoop has for S3; None if it is no such address.

    The key does not start or end with a slash, and may be empty.
    """
    found = URI.fullmatch(uri)
    return found and (found["bucket"], (found["key"] or "").strip("/"))


def is_s3(uri: str) -> bool:
    """Return whether an address is on S3."""
    return uri.startswith(SCHEMES)


def endpoint_of(environ: Mapping[str, str]) -> str | None:
    """Return the endpoint of a store that is not AWS's own, from AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL."""
    return environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or None


def region_of(environ: Mapping[str, str]) -> str | None:
    """Return the region, from AWS_REGION or AWS_DEFAULT_REGION."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None


def spark_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with which classic Spark, with `SPARK_PACKAGES`, reads and writes s3:// addresses.

    For your own Spark. Leave them out on Amazon EMR, whose own client already knows s3://.

    Args:
        environ: the environment: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, AWS_REGION or AWS_DEFAULT_REGION. No secret is
            copied to a setting, because Spark shows settings in its UI and logs.
    """
    s3a = "spark.hadoop.fs.s3a"
    settings = {
        # Hadoop registers its client as s3a; this also registers it as s3. Delta uses its S3 log store for both.
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        # Hadoop's own provider chain does not support profiles.
        f"{s3a}.aws.credentials.provider": "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
        # The defaults keep trying for minutes if nothing answers.
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
    """Return the variables that the embedded engine needs, in addition to the usual ones, to find a store outside AWS.

    The engine reads them when it first opens a bucket. Only the engine reads AWS_ENDPOINT, so no other client in this
    process is affected.
    """
    if endpoint is None:
        return {}
    plain = {"AWS_ALLOW_HTTP": "true"} if endpoint.startswith("http:") else {}
    # For such a store the engine would not read the region from a profile.
    return {"AWS_ENDPOINT": endpoint, "AWS_REGION": region, **plain}
