"""EMR Serverless: whether the application can run a job with these settings."""

from shipment_etl_emr.checks.account import Account, Finding, green, red, yellow

__all__ = ["application"]

READY = ("CREATED", "STARTED", "STARTING", "STOPPED", "STOPPING")
UPDATABLE = ("CREATED", "STOPPED")
ARCHES = {"X86_64": "x86_64", "ARM64": "aarch64"}


def application(account: Account) -> Finding:
    """Check an application's state, release and processor, and whether a job starts it."""
    settings, region = account.settings, f"--region {account.region}"
    name = settings.application or ""
    found = account.find("ResourceNotFound", "emr-serverless", "get_application", applicationId=name)
    create = (
        f"aws emr-serverless create-application --type SPARK --name shipment-etl --release-label {settings.release} {region}"
    )
    if found is None:
        return red(f"There is no application {name}", f"{create}, and set application to its ID")
    app = found["application"]
    state, release = app["state"], app["releaseLabel"]
    arch = ARCHES.get(app.get("architecture", "X86_64"), "")
    if state not in READY:
        return red(f"The application {name} is {state}", f"{create}, and set application to its ID")
    if release != settings.release:
        update = f"aws emr-serverless update-application --application-id {name} --release-label {settings.release} {region}"
        if state not in UPDATABLE:
            update = f"aws emr-serverless stop-application --application-id {name} {region} && {update}"
        return red(f"The application {name} has {release}, but the settings name {settings.release}", update)
    if arch != settings.arch:
        return red(
            f"The application {name} is for {arch}, but packages are for {settings.arch}",
            f"{create} --architecture X86_64, and set application to its ID",
        )
    if state != "STARTED" and not app.get("autoStartConfiguration", {}).get("enabled", True):
        start = f"aws emr-serverless start-application --application-id {name} {region}"
        return yellow(f"The application {name} is {state}, and is not started by jobs", start)
    return green(f"{name} is {state}, {release} on {arch}")
