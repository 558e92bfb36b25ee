"""Shielded calls: gRPC's calls are made on separate threads, where no signal can interrupt them.

gRPC shares locks between the caller's thread and its own. If Ctrl-C comes while the caller takes one, it is never released:
the thread that reads the responses waits for it, and every later call hangs. Python only interrupts the main thread, so
there we only wait, on queues that an interrupt does not break.
"""

import _thread
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar
from weakref import ref

__all__ = ["ShieldedStream", "shield"]

Answer = TypeVar("Answer")
Answers: TypeAlias = "SimpleQueue[tuple[Any, BaseException | None]]"
"""What a thread returned, or what it raised."""


def shield(work: Callable[[], Answer]) -> Answer:
    """Run work on a separate thread, which goes on if the caller is interrupted; return or raise what it does."""
    answers: Answers = SimpleQueue()
    # Not a Thread of `threading`: starting one waits on such a lock.
    _thread.start_new_thread(_answer, (work, answers))
    return _receive(answers)  # type: ignore[no-any-return]


class ShieldedStream(Iterator[Any]):
    """A call whose responses come one by one, read when they are requested.

    Only its thread holds the call. It is cancelled when this object is deleted, or a wait for a response is interrupted.

    Args:
        begin: starts the call and returns it.
        see: gets each response, on the call's thread.
    """

    def __init__(self, begin: Callable[[], Any], see: Callable[[Any], None]) -> None:
        self._wanted: SimpleQueue[bool] = SimpleQueue()
        self._answers: Answers = SimpleQueue()
        _thread.start_new_thread(_serve, (begin, see, self._wanted, self._answers))
        self._call: Callable[[], Any] = _receive(self._answers)

    def __next__(self) -> Any:
        """Return the next response, or raise what ended the call."""
        self._wanted.put(True)
        try:
            return _receive(self._answers)
        except Exception:
            raise
        except BaseException:
            # Its thread still waits.
            _thread.start_new_thread(_cancel, (self._call,))
            raise

    def __del__(self) -> None:
        """Let the thread end, and drop the call."""
        self._wanted.put(False)


def _receive(answers: Answers) -> Any:
    answer, problem = answers.get()
    if problem is not None:
        raise problem
    return answer


def _answer(work: Callable[[], Any], answers: Answers) -> None:
    try:
        answers.put((work(), None))
    except BaseException as problem:
        answers.put((None, problem))


def _serve(
    begin: Callable[[], Any],
    see: Callable[[Any], None],
    wanted: "SimpleQueue[bool]",
    answers: Answers,
) -> None:
    try:
        call = begin()
        answers.put((ref(call), None))
        while wanted.get():
            answer = next(call)
            see(answer)
            answers.put((answer, None))
    except BaseException as problem:
        answers.put((None, problem))


def _cancel(call: Callable[[], Any]) -> None:
    there = call()
    if there is not None:
        there.cancel()
