"""Storage errors: the bucket, the credentials, or the network."""

from shipment_etl.errors.base import TRY_AGAIN
from shipment_etl.errors.lake import LakeError
from shipment_etl.errors.wording import last_cause

__all__ = [
    "BucketElsewhere",
    "BucketMissing",
    "CredentialsMissing",
    "CredentialsRefused",
    "StorageDenied",
    "StorageError",
    "StorageFailed",
    "StorageUnfit",
    "StorageUnreachable",
]


class StorageError(LakeError):
    """The lake's storage cannot be used."""


class BucketMissing(StorageError):
    """There is no such bucket."""

    template = "There is no bucket {bucket} at {at}."
    remedy = "Check its name, or create it with: aws s3 mb s3://{bucket}"

    def __init__(self, bucket: str, at: str) -> None:
        super().__init__(bucket=bucket, at=at)


class BucketElsewhere(StorageError):
    """The bucket is in another region."""

    template = "The bucket {bucket} is in {region}, not in {ours}."
    remedy = "Set the region: export AWS_REGION={region}"

    def __init__(self, bucket: str, region: str, ours: str) -> None:
        super().__init__(bucket=bucket, region=region, ours=ours)


class StorageDenied(StorageError):
    """The credentials are valid, but lack a permission."""

    template = "Access to {uri} is denied for these credentials."
    remedy = (
        "They need s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject on its objects. "
        "`aws sts get-caller-identity` shows whose they are."
    )

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class CredentialsMissing(StorageError):
    """No credentials were found."""

    template = "There are no AWS credentials for {uri}."
    remedy = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile with AWS_PROFILE."

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class CredentialsRefused(StorageError):
    """The credentials are expired, unknown or wrong."""

    template = "The AWS credentials for {uri} are not accepted: {said}."
    remedy = (
        "Get new ones, for example with `aws sso login`, or correct AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
        "AWS_SESSION_TOKEN."
    )

    def __init__(self, uri: str, said: str) -> None:
        super().__init__(uri=uri, said=said)


class StorageUnreachable(StorageError):
    """Nothing answers at the address of the storage."""

    template = "The storage of {uri} does not answer at {endpoint}."
    remedy = "Check the network, AWS_ENDPOINT_URL and AWS_REGION."
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, uri: str, endpoint: str) -> None:
        super().__init__(uri=uri, endpoint=endpoint)


class StorageUnfit(StorageError):
    """A store like S3 does not support what locks need."""

    template = "The storage of {uri} ignores conditional writes (If-None-Match), so two jobs could write at the same time."
    remedy = "Use S3, or a store with conditional writes, such as a current release of MinIO."

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class StorageFailed(StorageError):
    """A request to the storage failed."""

    template = "The storage of {uri} failed: {said:.300}."
    remedy = "Run the same command again."
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, uri: str, said: str) -> None:
        super().__init__(uri=uri, said=last_cause(said))
