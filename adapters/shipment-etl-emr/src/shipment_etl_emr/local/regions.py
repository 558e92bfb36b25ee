"""Regions: as on AWS, S3 refuses requests that are signed for another region than the bucket's.

moto accepts any signature, so a program that does not know its region would work here but fail on AWS.
"""

import re
from collections.abc import Iterable
from typing import Any

from moto.s3.models import s3_backends

from shipment_etl_emr.local.guard import Application

__all__ = ["enforce_regions"]

SCOPE = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/s3/")
MALFORMED = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization '
    "header is malformed; the region '{signed}' is wrong; expecting '{region}'</Message><Region>{region}</Region></Error>"
)
ANYWHERE = "location"
"""A bucket's location may be requested from any region."""


def enforce_regions(application: Application) -> Application:
    """Return a WSGI application that refuses requests for the wrong region, and adds the bucket's region to each answer."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        region = _region_of(str(environ.get("PATH_INFO", "")).lstrip("/").partition("/")[0])
        signed = SCOPE.search(str(environ.get("HTTP_AUTHORIZATION", "")))
        if region is None or signed is None:
            return application(environ, start_response)
        located = ("x-amz-bucket-region", region)
        if signed[1] == region or ANYWHERE in str(environ.get("QUERY_STRING", "")).split("&"):
            return application(environ, _with_header(start_response, located))
        text = MALFORMED.format(signed=signed[1], region=region).encode()
        body = b"" if environ.get("REQUEST_METHOD") == "HEAD" else text
        length = ("Content-Length", str(len(body)))
        start_response("400 Bad Request", [("Content-Type", "application/xml"), length, located])
        return [body]

    return answer


def _with_header(start_response: Any, header: tuple[str, str]) -> Any:
    """Return a `start_response` that adds a header, unless the answer already has it."""

    def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        known = {name.lower() for name, _ in headers}
        return start_response(status, headers if header[0] in known else [*headers, header], *more)

    return start


def _region_of(bucket: str) -> str | None:
    """Return the region of a bucket; None if there is no such bucket."""
    for account in list(s3_backends.values()):
        for backend in list(account.values()):
            if bucket in backend.buckets:
                return str(backend.buckets[bucket].region_name)
    return None
