"""The same checks as `make`, each in its own environment and on every Python we support.

`make` installs what uv.lock pins. Here `tests` installs what pip would choose today, as users do.
"""

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "imports", "docs", "tests"]

SHIPPED = ["adapters", "docs", "examples", "images", "spark", "src"]
ADAPTERS = ["airflow", "emr[local]", "kestra", "notebook"]
SIDE_BY_SIDE = ["-n", "auto", "--dist", "loadfile"]
PAIRS = [("4.0.2", "4.0.1"), ("4.1.4", "4.1.0")]
"""Spark and Delta: the newest of 4.0, and the newest pair that is known to work."""


@nox.session
def lint(session: nox.Session) -> None:
    """Check for likely bugs, security problems and formatting."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("bandit", "--quiet", "--configfile", "pyproject.toml", "--recursive", *SHIPPED)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    install(session, "lint")
    session.run("mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """Check the import rules between packages."""
    install(session, "lint")
    session.run("lint-imports", "--no-logo")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site; a warning or a broken link is an error."""
    install(session, "docs")
    session.run("mkdocs", "build", env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run all tests; arguments after `--` go to pytest."""
    install(session, "test")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that the package allows, including Spark 3.5."""
    install(session, "test", "--no-config", "--resolution", "lowest-direct")
    session.run("python", "-m", "pytest", *SIDE_BY_SIDE, "-m", "not rehearsal", *session.posargs)


@nox.session(python="3.13")
def newest(session: nox.Session) -> None:
    """Run the tests with the newest Python and the newest version of every package, including Spark 4.1."""
    install(session, "test", "--no-config")
    session.run("python", "-m", "pytest", *SIDE_BY_SIDE, "-m", "not rehearsal", *session.posargs)


@nox.session(python="3.11")
@nox.parametrize(("spark", "delta"), PAIRS, ids=[f"spark-{spark}" for spark, _ in PAIRS])
def parity(session: nox.Session, spark: str, delta: str) -> None:
    """Compare other pairs of Spark and Delta with Sail; needs a suitable Java."""
    install(session, "test")
    # Overrides the versions that the package requires: the question is whether these work.
    session.install(f"pyspark=={spark}", f"delta-spark=={delta}")
    session.run("python", "tests/engines/parity.py", *session.posargs)


@nox.session(python="3.11")
def airflow(session: nox.Session) -> None:
    """Run the DAGs on a complete Airflow with a local AWS; screenshots are written to docs/assets."""
    install(session, "test")
    whole = "adapters/shipment-etl-airflow/tests/airflow_adapter/test_standalone.py"
    session.run("python", "-m", "pytest", whole, *session.posargs, env={"SCREENSHOTS": "docs/assets"})


@nox.session(python="3.12")
def kestra(session: nox.Session) -> None:
    """Run the flows on Kestra's own engine, in all tested variants; needs Maven and JDK 21 or newer."""
    install(session, "test")
    tests = "adapters/shipment-etl-kestra/tests/kestra/test_engine.py"
    session.run("python", "-m", "pytest", tests, *session.posargs, env={"KESTRA_ENGINE": "all"})


def install(session: nox.Session, group: str, *options: str) -> None:
    """Install the package with its extras, its adapters, and a dependency group of pyproject.toml.

    With the option `--no-config`, the version constraints of uv.lock are ignored.
    """
    adapters = [part for name in ADAPTERS for part in ("--editable", f"adapters/shipment-etl-{name}")]
    session.install(*options, "--editable", ".[lineage,report]", *adapters, "--group", group)
