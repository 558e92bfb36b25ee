"""Output: what happens when stdout is closed early, as by `| head`."""

import sys
from typing import Any, TextIO, cast

__all__ = ["OutputClosed", "watch_output"]


class OutputClosed(BaseException):
    """The reader of stdout has closed it. Not an exception that typer and rich handle: they would exit with code 1."""


class _Watched:
    """A text stream that behaves like the one it wraps, except that a closed pipe raises OutputClosed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            raise OutputClosed from None

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            raise OutputClosed from None


def watch_output() -> None:
    """Make writes to a closed stdout raise OutputClosed from now on."""
    sys.stdout = cast("TextIO", _Watched(sys.stdout))
