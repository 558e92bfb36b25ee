"""Keeps a forward open: reports when the page answers, reconnects when the connection breaks, and ends on a stop signal."""

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
from shipment_etl_emr.tunnel.diagnosis import diagnose, find_closed_port
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
        "session-manager-plugin": "Install the AWS CLI's Session Manager plugin: https://docs.aws.amazon.com/"
        "systems-manager/latest/userguide/session-manager-working-with-install-plugin.html",
    }
)


@dataclass(frozen=True, slots=True)
class Patience:
    """Time limits in seconds: `page` until the page must answer, `lost` until reconnecting is given up."""

    page: float = 30.0
    lost: float = 300.0


def hold(
    forward: Forward,
    stop: Stop,
    ready: Callable[[], None],
    lost: Callable[[EmrError], None],
    patience: Patience = Patience(),
) -> None:
    """Keep a forward open until `stop` is set.

    Args:
        forward: the forward to open.
        stop: ends it when set.
        ready: called each time the forward was opened and the page answers.
        lost: called with the reason when the connection broke, before it is opened again.
        patience: time limits.

    Raises:
        ProgramMissing, PortTaken: it cannot be opened on this machine.
        EmrError: the first attempt failed, reconnecting took too long, or cannot succeed.
    """
    for name in forward.programs:
        if shutil.which(name) is None:
            raise ProgramMissing(name, REMEDIES[name])
    broke = _open(forward, stop, ready, patience)
    while broke is not None:
        lost(broke)
        broke = _open_again(forward, stop, ready, patience)


def _open(forward: Forward, stop: Stop, ready: Callable[[], None], patience: Patience) -> TunnelDown | None:
    """Open a forward, and return why it broke; None if it was stopped."""
    require_free(forward.local_port, "choose another port with --local-port")
    with Program(forward.command) as program:
        deadline = time.monotonic() + patience.page
        while not _page_answers(forward.local_port):
            if stop.wait(LOOK_SECONDS):
                return None
            if program.over:
                raise _explain(forward, program)
            if closed := find_closed_port(forward, program.said):
                raise closed
            if time.monotonic() > deadline:
                raise PageSilent(forward.target, forward.port, patience.page)
        ready()
        while not program.over:
            if stop.wait(LOOK_SECONDS):
                return None
        why = _explain(forward, program)
    if isinstance(why, TunnelDown):
        return why
    raise why


def _open_again(forward: Forward, stop: Stop, ready: Callable[[], None], patience: Patience) -> TunnelDown | None:
    """Open a forward again, after growing pauses and until the time limit."""
    deadline, pause = time.monotonic() + patience.lost, FIRST_PAUSE
    while not stop.wait(pause):
        try:
            return _open(forward, stop, ready, patience)
        except TunnelDown:
            if time.monotonic() > deadline:
                raise
        pause = min(2 * pause, MAX_PAUSE)
    return None


def _explain(forward: Forward, program: Program) -> ShipmentEtlError:
    """Return why a program ended, after reading all its output."""
    program.end()
    return diagnose(forward, program.said)


def _page_answers(port: int) -> bool:
    """Whether a port of this machine answers with a page, of any content."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS) as link:
        link.sendall(f"GET / HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n".encode())
        return bool(link.recv(1))
    return False
