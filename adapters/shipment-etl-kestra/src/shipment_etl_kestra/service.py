"""Kestra's API, through Kestra's own client: answers become values, and failures become errors with a remedy."""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from shipment_etl.errors import InvalidValue
from shipment_etl_kestra.errors import (
    AccountRefused,
    AccountUnset,
    FlowRejected,
    KestraFailed,
    KestraUnreachable,
    NotKestra,
    PasswordUnreadable,
)
from shipment_etl_kestra.shipped import Flow

__all__ = ["Kestra", "load_client"]

USERNAME, PASSWORD, PASSWORD_FILE = "KESTRA_USERNAME", "KESTRA_PASSWORD", "KESTRA_PASSWORD_FILE"
TENANT = "main"
"""The only tenant of the open-source edition, and the first one of any other."""
TIMEOUT_SECONDS = 30.0
REFUSED = (401, 403)
MISSING = 404
UNKNOWN_METHOD = (405, 501)
UNFIT = (400, 409, 422)


class Kestra:
    """A running Kestra."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        """Take the account from the environment; no request is sent yet.

        Raises:
            InvalidValue: the URL is not valid.
            AccountUnset: the environment names no account.
            PasswordUnreadable: it names a file for the password that cannot be read.
        """
        if not _is_address(url):
            # Without the part before an @, which may be a password.
            raise InvalidValue("--url", url.rpartition("@")[2], "http:// or https:// and a host, without an account")
        account = {USERNAME: environment.get(USERNAME), PASSWORD: _password(environment)}
        missing = [name for name, value in account.items() if not value]
        if missing:
            raise AccountUnset(missing)
        self.url = url.rstrip("/")
        self._username = environment[USERNAME]
        self._library = load_client()
        self._client = self._library.KestraClient(
            host=self.url, username=self._username, password=account[PASSWORD], timeout=TIMEOUT_SECONDS
        )

    def has_namespace(self, name: str) -> bool:
        """Return whether a namespace exists; the open-source edition has any that is requested."""
        with self._translate_errors(f"look up the namespace {name}"):
            try:
                self._client.namespaces.namespace(name, TENANT)
            except self._library.ApiException as answer:
                if answer.status != MISSING:
                    raise
                return False
            return True

    def create_namespace(self, name: str) -> None:
        """Create a namespace."""
        with self._translate_errors(f"create the namespace {name}"):
            self._client.namespaces.create_namespace(TENANT, self._library.Namespace(id=name, deleted=False))

    def source_of(self, flow: Flow) -> str | None:
        """Return the text that Kestra stores for a flow; None if it has none."""
        with self._translate_errors(f"look up the flow {flow}"):
            try:
                found = self._client.flows.flow(flow.namespace, flow.id, TENANT, source=True)
            except self._library.ApiException as answer:
                if answer.status != MISSING:
                    raise
                return None
            source: str | None = found.source if found else None
            return source

    def check(self, flow: Flow) -> None:
        """Have Kestra check a flow, without storing it.

        Raises:
            FlowRejected: Kestra would not accept it.
        """
        with self._translate_errors(f"check the flow {flow}", flow):
            try:
                verdicts = self._client.flows.validate_flows(TENANT, flow.source)
            except self._library.ApiException as answer:
                # Every Kestra has this path, whatever flows it has.
                if answer.status == MISSING:
                    raise NotKestra(self.url, "it cannot check a flow (404)") from answer
                raise
        for verdict in verdicts:
            if verdict.constraints:
                raise FlowRejected(str(flow), verdict.constraints)

    def write(self, flow: Flow, *, new: bool) -> int | None:
        """Store a flow; return its revision."""
        with self._translate_errors(f"store the flow {flow}", flow):
            flows = self._client.flows
            stored = (
                flows.create_flow(TENANT, flow.source)
                if new
                else flows.update_flow(flow.namespace, flow.id, TENANT, flow.source)
            )
            revision: int | None = stored.revision
            return revision

    @contextmanager
    def _translate_errors(self, doing: str, flow: Flow | None = None) -> Iterator[None]:
        try:
            yield
        except requests.JSONDecodeError as problem:
            raise NotKestra(self.url, "its answer is not JSON") from problem
        except requests.RequestException as problem:
            raise KestraUnreachable(self.url, _reason(problem)) from problem
        except self._library.ApiException as answer:
            status = answer.status or 0
            if status in REFUSED:
                raise AccountRefused(self.url, self._username, status) from answer
            if flow is not None and status in UNFIT:
                raise FlowRejected(str(flow), _message(answer.body)) from answer
            if status in UNKNOWN_METHOD:
                raise NotKestra(self.url, f"it answered {status} when asked to {doing}") from answer
            raise KestraFailed(self.url, doing, status, _message(answer.body)) from answer


def load_client() -> Any:
    """Import Kestra's client, which takes two seconds for its models: not before the arguments are checked."""
    with warnings.catch_warnings():
        # One of its models has a field called `validate`; users cannot do anything about that warning.
        warnings.filterwarnings("ignore", "Field name .* shadows an attribute", UserWarning)
        import kestrapy
    return kestrapy


def _password(environment: Mapping[str, str]) -> str:
    """Return the password of the environment, or of the file that it names; empty if neither."""
    file = environment.get(PASSWORD_FILE, "")
    if environment.get(PASSWORD) or not file:
        return environment.get(PASSWORD, "")
    try:
        return Path(file).read_text("utf-8").rstrip("\n")
    except (OSError, ValueError) as problem:
        raise PasswordUnreadable(file, str(problem)) from problem


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False


def _message(body: str | None) -> str:
    """Return what Kestra says in the body of an answer."""
    try:
        content = json.loads(body or "{}")
    except json.JSONDecodeError:
        content = {}
    message = content.get("message") if isinstance(content, dict) else None
    return str(message or "it gave no reason.").strip()


def _reason(problem: requests.RequestException) -> str:
    """Return the root cause of a failed connection; the errors around it only repeat it at length."""
    cause: BaseException = problem
    while below := cause.__cause__ or cause.__context__ or getattr(cause, "reason", None):
        if not isinstance(below, BaseException):
            break
        cause = below
    return str(cause) or type(cause).__name__
