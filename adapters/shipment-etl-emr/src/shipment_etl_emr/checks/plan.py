"""The plan: all checks of an account in one list; a failing check does not hide the others."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from shipment_etl_emr.calls import Calls
from shipment_etl_emr.checks import capacity, identity, keys, network, rights, roles, serverless, storage
from shipment_etl_emr.checks.account import Account, Check, Finding, MissingRight, NotChecked, yellow
from shipment_etl_emr.errors import CredentialsRefused, EmrRefused, ServiceUnavailable
from shipment_etl_emr.settings import s3_parts

if TYPE_CHECKING:
    from shipment_etl_emr.service import Service

__all__ = ["check_service", "examine", "plan"]

PATIENCE_SECONDS = 5.0
"""How long a call is retried: short, because a host in a closed network cannot reach every service."""
THREADS = 8
MAX_TEXT = 300
CLIENTS = ("ec2", "emr", "emr-serverless", "iam", "kms", "s3", "service-quotas", "sts")


class Look(NamedTuple):
    """A planned check: its name, its function and the arguments."""

    name: str
    look: Callable[..., Finding]
    arguments: tuple[Any, ...] = ()


def plan(account: Account) -> list[Look]:
    """Return all checks for these settings, in the order in which to fix them."""
    settings = account.settings
    folders = {"code": settings.code, "logs": settings.logs, **({"lake": account.lake} if account.lake else {})}
    buckets = {use: s3_parts(uri, use)[0] for use, uri in folders.items()}
    looks = [
        Look("identity", identity.identity),
        Look("region", identity.region),
        *(Look(f"bucket of {use}", storage.bucket, (uri, use)) for use, uri in folders.items()),
        *(Look(f"encryption of {use}", storage.encryption, (name,)) for use, name in buckets.items()),
        *(Look(f"public access to {use}", storage.public_access, (name,)) for use, name in buckets.items()),
    ]
    if account.lake is None:
        looks.append(Look("bucket of lake", storage.report_no_lake))
    looks += _plan_cluster(account) if settings.target == "cluster" else _plan_serverless(account)
    if settings.log_key:
        looks.append(Look("key of logs", keys.key, (settings.log_key,)))
        looks.append(Look("rights to the key of logs", rights.key_of_logs, (settings.log_key,)))
    if account.packaged:
        looks.append(Look("package", storage.package))
    looks += [Look(f"script {name.rsplit('/', 1)[-1]}", storage.script, (name,)) for name in account.scripts]
    return looks


def examine(account: Account) -> list[Check]:
    """Run all checks, several at a time.

    Nothing is changed and nothing is started. A check that fails to run is yellow and says why; it never hides another.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda look: _run(account, look), plan(account)))


def check_service(
    connect: "Callable[[], Service]",
    lake: str | None,
    package: str | None,
    scripts: tuple[str, ...],
    *,
    packaged: bool = True,
) -> list[Check]:
    """Run all checks of a service's account; invalid settings are reported as a finding, too.

    Args:
        connect: returns the service.
        lake: s3:// URI of the lake, if there is one.
        package: s3:// URI of the package, if there is one.
        scripts: scripts of steps: files or s3:// URIs.
        packaged: whether steps need a package.
    """
    try:
        service = connect()
        lake = lake or service.lake
        if lake is not None:
            s3_parts(lake, "--lake")
        if package is not None:
            s3_parts(package, "--package")
        # Created here, because boto3 cannot safely create clients in threads.
        clients = {name: service.client(name) for name in CLIENTS}
    except EmrRefused as problem:
        fix = problem.remedy or "Change the settings, then run the check again"
        return [Check("settings", "red", problem.message.rstrip("."), fix)]
    calls = Calls(service.timing, PATIENCE_SECONDS)
    account = Account(service.settings, clients.__getitem__, calls, lake, package, scripts, packaged)
    return [Check("settings", "green", f"{service.settings.target} in {service.settings.region}"), *examine(account)]


def _plan_cluster(account: Account) -> list[Look]:
    settings = account.settings
    looks = [
        Look("service role", roles.role, (settings.service_role, roles.EMR, "service_role")),
        Look("instance profile", roles.instance_profile),
        Look("EMR's own role", roles.linked_role, ("AWSServiceRoleForEMRCleanup", roles.EMR)),
        *([Look("spot's own role", roles.linked_role, ("AWSServiceRoleForEC2Spot", "spot"))] if settings.spot else []),
        Look("rights of the caller", rights.caller),
        Look("rights of the service role", rights.service_role),
        Look("rights of the nodes", rights.nodes),
        *(Look(f"subnet {name}", network.subnet, (name,)) for name in settings.subnets),
        *([Look("one network", network.one_network)] if len(settings.subnets) > 1 else []),
        *(Look(f"way to S3 from {name}", network.way_to_s3, (name,)) for name in settings.subnets),
        *([] if settings.subnets else [Look("default network", network.default_network)]),
        Look("quota of on-demand vCPUs", capacity.on_demand),
        *([Look("quota of spot vCPUs", capacity.spot)] if settings.spot else []),
        Look("instance types", capacity.machines),
        Look("release", capacity.release),
    ]
    if settings.security_configuration:
        given = (settings.security_configuration,)
        looks += [
            Look("security configuration", keys.security_configuration, given),
            Look("key of disks", keys.disk_key, given),
            Look("rights to the key of disks", rights.key_of_disks, given),
        ]
    return looks


def _plan_serverless(account: Account) -> list[Look]:
    return [
        Look("application", serverless.application),
        Look("job role", roles.role, (account.settings.job_role, roles.SERVERLESS, "job_role")),
        Look("rights of the caller", rights.caller),
        Look("rights of jobs", rights.jobs),
        Look("release", capacity.release),
    ]


def _run(account: Account, look: Look) -> Check:
    try:
        finding = look.look(account, *look.arguments)
    except MissingRight as problem:
        finding = yellow(_explain(problem), _allow(account, problem.right))
    except CredentialsRefused as problem:
        finding = yellow(_explain(problem), "See identity above")
    except ServiceUnavailable as problem:
        finding = yellow(_explain(problem), "Run the check again from a machine that reaches this AWS service")
    except Exception as problem:  # of any kind: the other checks must still be shown
        finding = yellow(_explain(problem), "Fix what is red, or what this line says, then run the check again")
    return Check(look.name, finding.state, finding.found, finding.fix)


def _explain(problem: Exception) -> str:
    # The original error of AWS: our own messages are written for running jobs.
    said = problem if isinstance(problem, NotChecked) else problem.__cause__ or problem
    return " ".join(f"could not be checked: {said}".split())[:MAX_TEXT]


def _allow(account: Account, right: str) -> str:
    """Return the command that grants the caller a right that a check needs."""
    try:
        return rights.grant(rights.principal(account), [rights.Right((right,), "*")])
    except Exception:  # the caller's identity is unknown, too
        return f"Grant the caller {right}"
