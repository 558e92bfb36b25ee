"""The caller's identity, and the region."""

from shipment_etl_emr.checks.account import Account, Finding, green, red, yellow
from shipment_etl_emr.errors import CredentialsRefused, ServiceUnavailable

__all__ = ["identity", "region"]


def identity(account: Account) -> Finding:
    """Check that AWS knows the credentials."""
    try:
        caller = account.caller
    except CredentialsRefused as problem:
        return red(problem.message.rstrip("."), "aws sso login (or aws configure, if you use access keys)")
    except ServiceUnavailable as problem:
        fix = (
            f"Fix region in the settings if AWS has no region {account.region}; else check this machine's proxy and network"
        )
        return red(f"AWS does not answer: {problem}", fix)
    if caller.kind == "root":
        return yellow(f"{caller.arn}: the root user may do everything", "Use a role: aws sso login, or aws sts assume-role")
    return green(caller.arn)


def region(account: Account) -> Finding:
    """Check that the region is enabled in this account."""
    name = account.region
    found = account.find("InvalidParameterValue", "ec2", "describe_regions", RegionNames=[name], AllRegions=True)
    regions = found["Regions"] if found else []
    if not regions:
        return red(f"There is no region {name}", "aws ec2 describe-regions, and set region in the settings to one of these")
    if regions[0].get("OptInStatus") == "not-opted-in":
        return red(f"{name} is not enabled in this account", f"aws account enable-region --region-name {name}")
    return green(name)
