"""Capacity: what a region offers, and the quotas of this account."""

from shipment_etl.errors import join_names
from shipment_etl_emr.checks.account import Account, Finding, green, red, yellow
from shipment_etl_emr.errors import RequestRefused
from shipment_etl_emr.machines import machine
from shipment_etl_emr.releases import RELEASES

__all__ = ["machines", "on_demand", "release", "spot"]

ON_DEMAND, SPOT = "L-1216C47A", "L-34B43A08"
"""Service Quotas codes for vCPUs of the families A, C, D, H, I, M, R, T and Z together."""


def on_demand(account: Account) -> Finding:
    """Check that the quota of on-demand vCPUs is enough for one cluster."""
    primary, workers = _vcpus(account)
    if not account.settings.spot:
        return _quota(account, ON_DEMAND, primary + workers, "on-demand")
    finding = _quota(account, ON_DEMAND, primary, "on-demand")
    if finding.state == "green":
        # On-demand workers replace spot workers that are not available.
        whole = _quota(account, ON_DEMAND, primary + workers, "on-demand")
        if whole.state == "red":
            return yellow(f"if no spot instances are available, {whole.found}", whole.fix)
    return finding


def spot(account: Account) -> Finding:
    """Check that the quota of spot vCPUs is enough for the workers of one cluster."""
    return _quota(account, SPOT, _vcpus(account)[1], "spot")


def machines(account: Account) -> Finding:
    """Check that the region offers all instance types that the settings name."""
    wanted = sorted({account.settings.primary, *account.settings.workers})
    filters = [{"Name": "instance-type", "Values": wanted}]
    found = account.ask("ec2", "describe_instance_type_offerings", LocationType="region", Filters=filters)
    offered = {each["InstanceType"] for each in found["InstanceTypeOfferings"]}
    missing = [name for name in wanted if name not in offered]
    if not missing:
        return green(", ".join(wanted))
    families = sorted({f"{name.split('.')[0]}.*" for name in missing})
    return red(
        f"{account.region} does not offer {join_names(missing)}",
        f"aws ec2 describe-instance-type-offerings --region {account.region}"
        f" --filters Name=instance-type,Values={','.join(families)}, and set primary and workers to types it lists",
    )


def release(account: Account) -> Finding:
    """Check that the region offers the release, with the expected Spark version."""
    known, region = account.settings.known_release, account.region
    fix = (
        f"Set release in the settings to one of {join_names(RELEASES)} that is listed by: "
        f"aws emr list-release-labels --region {region} --filters Prefix={known.label.rsplit('.', 2)[0]}"
    )
    try:
        found = account.ask("emr", "describe_release_label", ReleaseLabel=known.label)
    except RequestRefused:
        return red(f"EMR has no release {known.label} in {region}", fix)
    versions = {each["Name"].casefold(): each["Version"] for each in found.get("Applications", ())}
    spark = versions.get("spark", "")
    if not spark.startswith(known.spark):
        return red(f"{known.label} has {f'Spark {spark}' if spark else 'no Spark'}, but {known.spark} is needed", fix)
    return green(f"{known.label} with Spark {spark}")


def _vcpus(account: Account) -> tuple[int, int]:
    """Return the vCPUs of the primary node and of all workers, counted as the smallest of their types."""
    settings = account.settings
    return machine(settings.primary).cpus, min(machine(name).cpus for name in settings.workers) * settings.count


def _quota(account: Account, code: str, needed: int, kind: str) -> Finding:
    found = account.ask("service-quotas", "get_service_quota", ServiceCode="ec2", QuotaCode=code)
    quota = int(found["Quota"]["Value"])
    asked = f"a cluster needs {needed} {kind} vCPUs; the quota is {quota}"
    if needed <= quota:
        return green(asked)
    request = "aws service-quotas request-service-quota-increase --service-code ec2"
    return red(asked, f"{request} --quota-code {code} --desired-value {needed} --region {account.region}")
