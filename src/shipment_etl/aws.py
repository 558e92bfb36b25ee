"""AWS: what the codes of its errors mean. One vocabulary for the lake and all adapters; pure, nothing is called."""

from collections.abc import Mapping

__all__ = ["BUSY", "CREDENTIALS", "DENIED", "ELSEWHERE", "LOST", "NO_BUCKET", "NO_KEY", "code_of"]

CREDENTIALS: Mapping[str, str] = {
    "AuthFailure": "AWS cannot tell whose they are",
    "ExpiredToken": "they have expired",
    "ExpiredTokenException": "they have expired",
    "IncompleteSignature": "the signature is not complete",
    "InvalidAccessKeyId": "the access key is unknown",
    "InvalidClientTokenId": "the access key is unknown",
    "InvalidSignatureException": "the secret does not fit the access key",
    "InvalidToken": "the session token is not valid",
    "MissingAuthenticationToken": "there are none in the request",
    "RequestExpired": "they have expired",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "SignatureDoesNotMatch": "the secret does not fit the access key",
    "TokenRefreshRequired": "they have expired",
    "UnrecognizedClientException": "the access key is unknown",
}
"""Code → what is wrong with the credentials."""

DENIED = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AccountProblem",
        "AllAccessDisabled",
        "NotAuthorized",
        "UnauthorizedOperation",
    }
)
"""The credentials are valid, but lack a right."""

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
"""The same call may succeed later; so may any answer of status 500 or above."""

NO_BUCKET = frozenset({"404", "NoSuchBucket"})
NO_KEY = frozenset({"404", "NoSuchKey", "NotFound"})
"""HEAD has no body, so S3 gives its status in place of a code."""

ELSEWHERE = frozenset(
    {"301", "307", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"}
)
"""The bucket is in another region."""

LOST = frozenset({"409", "412", "ConditionalRequestConflict", "PreconditionFailed"})
"""The condition of a put does not hold: another client was first."""


def code_of(problem: BaseException) -> str:
    """Return the code of an error of boto3, or of the one that it was translated from; empty if there is none."""
    for each in (problem, problem.__cause__):
        response = getattr(each, "response", None)
        if response:
            return str(response.get("Error", {}).get("Code", ""))
    return ""
