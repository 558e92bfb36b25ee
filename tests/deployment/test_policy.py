"""The rules for services: each finds the example that breaks it."""

import copy
from typing import Any

import pytest

from tests.deployment.policy import breaches, pinned, places_of, secrets_in_clear

GOOD: dict[str, Any] = {
    "image": "postgres:18.6",
    "user": "postgres",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "restart": "unless-stopped",
    "volumes": [{"type": "volume", "source": "data", "target": "/var/lib/postgresql"}],
    "ports": [{"host_ip": "127.0.0.1", "target": 8080, "published": "8080"}],
    "healthcheck": {"test": ["CMD", "true"]},
    "memswap_limit": "1073741824",
    "deploy": {"resources": {"limits": {"memory": "1073741824", "pids": 200}}},
}
JOB = {"depends_on": {"bad": {"condition": "service_completed_successfully"}}}
SOCKET = {"type": "bind", "source": "/var/run/docker.sock", "target": "/var/run/docker.sock"}
BAD = {
    "no user": ({"user": None}, "runs as whoever"),
    "root by name": ({"user": "root:root"}, "runs as root"),
    "root by number": ({"user": "0:1000"}, "runs as 0"),
    "privileged": ({"privileged": True}, "is privileged"),
    "all capabilities": ({"cap_drop": None}, "keeps capabilities"),
    "one more capability": ({"cap_add": ["SYS_ADMIN"]}, "is given cap_add"),
    "a device": ({"devices": ["/dev/kmsg"]}, "is given devices"),
    "set-uid programs": ({"security_opt": []}, "may gain privileges"),
    "no seccomp": ({"security_opt": ["no-new-privileges:true", "seccomp=unconfined"]}, "is unconfined"),
    "the host's network": ({"network_mode": "host"}, "shares network_mode"),
    "the host's processes": ({"pid": "host"}, "shares pid"),
    "Docker's socket": ({"volumes": [SOCKET]}, "mounts the socket"),
    "Podman's socket": ({"volumes": [{**SOCKET, "source": "/run/podman/podman.sock"}]}, "mounts the socket"),
    "the folder of sockets": ({"volumes": [{**SOCKET, "source": "/var/run/", "target": "/host"}]}, "mounts /var/run/"),
    "the whole disk": ({"volumes": [{"type": "bind", "source": "/", "target": "/host"}]}, "mounts / of the host"),
    "Docker by TCP": ({"environment": {"DOCKER_HOST": "tcp://docker:2375"}}, "speaks to a Docker engine"),
    "a port for everyone": ({"ports": [{"target": 8080, "published": "8080"}]}, "at every address"),
    "a port by address": ({"ports": [{"host_ip": "0.0.0.0", "target": 80}]}, "at 0.0.0.0"),
    "no tag": ({"image": "postgres"}, "unpinned image: postgres"),
    "a moving tag": ({"image": "kestra/kestra:latest"}, "unpinned image"),
    "a moving base": ({"build": {"args": {"KESTRA_IMAGE": "kestra/kestra:develop"}}}, "unpinned image"),
    "endless memory": ({"memswap_limit": None, "deploy": {"resources": {"limits": {"pids": 200}}}}, "no limit of memory"),
    "endless processes": ({"deploy": {"resources": {"limits": {"memory": "1073741824"}}}}, "no limit of pids"),
    "swap": ({"memswap_limit": None}, "may swap"),
    "more swap": ({"memswap_limit": "2147483648"}, "may swap"),
    "a password in its environment": ({"environment": {"DB_PASSWORD": "x"}}, "has a password in its environment"),
    "stays down": ({"restart": "no"}, "is not restarted"),
    "unknown health": ({"healthcheck": None}, "has no health check"),
    "a health check that is off": ({"healthcheck": {"test": ["NONE"]}}, "has no health check"),
}
CLEAR = {
    "a password": {"services": {"a": {"environment": {"POSTGRES_PASSWORD": "k3str4"}}}},
    "a default password": {"services": {"a": {"environment": {"POSTGRES_PASSWORD": "${PASSWORD:-k3str4}"}}}},
    "a password in a list": {"services": {"a": {"environment": ["AWS_SECRET_ACCESS_KEY=abc"]}}},
    "a password in a URI": {"services": {"a": {"environment": {"DATABASE": "postgres://kestra:k3str4@postgres/kestra"}}}},
    "a password in a text": {"services": {"a": {"environment": {"CONFIGURATION": "a:\n  password: k3str4\n"}}}},
    "a secret of a build": {"services": {"a": {"build": {"args": {"REGISTRY_TOKEN": "abc"}}}}},
}
NOT_CLEAR = {
    "required": {"services": {"a": {"environment": {"PASSWORD": "${PASSWORD:?set it}"}}}},
    "handed on": {"services": {"a": {"environment": {"PASSWORD": None}}}},
    "empty unless set": {"services": {"a": {"environment": {"PASSWORD": "${PASSWORD:-}"}}}},
    "filled in by the program": {"services": {"a": {"environment": {"CONFIGURATION": "a:\n  password: $${PASSWORD}\n"}}}},
    "an address": {"services": {"a": {"environment": {"URL": "jdbc:postgresql://postgres:5432/kestra"}}}},
    "a section of that name": {"secrets": {"database_password": {"environment": "PASSWORD"}}},
}


