"""The lock: one holder at a time, taken over only when it has expired, and never lost silently."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock as Mutex
from threading import Thread

import pytest

from shipment_etl.errors import LakeLocked, LakeUnwritable, LockLost, StorageFailed, StorageUnfit
from shipment_etl.lake import object_lock
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.lock import LOCK
from shipment_etl.lake.object_lock import ObjectLock
from tests.store.client import Store


class Memory:
    """A store of one object, with its own clock and responses that can fail or get lost."""

    def __init__(self) -> None:
        self.there: tuple[bytes, str, float] | None = None
        self.clock = 0.0
        self.failing = False
        self.losing_answers = False
        self.puts = 0
        self._writing = Mutex()
        self._count = 0

    def fetch(self, name: str) -> tuple[bytes, str, float] | None:
        assert name == LOCK
        return None if self.there is None else (self.there[0], self.there[1], self.clock - self.there[2])

    def put(self, name: str, body: bytes, etag: str | None) -> str | None:
        self.puts += 1
        if self.failing:
            raise StorageFailed("memory", "no answer")
        with self._writing:
            if etag != (None if self.there is None else self.there[1]):
                return None
            self._count += 1
            self.there = (body, str(self._count), self.clock)
            # How S3 responds to the retry of a put that was done, but whose response got lost.
            return None if self.losing_answers else str(self._count)

    def record(self) -> dict[str, object]:
        assert self.there is not None
        return json.loads(self.there[0])


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that lasts a minute is renewed every 20 ms."""
    assert object_lock.RENEWALS > 2, "some renewals may fail"
    monkeypatch.setattr(object_lock, "RENEWALS", 3000)


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lock(memory: Memory, job: str = "process", seconds: float = 60) -> ObjectLock:
    return ObjectLock(memory, "s3://bucket/lake", job, seconds)


def test_the_error_of_a_second_writer_says_who_holds_it_since_when_and_until_when() -> None:
    memory = Memory()
    with lock(memory, "maintain").hold() as held:
        held.check()
        told = (
            r"The lake s3://bucket/lake is locked: maintain of \S+ pid \d+ has been writing to it since 20\S+Z\. .*at 20\S+Z"
        )
        with pytest.raises(LakeLocked, match=told), lock(memory).hold():
            pass
    with lock(memory).hold():
        assert memory.record()["job"] == "process"
    assert memory.record()["released"] is True


def test_a_lock_is_taken_over_when_it_has_expired_and_not_before() -> None:
    memory = Memory()
    lock(memory)._acquire(0)
    memory.clock = 59.9
    with pytest.raises(LakeLocked), lock(memory).hold():
        pass
    memory.clock = 60.1
    with lock(memory).hold() as held:
        held.check()


def test_only_one_of_many_that_race_gets_it() -> None:
    memory = Memory()
    lock(memory)._acquire(0)
    memory.clock = 61
    got: list[ObjectLock] = []

    def take(one: ObjectLock) -> None:
        try:
            one._acquire(0)
            got.append(one)
        except LakeLocked:
            pass

    racers = [Thread(target=take, args=(lock(memory),)) for _ in range(16)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len(got) == 1


@pytest.mark.usefixtures("often")
def test_it_is_renewed_while_the_work_goes_on() -> None:
    memory = Memory()
    with lock(memory).hold() as held:
        first = memory.record()
        wait_for(lambda: memory.puts >= 4)
        # As if the last renewal had been long ago.
        held._renewed = (0, 0)
        wait_for(lambda: held._renewed != (0, 0))
        held.check()
        assert memory.there is not None
        assert int(memory.there[1]) >= 4
        assert memory.record()["since"] == first["since"]


@pytest.mark.usefixtures("often")
def test_a_holder_that_cannot_renew_it_stops_before_it_expires() -> None:
    memory = Memory()
    with lock(memory).hold() as held:
        memory.failing = True
        wait_for(lambda: memory.puts >= 4)
        held.check()
        # As if 46 of its 60 seconds had passed.
        held._renewed = tuple(each - 46 for each in held._renewed)
        tried = memory.puts
        wait_for(lambda: memory.puts > tried + 1)
        with pytest.raises(LockLost, match="could not be renewed in time"):
            held.check()


@pytest.mark.usefixtures("often")
def test_a_holder_whose_lock_was_taken_over_fails_and_leaves_it_alone() -> None:
    memory = Memory()
    with lock(memory).hold() as held:
        memory.there = (b'{"owner": "another"}', "other", memory.clock)
        with pytest.raises(LockLost, match="another job has taken it over"):
            wait_for(held.check)
    assert memory.record() == {"owner": "another"}


@pytest.mark.usefixtures("often")
def test_a_lost_response_does_not_lock_its_own_writer_out() -> None:
    memory = Memory()
    memory.losing_answers = True
    with lock(memory).hold() as held:
        wait_for(lambda: memory.puts >= 4)
        held.check()


@pytest.mark.parametrize("rubbish", [b"", b"[]", b"not json", b'{"owner": 5, "seconds": "soon"}'])
def test_invalid_content_expires_as_well(rubbish: bytes) -> None:
    memory = Memory()
    memory.there = (rubbish, "x", 0)
    with pytest.raises(LakeLocked), lock(memory).hold():
        pass
    memory.clock = 121
    with lock(memory).hold():
        pass


def test_a_renewal_whose_response_got_lost_keeps_the_lock() -> None:
    memory = Memory()
    with lock(memory, seconds=60).hold() as held:
        # The renewal was made, but its response never came: the lock's holder still has the old tag.
        memory.losing_answers = True
        stale = held._etag
        assert held._put(stale)
        memory.losing_answers = False
        held._etag = stale
        assert held._put(held._etag), "what is there is our own"
        held.check()
    assert memory.record()["released"] is True


class Interrupting(Memory):
    """A store whose user presses Ctrl-C just before or after one of its puts."""

    def __init__(self, at: int, *, before: bool) -> None:
        super().__init__()
        self.at, self.before = at, before

    def put(self, name: str, body: bytes, etag: str | None) -> str | None:
        self.at -= 1
        if self.at:
            return super().put(name, body, etag)
        new = None if self.before else super().put(name, body, etag)
        os.kill(os.getpid(), signal.SIGINT)
        # The main thread ends here, another one goes on.
        time.sleep(0.3)
        return super().put(name, body, etag) if self.before else new


@pytest.fixture
def _interrupts() -> Iterator[None]:
    """A process that a shell runs in the background ignores SIGINT, and so do tests started in it."""
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, kept)


