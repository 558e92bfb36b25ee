"""Diagnosis: translates the last output of ssh and the AWS CLI into our errors. Pure."""

import re

from shipment_etl.errors import ShipmentEtlError
from shipment_etl_emr.errors import CredentialsRefused, NotAllowed, SettingMissing
from shipment_etl_emr.tunnel.errors import (
    HostKeyChanged,
    HostKeyUnknown,
    HostUnreachable,
    LoginRefused,
    PortClosed,
    TunnelBroken,
)
from shipment_etl_emr.tunnel.forward import Forward

__all__ = ["diagnose", "find_closed_port"]

HOST_KEY = re.compile(r"^(?P<kind>\S+) host key for (?P<host>\S+) has changed", re.M)
OLD_KEY = re.compile(r"^Offending \S+ key in (?P<place>\S+)", re.M)
FINGERPRINT = re.compile(r"\b(?P<print>SHA256:[A-Za-z0-9+/=]+)")
NO_HOST_KEY = re.compile(r"No (?P<kind>\S+) host key is known for (?P<host>\S+)")
LOGIN = re.compile(r"Permission denied \((?P<ways>[^)]*)\)")
CLOSED = re.compile(r"open failed: (?P<why>connect failed: .*|administratively prohibited.*)")
UNREACHABLE = re.compile(
    r"^(?:ssh: )?(?P<why>connect to host .*|Could not resolve hostname .*|Timeout, server .*"
    r"|(?:kex_exchange_identification|client_loop): .*|Connection (?:to \S+ )?(?:closed|reset|timed out).*)",
    re.M,
)
AWS_CODE = re.compile(r"An error occurred \((?P<code>\w+)\) when calling the \w+ operation: (?P<said>.*)")
NOT_LOGGED_IN = re.compile(r"Unable to locate credentials|[Tt]oken has expired|SSO session .* (?:expired|invalid)")
NO_REGION = "You must specify a region"


def diagnose(forward: Forward, said: str) -> ShipmentEtlError:
    """Return why a program ended.

    Args:
        forward: the forward that it opened.
        said: its last lines.
    """
    return _diagnose_ssh(forward, said) or _diagnose_aws(forward, said) or TunnelBroken(forward.target, said)


def find_closed_port(forward: Forward, said: str) -> PortClosed | None:
    """Return the error that the host accepts no connection at the port, if the program printed it."""
    closed = CLOSED.search(said)
    return PortClosed(forward.target, forward.port, closed["why"]) if closed else None


def _diagnose_ssh(forward: Forward, said: str) -> ShipmentEtlError | None:
    shown = FINGERPRINT.search(said)
    if changed := HOST_KEY.search(said) or re.search(r"Host key for (?P<host>\S+) has changed", said):
        place = OLD_KEY.search(said)
        return HostKeyChanged(changed["host"], shown["print"] if shown else "", place["place"] if place else "")
    if unknown := NO_HOST_KEY.search(said):
        return HostKeyUnknown(unknown["host"], forward.target)
    if login := LOGIN.search(said):
        return LoginRefused(forward.target, login["ways"])
    if away := UNREACHABLE.search(said):
        return HostUnreachable(forward.target, away["why"])
    return None


def _diagnose_aws(forward: Forward, said: str) -> ShipmentEtlError | None:
    if NO_REGION in said:
        return SettingMissing("region for the AWS CLI", "Give the instance's region with --region.")
    if login := NOT_LOGGED_IN.search(said):
        return CredentialsRefused(login[0])
    refused = AWS_CODE.search(said)
    if refused is None:
        return None
    if refused["code"] == "TargetNotConnected":
        return HostUnreachable(
            forward.target,
            "it is not connected to Systems Manager (TargetNotConnected): is it running, is it in this region, does its "
            "role have AmazonSSMManagedInstanceCore, can it reach ssm and ssmmessages?",
        )
    if refused["code"].startswith("AccessDenied"):
        return NotAllowed(f"to start a session on {forward.target}", refused["said"])
    if re.search(r"Token|Client|Signature|Credential", refused["code"]):
        return CredentialsRefused(refused["code"])
    return None
