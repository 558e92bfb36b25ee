"""Ports: who listens on one of this machine, as far as the system tells."""

import contextlib
import socket
from pathlib import Path

__all__ = ["owner_of", "taken"]

PROC = Path("/proc")
LISTENS = "0A"


def taken(port: int) -> bool:
    """Whether a port of 127.0.0.1 cannot be listened on."""
    with socket.socket() as probe:
        # As servers do, which need not wait until the last connection of the one before is forgotten.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def owner_of(port: int) -> str:
    """Return name and process ID of who listens on a port; empty where it is not to be known."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    if not inodes:
        return ""
    for process in PROC.glob("[0-9]*"):
        # Processes end while they are looked at, and those of others cannot be looked into.
        with contextlib.suppress(OSError):
            if any(str(each.readlink()) in inodes for each in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return ""


def _listening(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENS and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    found.add(fields[9])
    return found
