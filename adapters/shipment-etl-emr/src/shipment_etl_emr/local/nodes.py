"""A node of a cluster on this machine, as poor as a real one: nothing of this environment is on the path of its steps.

It has a bare Python of the cluster's version, a Spark installation without package metadata, the programs that bootstrap
actions call, and what the request for the cluster configures. What stands for the network, the way to this AWS, is set for
it, but no region: a cluster is told that by its configuration, or not at all. YARN is missing: Spark runs on `local[*]`.
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
"""What EMR 7 runs PySpark on where it is not told otherwise."""
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
    """A node cannot be made on this machine."""


class Node:
    """A node, made in a folder.

    Args:
        root: stands for the root of its file system.
        configurations: those of the request for the cluster. They name its Python, of which one must be installed here.
        network: variables that lead to this AWS.
        region: of the cluster. EMR's own client of S3 knows it; programs have to be told.

    Raises:
        NodeFailed: there is no such Python here.
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
            # EMR names them without their versions.
            name = next(each for each in ("delta-spark", "delta-storage") if each in jar.name)
            _link(root / DELTA / f"{name}.jar", jar)
        self._exports = {name: self.place(value) for name, value in exports.items()}
        self._configure(properties, delta=_has_delta(configurations), region=region)

    def place(self, text: str) -> str:
        """Return a text in which a path of a node, if it is one, leads into this one."""
        return f"{self.root}{text}" if text.startswith(PLACES) else text

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a program that runs here: those of a shell, and the way to AWS."""
        return {
            **self._network,
            "HOME": str(self.root / "home"),
            "JAVA_HOME": str(self._java.home),
            "PATH": f"{self.root / 'bin'}:/usr/bin:/bin",
            "SPARK_LOCAL_IP": "127.0.0.1",
        }

    def spark_submit(self, options: Sequence[str] = ()) -> tuple[list[str], dict[str, str]]:
        """Return a call of spark-submit that the script and its arguments follow, and the variables that it needs."""
        home = {"SPARK_HOME": str(self.root / SPARK), "SPARK_CONF_DIR": str(self.root / CONFIGURATION)}
        return [f"{self.root / SPARK}/bin/spark-submit", *options], {**self.environment, **home, **self._exports}

    def close(self) -> None:
        """Delete the node."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _configure(self, properties: Mapping[str, str], *, delta: bool, region: str) -> None:
        """Write Spark's configuration: of the request, and what EMR adds by itself."""
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
    """Make a Python that has nothing installed, as /usr/bin/python3.x of a node."""
    program = next(_pythons(version), None)
    if program is None:
        raise NodeFailed(f"Steps of this release run on Python {version}, which is not installed here. Install it.")
    # Without site-packages of its own, and blind for those of the Python that it is made of.
    subprocess.run(  # nosec B603 # no shell, and a Python of this machine
        [program, "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True
    )


def _pythons(version: str) -> Iterator[str]:
    names = (sys.executable, f"python{version}", f"/usr/bin/python{version}")
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    for name in names:
        if program := shutil.which(name):
            # Of a version manager, one on the path may only say that it is not installed.
            said = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)  # nosec B603 # no shell, and a Python of this machine
            if said.stdout.strip() == version:
                yield program


def _make_spark(folder: Path) -> None:
    """Make a Spark installation as a cluster has it: its own files, and PySpark as an archive."""
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
    """Return the variables that spark-env exports, and the settings of spark-defaults."""
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
    """Whether EMR puts its Delta on the path."""
    return any(
        each["Classification"] == "delta-defaults" and each.get("Properties", {}).get("delta.enabled") == "true"
        for each in configurations
    )
