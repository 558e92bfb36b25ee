"""Holding a forward open: ready when a page comes through it, opened again when it breaks, ended when somebody says stop."""

import shutil
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

from shipment_etl.errors import ShipmentEtlError
from shipment_etl_emr.errors import EmrError, ProgramMissing
from shipment_etl_emr.ports import LOOPBACK, require_free
from shipment_etl_emr.signals import Stop
from shipment_etl_emr.tunnel.diagnosis import closed_port, diagnose
from shipment_etl_emr.tunnel.errors import PageSilent, TunnelDown
from shipment_etl_emr.tunnel.forward import Forward
from shipment_etl_emr.tunnel.program import Program

__all__ = ["REMEDIES", "Patience", "hold"]

LOOK_SECONDS = 0.2
ANSWER_SECONDS = 5.0
FIRST_PAUSE, MAX_PAUSE = 1.0, 30.0
REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "ssh": "Install the OpenSSH client.",
        "aws": "Install the AWS CLI: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
        "session-manager-plugin": "Install what the AWS CLI needs for sessions: https://docs.aws.amazon.com/"
        "systems-manager/latest/userguide/session-manager-working-with-install-plugin.html",
    }
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: `page` for a page to come through, `lost` until a forward that broke is given up."""

    page: float = 30.0
    lost: float = 300.0


def hold(
    forward: Forward,
    stop: Stop,
    ready: Callable[[], None],
    lost: Callable[[EmrError], None],
    patience: Patience = Patience(),
) -> None:
    """Hold a forward open until somebody says stop.

    Args:
        forward: what to open.
        stop: set by who wants it to end.
        ready: called when a page comes through, each time it was opened.
        lost: called with the reason when it broke; it is opened again.
        patience: how long to wait for what.

    Raises:
        ProgramMissing, PortTaken: it cannot be opened from here.
        EmrError: it could not be opened at the first try, or not again with patience, or never will be.
    """
    for name in forward.programs:
        if shutil.which(name) is None:
            raise ProgramMissing(name, REMEDIES[name])
    broke = _open(forward, stop, ready, patience)
    while broke is not None:
        lost(broke)
        broke = _open_again(forward, stop, ready, patience)


def _open(forward: Forward, stop: Stop, ready: Callable[[], None], patience: Patience) -> TunnelDown | None:
    """Open a forward, and return why it broke; None if somebody said stop."""
    require_free(forward.local_port, "take another with --local-port")
    with Program(forward.command) as program:
        deadline = time.monotonic() + patience.page
        while not _page_answers(forward.local_port):
            if stop.wait(LOOK_SECONDS):
                return None
            if program.over:
                raise _why(forward, program)
            if closed := closed_port(forward, program.said):
                raise closed
            if time.monotonic() > deadline:
                raise PageSilent(forward.target, forward.port, patience.page)
        ready()
        while not program.over:
            if stop.wait(LOOK_SECONDS):
                return None
        why = _why(forward, program)
    if isinstance(why, TunnelDown):
        return why
    raise why


def _open_again(forward: Forward, stop: Stop, ready: Callable[[], None], patience: Patience) -> TunnelDown | None:
    """The same after growing pauses, until patience is at its end."""
    deadline, pause = time.monotonic() + patience.lost, FIRST_PAUSE
    while not stop.wait(pause):
        try:
            return _open(forward, stop, ready, patience)
        except TunnelDown:
            if time.monotonic() > deadline:
                raise
        pause = min(2 * pause, MAX_PAUSE)
    return None


def _why(forward: Forward, program: Program) -> ShipmentEtlError:
    """Return why a program ended, once all it said is here."""
    program.end()
    return diagnose(forward, program.said)


def _page_answers(port: int) -> bool:
    """Whether a page, whatever it says, comes out of a port of this machine."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS) as link:
        link.sendall(f"GET / HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n".encode())
        return bool(link.recv(1))
    return False
