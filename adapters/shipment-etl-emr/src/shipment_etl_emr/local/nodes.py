"""A cluster node on this machine that has only what a real node has: its steps cannot import anything of this environment.

It has a bare Python of the cluster's version, a Spark installation without package metadata, the programs that bootstrap
actions call, and the configuration of the cluster's request. The variables that point to this AWS replace the network, but
do not set a region: as on EMR, only the configuration can. YARN is missing: Spark runs on `local[*]`.
"""

import shutil
import subprocess  # nosec B404 # makes environments of nodes
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyspark

from shipment_etl.engines.jars import delta_jars, s3_jars
from shipment_etl.engines.java import find_java
from shipment_etl.s3 import spark_settings

__all__ = ["Node", "NodeFailed"]

INTERPRETER = "/usr/bin/python"
SYSTEM_PYTHON = f"{INTERPRETER}3.9"
"""Default Python of PySpark on EMR 7."""
SPARK = "usr/lib/spark"
DELTA = "usr/share/aws/delta/lib"
CONFIGURATION = "etc/spark/conf"
PLACES = ("/opt/", INTERPRETER, "/usr/share/aws/")
"""Paths of a node, as requests name them."""
REGION = ("AWS_REGION", "AWS_DEFAULT_REGION")
PROGRAMS = {
    "aws": f'exec "{sys.executable}" -I "{Path(__file__).with_name("copy_object.py")}" "$@"',
    "sudo": 'exec "$@"',
    "systemd-run": ":",  # the timer of a node that ends with its cluster
}
LOGGING = "rootLogger.level = info\nrootLogger.appenderRef.stderr.ref = stderr\nappender.stderr.type = Console\n" + (
    "appender.stderr.name = stderr\nappender.stderr.target = SYSTEM_ERR\nappender.stderr.layout.type = PatternLayout\n"
    "appender.stderr.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex\n"
)


class NodeFailed(RuntimeError):
    """A node cannot be created on this machine."""


class Node:
    """A node in a folder.

    Args:
        root: folder that replaces the root of its file system.
        configurations: configurations of the cluster's request. They name its Python version, which must be installed here.
        network: variables that point to this AWS.
        region: region of the cluster. EMR's own S3 client knows it; programs do not.

    Raises:
        NodeFailed: this Python version is not installed here.
        JavaMissing, JarsUnreachable: Spark cannot run here.
    """

    def __init__(
        self, root: Path, configurations: Sequence[Mapping[str, Any]], network: Mapping[str, str], region: str
    ) -> None:
        self.root = root
        self._java = find_java()
        self._network = {name: value for name, value in network.items() if name.startswith("AWS_") and name not in REGION}
        exports, properties = _read_configurations(configurations)
        interpreter = exports.get("PYSPARK_PYTHON") or properties.get("spark.executorEnv.PYSPARK_PYTHON", SYSTEM_PYTHON)
        _make_python(root / "usr", interpreter.removeprefix(INTERPRETER))
        _make_spark(root / SPARK)
        _make_programs(root / "bin")
        for jar in delta_jars(self._java):
            # On EMR their names have no versions.
            name = next(each for each in ("delta-spark", "delta-storage") if each in jar.name)
            _link(root / DELTA / f"{name}.jar", jar)
        self._exports = {name: self.place(value) for name, value in exports.items()}
        self._configure(properties, delta=_has_delta(configurations), region=region)

    def place(self, text: str) -> str:
        """Return a text; if it is a path on a node, return the path in this node's folder."""
        return f"{self.root}{text}" if text.startswith(PLACES) else text

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a program on this node: a shell's variables, and those that point to AWS."""
        return {
            **self._network,
            "HOME": str(self.root / "home"),
            "JAVA_HOME": str(self._java.home),
            "PATH": f"{self.root / 'bin'}:/usr/bin:/bin",
            "SPARK_LOCAL_IP": "127.0.0.1",
        }

    def spark_submit(self, options: Sequence[str] = ()) -> tuple[list[str], dict[str, str]]:
        """Return a spark-submit command, to which the script and its arguments are appended, and its environment."""
        home = {"SPARK_HOME": str(self.root / SPARK), "SPARK_CONF_DIR": str(self.root / CONFIGURATION)}
        return [f"{self.root / SPARK}/bin/spark-submit", *options], {**self.environment, **home, **self._exports}

    def close(self) -> None:
        """Delete the node."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _configure(self, properties: Mapping[str, str], *, delta: bool, region: str) -> None:
        """Write Spark's configuration: from the request, and what EMR adds by itself."""
        folder = self.root / CONFIGURATION
        folder.mkdir(parents=True)
        (self.root / "home").mkdir()
        jars = [*s3_jars(self._java), *sorted((self.root / DELTA).iterdir() if delta else ())]
        given = filter(None, properties.get("spark.jars", "").split(","))
        settings = {
            **spark_settings({**self._network, "AWS_REGION": region}),
            **{name: self.place(value) for name, value in properties.items()},
            "spark.master": "local[*]",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.jars": ",".join([*map(str, jars), *map(self.place, given)]),
            "spark.ui.enabled": "false",
        }
        lines = (f"{name} {value}\n" for name, value in sorted(settings.items()))
        (folder / "spark-defaults.conf").write_text("".join(lines), "utf-8")
        (folder / "log4j2.properties").write_text(LOGGING, "utf-8")


def _make_python(folder: Path, version: str) -> None:
    """Create a Python with no packages installed, like /usr/bin/python3.x of a node."""
    program = next(_pythons(version), None)
    if program is None:
        raise NodeFailed(f"Steps of this release run on Python {version}, which is not installed here. Install it.")
    # Without pip, and without access to the site-packages of its base Python.
    subprocess.run(  # nosec B603 # no shell, and a Python of this machine
        [program, "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True
    )


def _pythons(version: str) -> Iterator[str]:
    names = (sys.executable, f"python{version}", f"/usr/bin/python{version}")
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    for name in names:
        if program := shutil.which(name):
            # A version manager's shim on the PATH may only print that this version is not installed.
            said = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)  # nosec B603 # no shell, and a Python of this machine
            if said.stdout.strip() == version:
                yield program


def _make_spark(folder: Path) -> None:
    """Create a Spark installation like a cluster's: Spark's files, and PySpark as an archive."""
    source = Path(pyspark.__file__).parent
    for name in ("bin", "jars"):
        _link(folder / name, source / name)
    _link(folder / "python" / "lib", source / "python" / "lib")


def _make_programs(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, text in PROGRAMS.items():
        program = folder / name
        program.write_text(f"#!/bin/bash\n{text}\n", "utf-8")
        program.chmod(0o755)


def _link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target.absolute(), target_is_directory=target.is_dir())


def _read_configurations(configurations: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the variables exported by spark-env, and the settings of spark-defaults."""
    exports: dict[str, str] = {}
    defaults: dict[str, str] = {}
    for each in configurations:
        if each["Classification"] == "spark-env":
            for inner in each.get("Configurations", ()):
                exports |= inner.get("Properties", {}) if inner["Classification"] == "export" else {}
        elif each["Classification"] == "spark-defaults":
            defaults |= each.get("Properties", {})
    return exports, defaults


def _has_delta(configurations: Sequence[Mapping[str, Any]]) -> bool:
    """Whether EMR puts its Delta jars on the classpath."""
    return any(
        each["Classification"] == "delta-defaults" and each.get("Properties", {}).get("delta.enabled") == "true"
        for each in configurations
    )
