"""Ports of this machine: whether one is free, and which program uses it."""

import errno
import socket
from contextlib import suppress

from shipment_etl.errors import InvalidValue
from shipment_etl_emr.errors import PortTaken

__all__ = ["LOOPBACK", "is_taken", "owner_of", "require_free"]

LOOPBACK = "127.0.0.1"
# A browser tries both for localhost, so a program that listens on either is a conflict.
LOOPBACKS = ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1"))


def require_free(port: int, remedy: str) -> None:
    """Check that no program listens on a port of this machine.

    Args:
        port: the port.
        remedy: alternative to stopping the other program, as in: choose another port with --port.

    Raises:
        PortTaken: a program listens on it.
        InvalidValue: this user may not listen on it.
    """
    problem = _try_to_listen(port)
    if problem == errno.EADDRINUSE:
        raise PortTaken(port, owner_of(port), remedy)
    if problem == errno.EACCES:
        raise InvalidValue("The port", port, "1024 or more, unless you are root")


def is_taken(port: int) -> bool:
    """Whether a program listens on a port of this machine."""
    return _try_to_listen(port) == errno.EADDRINUSE


def owner_of(port: int) -> str:
    """Return the program that listens on a port of this machine, as nginx (process 17); empty if unknown."""
    import psutil

    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def _try_to_listen(port: int) -> int | None:
    for family, address in LOOPBACKS:
        # Without IPv6 on this machine there can be no conflict.
        with suppress(OSError), socket.socket(family) as probe:
            # As servers do: an old connection in TIME_WAIT is no conflict.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as problem:
                if problem.errno in (errno.EADDRINUSE, errno.EACCES):
                    return problem.errno
    return None
