"""Processes: one run of the table in several processes at once, each with every nth trial of every part."""

import pickle
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.trust.results import Part

__all__ = ["run_in_processes", "save"]


def run_in_processes(count: int, seed: int, names: Sequence[str], minutes: float) -> list[Part]:
    """Run parts in several processes; an interrupted one returns what it has tried.

    Each process begins with another part, because some parts mostly wait and others mostly work.
    """
    with TemporaryDirectory() as folder:
        files = [Path(folder) / str(number) for number in range(count)]
        processes = []
        for number, file in enumerate(files):
            first = number * len(names) // count
            only = ",".join([*names[first:], *names[:first]])
            command = [sys.executable, "-m", "tests.trust", "--seed", str(seed), "--only", only, "--minutes", str(minutes)]
            processes.append(subprocess.Popen([*command, "--worker", f"{number}/{count}", "--parts", str(file)]))
        for process in processes:
            try:
                process.wait()
            except KeyboardInterrupt:
                for each in processes:
                    each.send_signal(signal.SIGTERM)
                process.wait()
        return _merge([part for file in files for part in _load(file)], names)


def save(parts: Sequence[Part], file: Path) -> None:
    """Write what a process has found."""
    file.write_bytes(pickle.dumps(parts))


def _load(file: Path) -> list[Part]:
    parts: list[Part] = []
    with suppress(FileNotFoundError):
        parts = pickle.loads(file.read_bytes())  # our own process wrote it
    return parts


def _merge(parts: Sequence[Part], names: Sequence[str]) -> list[Part]:
    merged = []
    for name in names:
        same = [part for part in parts if part.name == name]
        if same:
            whole = Part(name, same[0].seed, sum(part.wanted for part in same), same[0].seconds)
            for part in same:
                whole.tried += part.tried
                whole.found += part.found
                whole.notes += part.notes
                whole.took += part.took
            merged.append(whole)
    return merged
