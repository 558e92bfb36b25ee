"""All errors of tunnels. Each says what is wrong, where, and what to do.

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
    """A host has another key than the known one."""

    template = (
        "The host key of {host} is not the known one{place}: the host was set up again, or somebody intercepts the "
        "connection. Its key is now {fingerprint}."
    )
    remedy = (
        "Ask whoever runs the host whether that is its key; only if it is, remove the old one with: ssh-keygen -R '{host}'; "
        "then connect once by hand."
    )

    def __init__(self, host: str, fingerprint: str, place: str) -> None:
        super().__init__(host=host, fingerprint=fingerprint or "another", place=f" ({place})" if place else "")


class HostKeyUnknown(EmrError):
    """A host's key is unknown, because no connection was made before."""

    template = "The host key of {host} is not known here, so the host cannot be verified."
    remedy = (
        "Connect once by hand, for example with: ssh {target}; compare the fingerprint with the host's own, and say yes."
    )

    def __init__(self, host: str, target: str) -> None:
        super().__init__(host=host, target=target)


class LoginRefused(EmrError):
    """A host accepts none of the keys."""

    template = "{target} accepts none of the keys that were offered (it asks for {ways})."
    remedy = (
        "Give the user, as in user@host, and put the key into the agent (ssh-add) or the ssh configuration "
        "(IdentityFile): a tunnel never asks for a password."
    )

    def __init__(self, target: str, ways: str) -> None:
        super().__init__(target=target, ways=ways)


class TunnelDown(EmrError):
    """A tunnel is not open; a retry may help."""

    retryable, exit_code = True, TRY_AGAIN


class HostUnreachable(TunnelDown):
    """A host cannot be reached."""

    template = "{target} cannot be reached: {why:.400}"

    def __init__(self, target: str, why: str) -> None:
        super().__init__(target=target, why=why)


class PortClosed(TunnelDown):
    """A host can be reached, but accepts no connection at a port."""

    template = "{target} can be reached, but not its port {port}: {why:.200}."
    remedy = "Check that the page's server is running there, and give its port with --port."

    def __init__(self, target: str, port: int, why: str) -> None:
        super().__init__(target=target, port=port, why=why)


class PageSilent(TunnelDown):
    """The tunnel seems to be open, but the page does not answer."""

    template = "No page was returned from port {port} of {target} within {seconds:,.0f} s."
    remedy = "Check that the page's server is running there; it may still be starting."

    def __init__(self, target: str, port: int, seconds: float) -> None:
        super().__init__(target=target, port=port, seconds=seconds)


class TunnelBroken(TunnelDown):
    """The program that held a tunnel open has ended."""

    template = "The tunnel to {target} ended: {said:.400}"

    def __init__(self, target: str, said: str) -> None:
        super().__init__(target=target, said=said.strip()[-400:] or "no reason given")
