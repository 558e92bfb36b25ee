"""Buckets, and the files that a run reads from them."""

import re
from pathlib import Path
from typing import Any

from shipment_etl.aws import NO_BUCKET, code_of
from shipment_etl_emr.checks.account import Account, Finding, NotChecked, green, red, yellow
from shipment_etl_emr.errors import BucketDenied, BucketMissing, RegionMismatch, RequestRefused
from shipment_etl_emr.package import mark_of
from shipment_etl_emr.settings import s3_parts
from shipment_etl_emr.storage import Storage

__all__ = ["bucket", "encryption", "package", "public_access", "report_no_lake", "script"]

DIGEST = re.compile(r"-[0-9a-f]{64}\.tar\.gz")
MISSING = "404"
BLOCKED = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def bucket(account: Account, uri: str, use: str) -> Finding:
    """Check that a bucket exists, is accessible, and is in the region of the clusters."""
    name, region = s3_parts(uri, use)[0], account.region
    # S3 answers 403 also if credentials have expired, so those are checked first.
    _ = account.caller
    try:
        # The same check that each run does first.
        Storage(account.client("s3"), account.calls).check({uri: use}, region)
    except BucketMissing:
        return red(f"There is no bucket {name}", f"aws s3 mb s3://{name} --region {region}")
    except BucketDenied:
        found = f"Access to {name} is denied: missing right s3:ListBucket, or the bucket belongs to another account"
        return red(found, f"aws s3 mb s3://ANOTHER-NAME --region {region}, or use credentials that may list {name}")
    except RegionMismatch as problem:
        return red(
            problem.message.rstrip("."), f"aws s3 mb s3://ANOTHER-NAME --region {region}, and name it in the settings"
        )
    return green(f"{name} in {region}")


def encryption(account: Account, name: str) -> Finding:
    """Check that a bucket encrypts what is written to it."""
    missing = "ServerSideEncryptionConfigurationNotFound"
    found = _find_of_bucket(account, missing, "get_bucket_encryption", name)
    rules = found["ServerSideEncryptionConfiguration"]["Rules"] if found else []
    ways = [rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in rules]
    if ways:
        return green(", ".join(ways))
    rule = '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}'
    fix = f"aws s3api put-bucket-encryption --bucket {name} --server-side-encryption-configuration '{rule}'"
    return yellow(f"{name} does not encrypt by default", fix)


def public_access(account: Account, name: str) -> Finding:
    """Check that a bucket cannot become public."""
    found = _find_of_bucket(account, "NoSuchPublicAccessBlock", "get_public_access_block", name)
    blocked = found["PublicAccessBlockConfiguration"] if found else {}
    open_ways = [way for way in BLOCKED if not blocked.get(way)]
    if not open_ways:
        return green("blocked")
    every = ",".join(f"{way}=true" for way in BLOCKED)
    fix = f"aws s3api put-public-access-block --bucket {name} --public-access-block-configuration {every}"
    return yellow(f"{name} does not block public access: {', '.join(open_ways)} not set", fix)


def report_no_lake(account: Account) -> Finding:
    """Report that no lake was given, so that neither its bucket nor the rights to it were checked."""
    return yellow("no lake is given, so it was not checked", "shipment-etl emr check --lake s3://BUCKET/FOLDER")


def package(account: Account) -> Finding:
    """Check that the package exists, and is for the Python and the processor of the nodes."""
    build = "shipment-etl emr package"
    if account.package is None:
        return yellow("no package is given, so runs build one, which needs a package index", f"{build}, then --package URI")
    python, arch = account.settings.known_release.python, account.settings.arch
    uri = account.package
    if mark_of(python, arch) not in uri:
        return red(f"{uri} is not for Python {python} on {arch}", build)
    name, key = s3_parts(uri, "--package")
    found = account.find(MISSING, "s3", "head_object", Bucket=name, Key=key)
    if found is None:
        return red(f"There is no package at {uri}", build)
    if not DIGEST.search(uri):
        return yellow(f"{uri} has no digest in its name, so its content may have changed", build)
    return green(f"{uri}, {found['ContentLength'] / 1_000_000:,.1f} MB")


def script(account: Account, where: str) -> Finding:
    """Check that the script of a step exists."""
    fix = "cd to the folder that holds spark/, or pass --script FILE to runs"
    if not where.startswith("s3://"):
        return green(where) if Path(where).is_file() else red(f"There is no {where} in {Path.cwd()}", fix)
    name, key = s3_parts(where, "--script")
    if account.find(MISSING, "s3", "head_object", Bucket=name, Key=key) is None:
        return red(f"There is no script at {where}", f"aws s3 cp FILE {where}")
    return green(where)


def _find_of_bucket(account: Account, missing: str, method: str, bucket: str) -> Any:
    try:
        return account.find(missing, "s3", method, Bucket=bucket)
    except RequestRefused as problem:
        if code_of(problem) in NO_BUCKET:
            raise NotChecked(f"there is no bucket {bucket}") from problem
        raise
