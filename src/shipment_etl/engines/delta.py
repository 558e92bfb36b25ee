"""Delta: the settings that a classic session needs for it, and a check that a session supports it."""

from types import MappingProxyType

from pyspark.sql import SparkSession

from shipment_etl.engines.jars import delta_artifact
from shipment_etl.errors import DeltaMissing

__all__ = ["DELTA", "require_delta"]

DELTA = MappingProxyType(
    {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    }
)
NO_SUCH_TABLE = "/no/such/delta/table"
NO_JARS = ("DATA_SOURCE_NOT_FOUND", "Cannot find catalog plugin class", "ClassNotFoundException")
NO_SETTINGS = ("DELTA_CONFIGURE_SPARK_SESSION_WITH_EXTENSION_AND_CATALOG",)

_knows: set[str] = set()


def require_delta(spark: SparkSession) -> None:
    """Check that a session supports Delta, by its error for a table that does not exist.

    Raises:
        DeltaMissing: it does not.
    """
    application = spark.conf.get("spark.app.id", "") or ""
    if application and application in _knows:
        return
    try:
        spark.read.format("delta").load(NO_SUCH_TABLE).schema  # noqa: B018 - the access runs the check
    except Exception as problem:  # its type depends on the version of Spark
        said = str(problem)
        if any(sign in said for sign in NO_JARS):
            raise DeltaMissing(spark.version, "its jars are not on the classpath", delta_artifact()) from problem
        if any(sign in said for sign in NO_SETTINGS):
            raise DeltaMissing(spark.version, "it was started without Delta's settings", delta_artifact()) from problem
    _knows.add(application)
