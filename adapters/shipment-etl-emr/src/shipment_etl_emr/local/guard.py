"""Guard: lets in only who knows the key. What listens here runs programs, and a port is open to every user of a machine."""

import json
import re
from collections.abc import Callable, Iterable
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs

__all__ = ["STATUS", "guarded"]

STATUS = "/.local-aws"
"""Path, of no bucket, at which it tells everybody that it is a local AWS of ours."""
CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")
SIGNED_LINK = ("X-Amz-Credential", "AWSAccessKeyId")
REFUSAL = "This local AWS was not started by you, or its keys are others. See: shipment-etl local-aws env"
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def guarded(application: Application, key: str, status: dict[str, Any], is_ready: Callable[[], bool]) -> Application:
    """Return a WSGI application that answers only requests signed for a key, and everybody who asks for its status.

    Args:
        application: what is guarded.
        key: the access key ID; it is made anew for each start, and known to who started it.
        status: what it tells of itself.
        is_ready: whether its buckets and roles are there; before that, it does not say that it runs.
    """

    def guard(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == STATUS:
            if not is_ready():
                return _answer(start_response, "503 Service Unavailable", "application/json", "{}")
            return _answer(start_response, "200 OK", "application/json", json.dumps(status))
        if compare_digest(_key_of(environ), key):
            return application(environ, start_response)
        if "HTTP_X_AMZ_TARGET" in environ:
            told = json.dumps({"__type": "UnrecognizedClientException", "message": REFUSAL})
            return _answer(start_response, "403 Forbidden", "application/x-amz-json-1.1", told)
        told = f"<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>{REFUSAL}</Message></Error></ErrorResponse>"
        return _answer(start_response, "403 Forbidden", "application/xml", told)

    return guard


def _key_of(environ: dict[str, Any]) -> str:
    found = CREDENTIAL.search(str(environ.get("HTTP_AUTHORIZATION", "")))
    if found:
        return str(found[1])
    # A link that was signed beforehand, in the way of today or of old.
    given = parse_qs(str(environ.get("QUERY_STRING", "")))
    return next((given[name][0].partition("/")[0] for name in SIGNED_LINK if name in given), "")


def _answer(start_response: Callable[..., Any], status: str, kind: str, text: str) -> Iterable[bytes]:
    data = text.encode()
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(data)))])
    return [data]
