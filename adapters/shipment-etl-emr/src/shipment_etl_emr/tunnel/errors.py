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

    def __init__(self, host: str, fingerprint: str, place: str) -> None:
        super().__init__(
            f"The host key of {host} is not the one it is known by{f' ({place})' if place else ''}: the host was made anew, "
            f"or somebody stands between. It shows {fingerprint or 'another'}. Ask who runs the host whether that is its "
            f"key; only if it is, forget the old one with: ssh-keygen -R '{host}'; then connect once by hand."
        )


class HostKeyUnknown(EmrError):
    """A host was never connected to before."""

    def __init__(self, host: str, target: str) -> None:
        super().__init__(
            f"The host key of {host} is not known here, so nobody can tell whether it is the right host. Connect once by "
            f"hand, as with: ssh {target}; compare the fingerprint it shows with the host's own, and say yes."
        )


class LoginRefused(EmrError):
    """A host takes none of the keys."""

    def __init__(self, target: str, ways: str) -> None:
        super().__init__(
            f"{target} takes no key that was offered (it asks for {ways}). Name the user, as in user@host, and have the key "
            "in the agent (ssh-add) or in the ssh configuration (IdentityFile): nobody is asked for a password here."
        )


class TunnelDown(EmrError):
    """A tunnel is not open; to open it again may help."""

    retryable, exit_code = True, TRY_AGAIN


class HostUnreachable(TunnelDown):
    """A host cannot be reached."""

    def __init__(self, target: str, why: str) -> None:
        super().__init__(f"{target} cannot be reached: {why[:400]}")


class PortClosed(TunnelDown):
    """A host is reached, but takes no connection at a port."""

    def __init__(self, target: str, port: int, why: str) -> None:
        super().__init__(
            f"{target} is reached, but not its port {port}: {why[:200]}. See whether what makes the page runs there, and "
            "name its port with --port."
        )


class PageSilent(TunnelDown):
    """The tunnel is open as far as can be seen, but no page comes through."""

    def __init__(self, target: str, port: int, seconds: float) -> None:
        super().__init__(
            f"No page came from port {port} of {target} within {seconds:,.0f} s. See whether what makes it runs there; it "
            "may be starting still."
        )


class TunnelBroken(TunnelDown):
    """What held a tunnel open ended."""

    def __init__(self, target: str, said: str) -> None:
        super().__init__(f"The tunnel to {target} ended: {said.strip()[-400:] or 'nothing was said of why'}")
