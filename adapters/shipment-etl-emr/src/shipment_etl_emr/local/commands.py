"""Commands: parses what an EMR step runs from its list of arguments. Pure; no argument passes through a shell."""

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["CommandUnfit", "Program", "Script", "Submit", "read"]

COMMAND_RUNNER, SCRIPT_RUNNER = "command-runner.jar", "script-runner.jar"
FLAGS = frozenset({"--verbose", "-v", "--supervise"})
"""Options of spark-submit that take no value."""
OF_THE_CLUSTER = frozenset({"--master", "--deploy-mode", "--queue", "--principal", "--keytab"})
"""Options that say where on a cluster it runs; they are ignored here."""
FILES = frozenset({"--py-files", "--files", "--archives", "--jars"})


class CommandUnfit(ValueError):
    """A step needs something that only a cluster can run."""


@dataclass(frozen=True, slots=True)
class Submit:
    """A Spark application.

    Attributes:
        script: path or URI of the script.
        arguments: arguments of the script.
        files: additional files by option: --py-files, --files, --archives, --jars.
        options: other options of spark-submit, each with its value if it has one.
    """

    script: str
    arguments: tuple[str, ...]
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    options: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """A script to download and run."""

    uri: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A program with its arguments."""

    arguments: tuple[str, ...]


def read(jar: str, arguments: Sequence[str]) -> Submit | Script | Program:
    """Return what a step runs.

    Args:
        jar: jar of the step.
        arguments: arguments of the step.

    Raises:
        CommandUnfit: the step cannot run here.
    """
    name = jar.rsplit("/", 1)[-1]
    if not arguments:
        raise CommandUnfit(f"The step gives {name} no arguments, so there is nothing to run.")
    if name == SCRIPT_RUNNER:
        return Script(arguments[0], tuple(arguments[1:]))
    if name != COMMAND_RUNNER:
        raise CommandUnfit(f"Local AWS runs {COMMAND_RUNNER} and {SCRIPT_RUNNER}, but no other jar: {jar[:200]}")
    if arguments[0].rsplit("/", 1)[-1] == "spark-submit":
        return _submit(arguments[1:])
    return Program(tuple(arguments))


def _submit(arguments: Sequence[str]) -> Submit:
    files: dict[str, tuple[str, ...]] = {}
    options: list[tuple[str, ...]] = []
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        name, equals, value = arguments[at].partition("=")
        if name in FLAGS:
            options.append((name,))
            at += 1
            continue
        if not equals:
            if at + 1 == len(arguments):
                raise CommandUnfit(f"The option {name[:80]} of spark-submit has no value.")
            value, at = arguments[at + 1], at + 1
        at += 1
        if name in FILES:
            files[name] = tuple(each.strip() for each in value.split(",") if each.strip())
        elif name not in OF_THE_CLUSTER:
            options.append((name, value))
    if at == len(arguments):
        raise CommandUnfit("spark-submit is given no script.")
    return Submit(arguments[at], tuple(arguments[at + 1 :]), files, tuple(options))
