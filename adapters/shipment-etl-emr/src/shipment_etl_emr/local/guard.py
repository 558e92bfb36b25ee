"""Guard: accepts only clients with the key. This server runs programs, and every user of a machine can reach its port."""

import json
import re
from collections.abc import Callable, Iterable
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs

__all__ = ["STATUS", "guard"]

STATUS = "/.local-aws"
"""Path, which cannot be a bucket, where it tells everybody that it is our local AWS."""
CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")
SIGNED_LINK = ("X-Amz-Credential", "AWSAccessKeyId")
REFUSAL = "This local AWS was not started by you, or it has another key. See: shipment-etl local-aws env"
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def guard(application: Application, key: str, status: dict[str, Any], is_ready: Callable[[], bool]) -> Application:
    """Return a WSGI application that answers only requests signed with a key, and status requests of everybody.

    Args:
        application: the application to guard.
        key: the access key ID, generated at each start and known to the process that started it.
        status: the answer to status requests.
        is_ready: whether its buckets and roles exist; before that, it does not report that it is running.
    """

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
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

    return answer


def _key_of(environ: dict[str, Any]) -> str:
    found = CREDENTIAL.search(str(environ.get("HTTP_AUTHORIZATION", "")))
    if found:
        return str(found[1])
    # A presigned link, of signature version 4 or 2.
    given = parse_qs(str(environ.get("QUERY_STRING", "")))
    return next((given[name][0].partition("/")[0] for name in SIGNED_LINK if name in given), "")


def _answer(start_response: Callable[..., Any], status: str, kind: str, text: str) -> Iterable[bytes]:
    data = text.encode()
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(data)))])
    return [data]
