"""Shielded: gRPC's calls are made on threads of their own, where no signal can interrupt them.

gRPC shares locks between the caller's thread and its own. Where Ctrl-C strikes while the caller takes one, nobody ever gives
it back: the thread that reads the answers waits for it, and every later call hangs. Python interrupts the main thread only,
so there we only wait, on queues that an interrupt leaves in order.
"""

import _thread
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar
from weakref import ref

__all__ = ["ShieldedStream", "shield"]

Answer = TypeVar("Answer")
Answers: TypeAlias = "SimpleQueue[tuple[Any, BaseException | None]]"
"""What a thread has answered, or what it raised."""


def shield(work: Callable[[], Answer]) -> Answer:
    """Do work on a thread of its own, which goes on where the caller is interrupted; return or raise what it does."""
    answers: Answers = SimpleQueue()
    # Not a Thread of `threading`: to start one, it waits on such a lock.
    _thread.start_new_thread(_answer, (work, answers))
    return _receive(answers)  # type: ignore[no-any-return]


class ShieldedStream(Iterator[Any]):
    """A call whose answers come one by one, read as they are asked for.

    Only its thread holds the call. It is cancelled when it is forgotten here, or when waiting for an answer is interrupted.

    Args:
        begin: begins the call and returns it.
        see: is shown each answer, on the call's thread.
    """

    def __init__(self, begin: Callable[[], Any], see: Callable[[Any], None]) -> None:
        self._wanted: SimpleQueue[bool] = SimpleQueue()
        self._answers: Answers = SimpleQueue()
        _thread.start_new_thread(_serve, (begin, see, self._wanted, self._answers))
        self._call: Callable[[], Any] = _receive(self._answers)

    def __next__(self) -> Any:
        """Return the next answer, or raise what ended the call."""
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
        """Let the thread end, and forget the call."""
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
