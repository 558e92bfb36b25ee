"""Ports of this machine: whether one is free, and who has it."""

import errno
import socket
from contextlib import suppress

from shipment_etl.errors import InvalidValue
from shipment_etl_emr.errors import PortTaken

__all__ = ["LOOPBACK", "owner_of", "require_free", "taken"]

LOOPBACK = "127.0.0.1"
# A browser asks both for localhost, so that one who listens on either would be in the way.
LOOPBACKS = ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1"))


def require_free(port: int, remedy: str) -> None:
    """Make sure that nobody listens at a port of this machine.

    Args:
        port: which.
        remedy: what to do instead of ending who does, as in: take another with --port.

    Raises:
        PortTaken: somebody does.
        InvalidValue: this user may not listen there.
    """
    problem = _problem_of_listening(port)
    if problem == errno.EADDRINUSE:
        raise PortTaken(port, owner_of(port), remedy)
    if problem == errno.EACCES:
        raise InvalidValue("The port", port, "1024 or more, unless you are root")


def taken(port: int) -> bool:
    """Whether somebody listens at a port of this machine."""
    return _problem_of_listening(port) == errno.EADDRINUSE


def owner_of(port: int) -> str:
    """Return who listens at a port of this machine, as nginx (process 17); empty if it cannot be told."""
    import psutil

    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def _problem_of_listening(port: int) -> int | None:
    for family, address in LOOPBACKS:
        # No IPv6 on this machine: nobody can be in the way there.
        with suppress(OSError), socket.socket(family) as probe:
            # As servers do: an old connection that is not forgotten yet is in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as problem:
                if problem.errno in (errno.EADDRINUSE, errno.EACCES):
                    return problem.errno
    return None
