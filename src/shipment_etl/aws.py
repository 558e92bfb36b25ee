"""AWS error codes and what they mean, shared by the lake and all adapters. Pure: nothing is called."""

from collections.abc import Mapping

__all__ = ["BUSY", "CREDENTIALS", "DENIED", "ELSEWHERE", "LOST", "NO_BUCKET", "NO_KEY", "code_of"]

CREDENTIALS: Mapping[str, str] = {
    "AuthFailure": "AWS cannot validate them",
    "ExpiredToken": "they have expired",
    "ExpiredTokenException": "they have expired",
    "IncompleteSignature": "the signature is incomplete",
    "InvalidAccessKeyId": "the access key is unknown",
    "InvalidClientTokenId": "the access key is unknown",
    "InvalidSignatureException": "the secret key does not match the access key",
    "InvalidToken": "the session token is not valid",
    "MissingAuthenticationToken": "the request has none",
    "RequestExpired": "they have expired",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "SignatureDoesNotMatch": "the secret key does not match the access key",
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
"""The credentials are valid, but lack a permission."""

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
"""The same call may succeed later, as after any response of status 500 or above."""

NO_BUCKET = frozenset({"404", "NoSuchBucket"})
NO_KEY = frozenset({"404", "NoSuchKey", "NotFound"})
"""A response to HEAD has no body, so S3 returns the status instead of a code."""

ELSEWHERE = frozenset(
    {"301", "307", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"}
)
"""The bucket is in another region."""

LOST = frozenset({"409", "412", "ConditionalRequestConflict", "PreconditionFailed"})
"""The condition of a put failed: another client was first."""


def code_of(problem: BaseException) -> str:
    """Return the code of a boto3 error, or of the boto3 error that caused an error, or an empty string."""
    for each in (problem, problem.__cause__):
        response = getattr(each, "response", None)
        if response:
            return str(response.get("Error", {}).get("Code", ""))
    return ""
