"""Output: what stdout does when nobody reads it any more, as after `| head`."""

import sys
from typing import Any, TextIO, cast

__all__ = ["OutputClosed", "watch_output"]


class OutputClosed(BaseException):
    """Whoever read our output has enough. Of no kind that typer and rich know: they would make it exit code 1."""


class _Watched:
    """A text stream like the one it is made of, except that a closed pipe raises OutputClosed."""

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
    """Let a closed pipe behind stdout raise OutputClosed from now on."""
    sys.stdout = cast("TextIO", _Watched(sys.stdout))