@pytest.mark.usefixtures("_interrupts")
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("at", [1, 2], ids=["taken", "released"])
def test_an_interrupt_leaves_no_lock_behind(at: int, before: bool) -> None:
    memory = Interrupting(at, before=before)
    with pytest.raises(KeyboardInterrupt), lock(memory).hold():
        pass
    assert memory.record()["released"] is True
    with lock(memory).hold():
        pass


def test_an_interrupt_leaves_no_folder_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    storage = Lake(tmp_path / "lake").storage
    for name in ("write_text", "unlink"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, interrupt)
            # A traceback that is kept, as notebooks do, keeps the objects of the lock.
            with pytest.raises(KeyboardInterrupt) as _kept, storage.lock("process").hold():
                pass
        with storage.lock("process").hold():
            pass


def test_a_job_can_wait_for_another() -> None:
    memory = Memory()
    with lock(memory).hold():
        start = time.monotonic()
        with pytest.raises(LakeLocked), lock(memory).hold(wait=0.3):
            pass
        assert 0.3 <= time.monotonic() - start < 2
        waiting = Thread(target=lambda: lock(memory, "waiting").hold(wait=20).__enter__())
        waiting.start()
    waiting.join(timeout=20)
    assert memory.record()["job"] == "waiting"


HOLDING = """
import sys, time
from shipment_etl.lake.lake import Lake
with Lake(sys.argv[1]).storage.lock("generate").hold():
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_folder_is_locked_for_other_processes_and_free_when_its_holder_dies(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    assert not lake.exists()
    with subprocess.Popen([sys.executable, "-c", HOLDING, lake.uri], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        told = rf"lake is locked: generate of \S+ pid {holder.pid} has been writing to it since 20\S+Z"
        with pytest.raises(LakeLocked, match=told), lake.storage.lock("process").hold():
            pass
        start = time.monotonic()
        with pytest.raises(LakeLocked), lake.storage.lock("process").hold(wait=0.5):
            pass
        assert time.monotonic() - start >= 0.5
        holder.kill()
    with lake.storage.lock("process").hold(wait=10) as held:
        held.check()
        assert not lake.exists(), "a lock alone is no lake"


def test_a_folder_is_locked_for_other_threads(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    with lake.storage.lock("process").hold(), pytest.raises(LakeLocked), lake.storage.lock("generate").hold():
        pass


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(LakeUnwritable, match="file cannot be used"), Lake(tmp_path / "file").storage.lock("x").hold():
        pass


def test_s3_decides_who_gets_it(store: Store) -> None:
    lake = Lake(f"{store.bucket('lock')}/lake")
    assert not lake.exists()
    with lake.storage.lock("process").hold():
        with pytest.raises(LakeLocked), lake.storage.lock("generate").hold():
            pass
        assert not lake.exists()
    with lake.storage.lock("generate").hold():
        pass


ADDING = """
import sys, time
from pathlib import Path
from shipment_etl.errors import LakeLocked
from shipment_etl.lake.lake import Lake
lake, met, name = Lake(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
print("ready", flush=True)
sys.stdin.readline()
deadline = time.monotonic() + 30
added = locked = 0
while added < 6:
    try:
        with lake.storage.lock(name).hold() as held:
            # As unsafe as can be: read, wait, write without a condition.
            there = lake.storage.read("counter") or b""
            time.sleep(0.01)
            # The first process holds the lock until the other one has failed to take it.
            while not met.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            held.check()
            with lake.storage.files.open_output_stream("counter") as file:
                file.write(there + name.encode())
            added += 1
    except LakeLocked:
        locked += 1
        met.touch()
        time.sleep(0.01)
print(locked)
"""


def test_two_processes_that_race_lose_nothing(store: Store, tmp_path: Path) -> None:
    uri = f"{store.bucket('race')}/lake"
    command = [sys.executable, "-c", ADDING, uri, str(tmp_path / "met")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": store.environment()}
    children = [subprocess.Popen([*command, name], **pipes) for name in "ab"]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    times_locked = [int(child.communicate(timeout=90)[0]) for child in children]
    counted = store.client.get_object(Bucket="race", Key="lake/counter")["Body"].read().decode()
    assert sorted(counted) == ["a"] * 6 + ["b"] * 6
    assert sum(times_locked) > 0


def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    (tmp_path / "_lock").touch()
    monkeypatch.setattr("fcntl.flock", flock)
    with (
        pytest.raises(LakeUnwritable, match="its file system has no file locks"),
        Lake(tmp_path).storage.lock("process").hold(),
    ):
        pass


def test_a_store_that_ignores_conditions_is_refused() -> None:
    class Careless(Memory):
        def put(self, name: str, body: bytes, etag: str | None) -> str | None:
            return super().put(name, body, None if self.there is None else self.there[1])

    with pytest.raises(StorageUnfit, match="ignores conditional writes"), lock(Careless()).hold():
        pass
