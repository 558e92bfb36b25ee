"""Keys: whether the security configuration exists, and the keys of disks and logs can be used."""

import json

from shipment_etl_emr.checks.account import Account, Finding, NotChecked, green, red
from shipment_etl_emr.checks.roles import deploy_roles

__all__ = ["disk_key", "disk_key_of", "key", "security_configuration"]

NO_CONFIGURATION = "InvalidRequest"
REPAIRS = {
    "Disabled": "aws kms enable-key --key-id {key}",
    "PendingDeletion": "aws kms cancel-key-deletion --key-id {key} && aws kms enable-key --key-id {key}",
}


def security_configuration(account: Account, name: str) -> Finding:
    """Check that a security configuration exists."""
    if account.find(NO_CONFIGURATION, "emr", "describe_security_configuration", Name=name):
        return green(name)
    listed = f"aws emr list-security-configurations --region {account.region}"
    return red(
        f"There is no security configuration {name} in {account.region}",
        f"{listed}, and set security_configuration to one of these; or: {deploy_roles(account)}",
    )


def disk_key(account: Account, configuration: str) -> Finding:
    """Check the key that a security configuration encrypts disks with."""
    arn = disk_key_of(account, configuration)
    return key(account, arn) if arn else green("none: disks are encrypted with an AWS key, or not at all")


def key(account: Account, arn: str) -> Finding:
    """Check that a KMS key exists and is enabled."""
    region = f" --region {account.region}"
    found = account.find("NotFound", "kms", "describe_key", KeyId=arn)
    if found is None:
        return red(f"There is no key {arn}", f"aws kms list-aliases{region}, and name another key in the settings")
    state = found["KeyMetadata"]["KeyState"]
    if state == "Enabled":
        return green(arn)
    fix = REPAIRS.get(state, "aws kms describe-key --key-id {key}").format(key=f"{arn.rsplit('/', 1)[-1]}{region}")
    return red(f"The key {arn} is {state}", fix)


def disk_key_of(account: Account, configuration: str) -> str:
    """Return the ARN of the key of disks; empty if the configuration names none.

    Raises:
        NotChecked: there is no such configuration.
    """
    found = account.find(NO_CONFIGURATION, "emr", "describe_security_configuration", Name=configuration)
    if found is None:
        raise NotChecked(f"there is no security configuration {configuration}")
    declared = json.loads(found["SecurityConfiguration"])
    at_rest = declared.get("EncryptionConfiguration", {}).get("AtRestEncryptionConfiguration", {})
    return str(at_rest.get("LocalDiskEncryptionConfiguration", {}).get("AwsKmsKey", ""))
