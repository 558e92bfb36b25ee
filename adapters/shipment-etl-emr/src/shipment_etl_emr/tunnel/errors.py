"""Every error of tunnels; each message says what is wrong, where, and what to do.

EmrError
├── HostKeyChanged
├── HostKeyUnknown
├── LoginRefused
└── TunnelDown              retryable
    ├── HostUnreachable
    ├── PortClosed
    ├── PageSilent
    └── TunnelBroken
"""

from shipment_etl.errors import TRY_AGAIN
from shipment_etl_emr.errors import EmrError

__all__ = [
    "HostKeyChanged",
    "HostKeyUnknown",
    "HostUnreachable",
    "LoginRefused",
    "PageSilent",
    "PortClosed",
    "TunnelBroken",
    "TunnelDown",
]


class HostKeyChanged(EmrError):
    """A host shows another key than the one it is known by."""

    template = (
        "The host key of {host} is not the one it is known by{place}: the host was set up anew, or somebody intercepts the "
        "connection. It shows {fingerprint}."
    )
    remedy = (
        "Ask whoever runs the host whether that is its key; only if it is, remove the old one with: ssh-keygen -R '{host}'; "
        "then connect once by hand."
    )

    def __init__(self, host: str, fingerprint: str, place: str) -> None:
        super().__init__(host=host, fingerprint=fingerprint or "another", place=f" ({place})" if place else "")


class HostKeyUnknown(EmrError):
    """A host was never connected to before."""

    template = "The host key of {host} is not known here, so nobody can tell whether it is the right host."
    remedy = (
        "Connect once by hand, as with: ssh {target}; compare the fingerprint it shows with the host's own, and say yes."
    )

    def __init__(self, host: str, target: str) -> None:
        super().__init__(host=host, target=target)


class LoginRefused(EmrError):
    """A host accepts none of the keys."""

    template = "{target} accepts none of the keys that were offered (it asks for {ways})."
    remedy = (
        "Name the user, as in user@host, and have the key in the agent (ssh-add) or in the ssh configuration "
        "(IdentityFile): a tunnel never asks for a password."
    )

    def __init__(self, target: str, ways: str) -> None:
        super().__init__(target=target, ways=ways)


class TunnelDown(EmrError):
    """A tunnel is not open; to open it again may help."""

    retryable, exit_code = True, TRY_AGAIN


class HostUnreachable(TunnelDown):
    """A host cannot be reached."""

    template = "{target} cannot be reached: {why:.400}"

    def __init__(self, target: str, why: str) -> None:
        super().__init__(target=target, why=why)


class PortClosed(TunnelDown):
    """A host is reached, but takes no connection at a port."""

    template = "{target} is reached, but not its port {port}: {why:.200}."
    remedy = "Check that what serves the page runs there, and name its port with --port."

    def __init__(self, target: str, port: int, why: str) -> None:
        super().__init__(target=target, port=port, why=why)


class PageSilent(TunnelDown):
    """The tunnel is open as far as can be seen, but no page comes through."""

    template = "No page came from port {port} of {target} within {seconds:,.0f} s."
    remedy = "Check that what serves it runs there; it may still be starting."

    def __init__(self, target: str, port: int, seconds: float) -> None:
        super().__init__(target=target, port=port, seconds=seconds)


class TunnelBroken(TunnelDown):
    """What held a tunnel open ended."""

    template = "The tunnel to {target} ended: {said:.400}"

    def __init__(self, target: str, said: str) -> None:
        super().__init__(target=target, said=said.strip()[-400:] or "no reason given")
