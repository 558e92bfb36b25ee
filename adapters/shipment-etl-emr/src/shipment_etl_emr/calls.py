"""Calls of AWS: repeated while it is busy, and translated into our errors when it will not do."""

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

from shipment_etl_emr.errors import CredentialsRefused, EmrError, NotAllowed, RequestRefused, ServiceUnavailable
from shipment_etl_emr.timing import Timing

__all__ = ["Calls", "Unsure", "code_of"]

PATIENCE_SECONDS = 600.0
"""How long a call is repeated; throttling of an account can last minutes."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
BUSY = frozenset(
    {
        "BandwidthLimitExceeded",
        "ConditionalRequestConflict",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "OperationAborted",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation", "403"})


class Unsure(Exception):
    """A call got no answer, or one that does not say whether it was carried out."""


class Calls:
    """Calls AWS with patience."""

    def __init__(self, timing: Timing, patience: float = PATIENCE_SECONDS) -> None:
        self.timing = timing
        self._patience = patience

    def __call__(self, doing: str, call: Callable[..., Any], **arguments: Any) -> Any:
        """Call, and again while AWS is busy; for calls that do no harm when they are made twice.

        Args:
            doing: what the call does, as in: to describe the cluster j-1.
            call: method of a client.
            arguments: of the call.

        Raises:
            ServiceUnavailable: AWS stayed busy.
            EmrError: it will not do.
        """
        start = self.timing.now()
        for _ in self.timing.pauses(FIRST_PAUSE, LONGEST_PAUSE, 2.0):
            try:
                return self.once(doing, call, **arguments)
            except Unsure as problem:
                waited = self.timing.now() - start
                if waited >= self._patience:
                    raise ServiceUnavailable(doing, waited, str(problem)) from problem
        raise AssertionError("pauses never end")

    def once(self, doing: str, call: Callable[..., Any], **arguments: Any) -> Any:
        """Call once.

        Raises:
            Unsure: it may or may not have been carried out.
            EmrError: it was not, and will not be.
        """
        try:
            return call(**arguments)
        except (ClientError, BotoCoreError) as problem:
            raise _translated(doing, problem) from problem


def code_of(problem: BaseException) -> str:
    """Return AWS's code of an error; of another error, and where there is none, an empty text."""
    response = getattr(problem, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _translated(doing: str, problem: Exception) -> EmrError | Unsure:
    if isinstance(problem, NoCredentialsError | PartialCredentialsError | TokenRetrievalError | SSOError):
        return CredentialsRefused(str(problem)[:200])
    # Of an answer that cannot be read nobody knows what it says.
    if isinstance(problem, HTTPClientError | ConnectionError | IncompleteReadError | ResponseParserError):
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
