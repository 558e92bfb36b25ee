"""Forwards: which program forwards a port of another host to this machine, and how it is called. Pure."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from shipment_etl.errors import InvalidValue

__all__ = ["Forward", "ssh", "ssm"]

SSH_TARGET = re.compile(r"(ssh://)?[A-Za-z0-9_\[][^\s/]*")
INSTANCE = re.compile(r"i-([0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17}")
SSH_OPTIONS = (
    # A wrong host could read all traffic, so a user's own settings cannot turn this off.
    "StrictHostKeyChecking=yes",
    # Nobody can answer a prompt when the tunnel is opened again.
    "BatchMode=yes",
    "ExitOnForwardFailure=yes",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
    "ConnectTimeout=10",
    # A forward held by another ssh would outlive this one.
    "ControlMaster=no",
    "ControlPath=none",
    "ForwardAgent=no",
    "ForwardX11=no",
    # `diagnosis` reads the errors from it.
    "LogLevel=INFO",
)


@dataclass(frozen=True, slots=True)
class Forward:
    """A port of a host, forwarded to a port of this machine while a command runs.

    Attributes:
        target: the host, as given by the user.
        port: port of the host.
        local_port: port of this machine.
        command: the command that opens the forward.
        programs: programs that must be installed for it.
    """

    target: str
    port: int
    local_port: int
    command: tuple[str, ...]
    programs: tuple[str, ...]

    @property
    def url(self) -> str:
        """Address of the page for a browser."""
        return f"http://localhost:{self.local_port}"


def ssh(target: str, port: int, local_port: int, config: Path | None = None) -> Forward:
    """Return a forward through the system's ssh.

    Args:
        target: [USER@]HOST, a name of the ssh configuration, or ssh://[USER@]HOST[:PORT].
        port: port of the host.
        local_port: port of this machine.
        config: ssh configuration to use instead of the user's own.

    Raises:
        InvalidValue: the target is not valid, for example an option of ssh.
    """
    if not SSH_TARGET.fullmatch(target):
        raise InvalidValue("TARGET", target, "[USER@]HOST, a name of your ssh configuration, or ssh://[USER@]HOST[:PORT]")
    options = (part for option in SSH_OPTIONS for part in ("-o", option))
    own = ("-F", str(config)) if config is not None else ()
    lead = f"127.0.0.1:{local_port}:localhost:{port}"
    return Forward(target, port, local_port, ("ssh", *own, "-N", *options, "-L", lead, "--", target), ("ssh",))


def ssm(target: str, port: int, local_port: int, region: str | None = None) -> Forward:
    """Return a forward through AWS Systems Manager, which needs neither a key nor an open port on the host.

    Args:
        target: ID of the instance.
        port: port of the host.
        local_port: port of this machine.
        region: region of the instance; by default the one configured for the AWS CLI.

    Raises:
        InvalidValue: the target is not an instance ID.
    """
    if not INSTANCE.fullmatch(target):
        raise InvalidValue("TARGET", target, "the ID of an instance: i- and 8 or 17 digits from 0 to f, or mi- and 17")
    ports = json.dumps({"portNumber": [str(port)], "localPortNumber": [str(local_port)]}, separators=(",", ":"))
    session = ("--target", target, "--document-name", "AWS-StartPortForwardingSession", "--parameters", ports)
    where = ("--region", region) if region else ()
    programs = ("aws", "session-manager-plugin")
    return Forward(target, port, local_port, ("aws", "ssm", "start-session", *session, *where), programs)
