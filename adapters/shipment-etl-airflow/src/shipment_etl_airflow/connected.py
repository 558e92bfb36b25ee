"""Connected: the EMR adapter with credentials from Airflow, and its errors as Airflow handles them."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from shipment_etl.errors import ShipmentEtlError
from shipment_etl_airflow.errors import ConnectionMissing, VariableMissing
from shipment_etl_emr import Service, Settings

__all__ = ["connect", "final_errors"]


def connect(settings: str, connection: str) -> Service:
    """Return the service of EMR with the credentials, the region and the endpoint of a connection.

    Args:
        settings: file emr.toml.
        connection: ID of a connection of type aws.

    Raises:
        VariableMissing: no file is named.
        ConnectionMissing: there is no such connection.
        EmrRefused: the settings cannot be used.
    """
    if not settings:
        raise VariableMissing("shipment_etl_emr_settings", "the file with the EMR settings", "/opt/airflow/emr.toml")
    try:
        # The provider's hook only warns about a missing connection, and continues with any credentials it finds.
        AwsBaseHook.get_connection(connection)
    except AirflowNotFoundException:
        raise ConnectionMissing(connection) from None
    hook = AwsBaseHook(aws_conn_id=connection, client_type="emr")
    return Service(Settings.from_toml(settings), hook.conn_config.endpoint_url, session=hook.get_session())


@contextmanager
def final_errors() -> Iterator[None]:
    """Fail the task at once on an error that a retry would only repeat, for the price of a cluster."""
    try:
        yield
    except ShipmentEtlError as problem:
        if problem.retryable:
            raise
        # The message is enough; a traceback would bury it in the task's log.
        raise AirflowFailException(str(problem)) from None