def test_a_good_service_breaks_no_rule() -> None:
    assert breaches({"services": {"good": GOOD}}) == []


@pytest.mark.parametrize("name", BAD)
def test_a_bad_service_breaks_its_rule(name: str) -> None:
    change, told = BAD[name]
    service = {key: value for key, value in {**copy.deepcopy(GOOD), **change}.items() if value is not None}
    found = breaches({"services": {"good": GOOD, "bad": service}})
    assert len(found) == 1
    assert found[0].startswith("bad: ")
    assert told in found[0]


@pytest.mark.parametrize("change", [{"restart": "no"}, {"healthcheck": None}])
def test_only_a_job_that_others_wait_for_may_end(change: dict[str, Any]) -> None:
    job = {key: value for key, value in {**copy.deepcopy(GOOD), **change}.items() if value is not None}
    assert breaches({"services": {"waits": {**GOOD, **JOB}, "bad": job}}) == []
    assert breaches({"services": {"waits": GOOD, "bad": job}}) != []
    assert breaches({"services": {"waits": {**GOOD, **JOB}, "bad": {**job, "user": "root"}}}) == ["bad: runs as root"]


@pytest.mark.parametrize("file", ["/run/secrets/password", ""])
def test_a_password_in_a_file_is_in_no_environment(file: str) -> None:
    environment = {"PASSWORD_FILE": file, "OTHER_PASSWORD": None}
    assert breaches({"services": {"good": {**GOOD, "environment": environment}}}) == []


@pytest.mark.parametrize("name", CLEAR)
def test_a_secret_in_clear_is_found(name: str) -> None:
    assert len(secrets_in_clear(CLEAR[name])) == 1


@pytest.mark.parametrize("name", NOT_CLEAR)
def test_a_secret_from_outside_is_not_in_clear(name: str) -> None:
    assert secrets_in_clear(NOT_CLEAR[name]) == []


def test_a_value_is_found_wherever_it_is() -> None:
    told = {"services": {"a": {"command": ["run", "--password=abc"], "environment": {"PASSWORD": "abc"}}}}
    assert places_of("abc", told) == ["services.a.command[1]", "services.a.environment.PASSWORD"]


@pytest.mark.parametrize(
    ("image", "is_pinned"),
    [
        ("postgres:18.6", True),
        ("registry.example:5000/postgres", False),
        ("registry.example:5000/postgres:18.6", True),
        (f"kestra/kestra@sha256:{'a' * 64}", True),
        ("kestra/kestra@sha256:abc", False),
        ("kestra/kestra:latest-full", False),
        ("", False),
    ],
)
def test_an_image_is_pinned_by_a_version_or_a_digest(image: str, is_pinned: bool) -> None:
    assert pinned(image) is is_pinned
