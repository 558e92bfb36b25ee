"""What services of a compose file must and must not do: pure functions from a parsed file to the broken rules.

`breaches` takes a file as compose has resolved it, with defaults; `secrets_in_clear` takes it as it was written.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Service = Mapping[str, Any]
Rule = Callable[[Service], Iterator[str]]

LOOPBACK = {"127.0.0.1", "::1"}
SOCKETS = re.compile(r"(docker|containerd|podman|crio)[\w.-]*\.sock")
HOST_FOLDERS = {"/", "/etc", "/proc", "/run", "/sys", "/var", "/var/run", "/var/lib/docker"}
NAMESPACES = ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup")
SECRET = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|(^|_)KEY(_|$)|WEBHOOK", re.IGNORECASE)
# A variable without a default, or with an empty one: it has no value unless a user sets it.
FROM_OUTSIDE = re.compile(r"\$\{\w+(:?\?[^}]*|:?-)?\}")
PASSWORD_IN_URI = re.compile(r"\w+://[^/\s:@]*:[^/\s@]+@")
ENDS = {"", "no"}


def breaches(compose: Mapping[str, Any]) -> list[str]:
    """Return the broken rules, each as `service: what`."""
    services = compose["services"]
    jobs = {
        name
        for service in services.values()
        for name, waits in service.get("depends_on", {}).items()
        if waits.get("condition") == "service_completed_successfully"
    }
    return [
        f"{name}: {told}"
        for name, service in services.items()
        for rule in RULES
        # A service whose end others wait for need not restart, and has no health check.
        if name not in jobs or rule not in (comes_back, tells_its_health)
        for told in rule(service)
    ]


def secrets_in_clear(compose: Mapping[str, Any]) -> list[str]:
    """Return where a file, as it was written, contains secrets."""
    return list(_in_clear(compose, ""))


def places_of(value: str, told: Any, where: str = "") -> list[str]:
    """Return all places in a parsed file whose text holds a value."""
    if isinstance(told, Mapping):
        return [place for key, below in told.items() for place in places_of(value, below, f"{where}.{key}".lstrip("."))]
    if isinstance(told, list):
        return [place for number, below in enumerate(told) for place in places_of(value, below, f"{where}[{number}]")]
    return [where] if value in str(told) else []


def pinned(image: str) -> bool:
    """Return whether an image is given by a digest, or by a tag that is a version."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return bool(re.fullmatch(r"sha256:[0-9a-f]{64}", digest)) or bool(re.search(r"\d", tag))


def without_root(service: Service) -> Iterator[str]:
    user = str(service.get("user", "")).partition(":")[0]
    if user in ("", "0", "root"):
        yield f"runs as {user or 'whoever its image says'}"


def without_privileges(service: Service) -> Iterator[str]:
    if service.get("privileged"):
        yield "is privileged"
    if service.get("cap_drop") != ["ALL"]:
        yield "keeps capabilities"
    for given in ("cap_add", "devices"):
        if service.get(given):
            yield f"is given {given}"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "may gain privileges"
    if any("unconfined" in option for option in service.get("security_opt", [])):
        yield "is unconfined"
    for namespace in NAMESPACES:
        if service.get(namespace) == "host":
            yield f"shares {namespace} of the host"


def without_host(service: Service) -> Iterator[str]:
    for volume in service.get("volumes", []):
        paths = [str(volume.get(end, "")) for end in ("source", "target")]
        if any(SOCKETS.search(path) for path in paths):
            yield f"mounts the socket {paths[0]}"
        elif volume.get("type") == "bind" and (paths[0].rstrip("/") or "/") in HOST_FOLDERS:
            yield f"mounts {paths[0]} of the host"
    if "DOCKER_HOST" in (service.get("environment") or {}):
        yield "speaks to a Docker engine"


def on_loopback(service: Service) -> Iterator[str]:
    for port in service.get("ports", []):
        if port.get("host_ip") not in LOOPBACK:
            yield f"publishes {port.get('target')} at {port.get('host_ip') or 'every address'}"


def of_known_images(service: Service) -> Iterator[str]:
    arguments = (service.get("build") or {}).get("args") or {}
    for image in (service.get("image", ""), *(value for name, value in arguments.items() if name.endswith("IMAGE"))):
        if not pinned(image):
            yield f"is of an unpinned image: {image or 'none named'}"


def within_bounds(service: Service) -> Iterator[str]:
    limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
    for bound in ("memory", "pids"):
        if not int(limits.get(bound, 0)):
            yield f"has no limit of {bound}"
    if int(service.get("memswap_limit", 0)) != int(limits.get("memory", 0)):
        yield "may swap beyond its memory"


def without_passwords(service: Service) -> Iterator[str]:
    for name, value in (service.get("environment") or {}).items():
        if re.search("PASSWORD|PASSWD", name) and not name.endswith("_FILE") and value:
            yield f"has a password in its environment: {name}"


def comes_back(service: Service) -> Iterator[str]:
    if str(service.get("restart", "")) in ENDS:
        yield "is not restarted"


def tells_its_health(service: Service) -> Iterator[str]:
    check = service.get("healthcheck") or {}
    if check.get("disable") or not check.get("test") or check["test"] == ["NONE"]:
        yield "has no health check"


RULES: tuple[Rule, ...] = (
    without_root,
    without_privileges,
    without_host,
    on_loopback,
    of_known_images,
    within_bounds,
    without_passwords,
    comes_back,
    tells_its_health,
)


def _in_clear(told: Any, where: str) -> Iterator[str]:
    if isinstance(told, Mapping):
        for key, below in told.items():
            place = f"{where}.{key}".lstrip(".")
            # The name of a file with a secret is not a secret.
            if SECRET.search(str(key)) and not str(key).endswith("_FILE") and not isinstance(below, Mapping | list):
                if below is not None and not FROM_OUTSIDE.fullmatch(str(below)):
                    yield place
            else:
                yield from _in_clear(below, place)
    elif isinstance(told, list):
        for number, below in enumerate(told):
            name, assigned, value = str(below).partition("=") if not isinstance(below, Mapping | list) else ("", "", "")
            # With a space, it is not a name but a script.
            if assigned and SECRET.search(name) and " " not in name and not FROM_OUTSIDE.fullmatch(value):
                yield f"{where}[{number}]"
            else:
                yield from _in_clear(below, f"{where}[{number}]")
    elif isinstance(told, str):
        lines = [line.strip().partition(": ") for line in told.splitlines()] if "\n" in told else []
        if PASSWORD_IN_URI.search(told) or any(
            SECRET.search(key) and value and not FROM_OUTSIDE.fullmatch(value.replace("$${", "${"))
            for key, _, value in lines
        ):
            yield where
