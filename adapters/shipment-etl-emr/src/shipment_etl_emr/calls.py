"""Calls to AWS: retried while it is busy, with its errors translated into ours."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from shipment_etl.aws import BUSY, CREDENTIALS, DENIED, code_of
from shipment_etl.retry import retry
from shipment_etl_emr.errors import CredentialsRefused, EmrError, NotAllowed, RequestRefused, ServiceUnavailable
from shipment_etl_emr.timing import Timing

__all__ = ["Calls", "Unsure"]

PATIENCE_SECONDS = 600.0
"""How long a call is retried; throttling of an account can last minutes."""
FIRST_PAUSE, MAX_PAUSE = 1.0, 30.0


class Unsure(Exception):
    """A call got no answer, or one that leaves open whether it was carried out."""


class Calls:
    """Calls AWS, with retries."""

    def __init__(self, timing: Timing, patience: float = PATIENCE_SECONDS) -> None:
        self.timing = timing
        self._patience = patience

    def __call__(self, doing: str, call: Callable[..., Any], **arguments: Any) -> Any:
        """Call, and retry while AWS is busy; only for calls that can safely be made twice.

        Args:
            doing: what the call does, as in: to describe the cluster j-1.
            call: method of a client.
            arguments: of the call.

        Raises:
            ServiceUnavailable: AWS stayed busy.
            EmrError: AWS refused the call.
        """
        start = self.timing.now()
        try:
            return retry(
                lambda: self.once(doing, call, **arguments),
                when=lambda problem: isinstance(problem, Unsure),
                until=lambda tries: self.timing.now() - start >= self._patience,
                first=FIRST_PAUSE,
                most=MAX_PAUSE,
                sleep=self.timing.sleep,
                chance=self.timing.chance,
            )
        except Unsure as problem:
            raise ServiceUnavailable(doing, self.timing.now() - start, str(problem)) from problem

    def once(self, doing: str, call: Callable[..., Any], **arguments: Any) -> Any:
        """Call once.

        Raises:
            Unsure: the call may or may not have been carried out.
            EmrError: it was not carried out, and a retry would fail too.
        """
        try:
            return call(**arguments)
        except (ClientError, BotoCoreError, HTTPError) as problem:
            raise _translate(doing, problem) from problem


def _translate(doing: str, problem: Exception) -> EmrError | Unsure:
    if isinstance(problem, NoCredentialsError | PartialCredentialsError | TokenRetrievalError | SSOError):
        return CredentialsRefused(str(problem)[:200])
    # An answer that cannot be read may have been a success.
    # If the text of an error breaks off, botocore lets urllib3's error pass.
    if isinstance(problem, HTTPClientError | ConnectionError | IncompleteReadError | ResponseParserError | HTTPError):
        return Unsure(str(problem))
    if not isinstance(problem, ClientError):
        return RequestRefused(doing, str(problem))
    code, status = code_of(problem), problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    said = problem.response.get("Error", {}).get("Message", "") or str(problem)
    if code in BUSY or status >= 500:
        return Unsure(f"{code}: {said}")
    if code in CREDENTIALS:
        return CredentialsRefused(code)
    if code in DENIED:
        return NotAllowed(doing, said)
    return RequestRefused(doing, f"{code}: {said}")
