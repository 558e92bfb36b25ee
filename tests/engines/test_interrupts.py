"""Real signals to real processes: the engine survives them, its work is reliably ended, and errors come soon."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest

from shipment_etl.engines.java import find_java
from shipment_etl.errors import JavaMissing

SOON = 0.5
ENOUGH = 30_000_000
"""Rows that Sail writes for some seconds."""

PREAMBLE = """
import os, signal, sys, threading, time
from pathlib import Path
from pyspark.sql import functions as F
from shipment_etl import session
from shipment_etl.engines.work import end_work

def engine():
    from shipment_etl.engines.sail import _process
    return _process()

def interrupted(work, seconds={soon}, kill=lambda: os.kill(os.getpid(), signal.SIGINT)):
    timer = threading.Timer(seconds, kill)
    timer.start()
    try:
        work()
    except KeyboardInterrupt:
        return
    raise AssertionError("it was done before the signal came")

def rows(count):
    return spark.range(count).select("id", F.xxhash64("id").alias("hash"), F.col("id").cast("string").alias("text"))

def files(folder):
    return {{str(each): each.stat().st_size for each in Path(folder).rglob("*") if each.is_file()}}

spark = session(sys.argv[1])
spark.range(1).count()
"""


def run(code: str, *arguments: object, engine: str = "sail", before: str = "", **options) -> list[str]:
    """Run code in a separate process, after the preamble; return the lines that it prints."""
    # A process that a shell runs in the background ignores SIGINT, and so do tests started in it.
    script = (
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        + before
        + PREAMBLE.format(soon=SOON)
        + textwrap.dedent(code)
    )
    command = [sys.executable, "-c", script, engine, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, **options)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_after_ctrl_c_the_same_session_answers_at_once() -> None:
    code = """
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    except KeyboardInterrupt:
        pass
    start = time.monotonic()
    print(spark.range(3).count(), session() is spark, time.monotonic() - start < 10)
    """
    assert run(code) == ["3 True True"]


def test_ctrl_c_in_a_terminal_goes_to_all_processes_of_the_group_and_the_engine_survives() -> None:
    code = """
    before = engine().pid
    interrupted(lambda: time.sleep(10), kill=lambda: os.killpg(0, signal.SIGINT))
    os.kill(before, signal.SIGINT)
    time.sleep(0.5)
    print(spark.range(3).count(), engine().pid == before)
    """
    assert run(code, start_new_session=True) == ["3 True"]


def test_interrupted_work_writes_nothing_after_it_is_ended(tmp_path: Path) -> None:
    code = f"""
    folder = sys.argv[2]
    interrupted(lambda: rows({ENOUGH}).write.format("delta").save(f"{{folder}}/delta"))
    print(end_work(spark))
    left = files(folder)
    start = time.monotonic()
    print(spark.range(3).count(), time.monotonic() - start < 5)
    time.sleep(3)
    print(left == files(folder), any(name.endswith("0.json") for name in left))
    """
    assert run(code, tmp_path) == ["True", "3 True", "True False"]


def test_ending_work_leaves_an_idle_engine_alone() -> None:
    code = """
    before = engine().pid
    spark.range(5).createOrReplaceTempView("five")
    try:
        spark.sql("select nothing from nowhere").count()
    except Exception:
        pass
    print(end_work(spark), engine().pid == before, spark.table("five").count())
    """
    assert run(code) == ["True True 5"]


def test_a_replaced_engine_has_the_settings_of_the_session() -> None:
    code = f"""
    spark.conf.set("spark.sql.ansi.enabled", "true")
    interrupted(lambda: rows({ENOUGH} * 10).agg(F.max("hash"), F.max("text")).collect())
    print(end_work(spark))
    print(spark.conf.get("spark.sql.ansi.enabled"), spark.conf.get("spark.sql.session.timeZone"))
    """
    assert run(code) == ["True", "true UTC"]


def test_an_engine_that_is_killed_is_an_error_within_seconds_and_the_next_query_works() -> None:
    code = f"""
    threading.Timer({SOON}, lambda: os.kill(engine().pid, signal.SIGKILL)).start()
    start = time.monotonic()
    try:
        rows({ENOUGH} * 10).agg(F.max("hash"), F.max("text")).collect()
    except Exception as problem:
        print(type(problem).__name__, problem)
    print(time.monotonic() - start < 10, spark.range(3).count())
    """
    told, quick = run(code)
    assert told.startswith("EngineFailed The engine failed while it worked on a query: its process ended, often because")
    assert quick == "True 3"


def test_the_engine_ends_with_its_process_however_that_ends() -> None:
    script = PREAMBLE.format(soon=SOON) + "print(engine().pid, flush=True); time.sleep(100)"
    with subprocess.Popen([sys.executable, "-c", script, "sail"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert is_alive(pid)
        process.kill()
    deadline = time.monotonic() + 30
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(pid)


def test_the_engine_outlives_the_thread_that_started_it() -> None:
    code = """
    engine().stop()
    thread = threading.Thread(target=engine().ensure)
    thread.start()
    thread.join()
    before = engine().pid
    time.sleep(0.5)
    print(spark.range(3).count(), engine().pid == before)
    """
    assert run(code) == ["3 True"]


def test_the_engine_sees_environment_folder_and_modules_of_its_process(tmp_path: Path) -> None:
    code = """
    folder = Path(sys.argv[2])
    (folder / "made_later.py").write_text("VALUE = 'imported'")
    sys.path.append(str(folder))
    os.environ["TOLD_LATER"] = "told"
    os.chdir(folder)
    spark.range(2).write.parquet("relative")

    def look(frames):
        import made_later
        import pandas
        for frame in frames:
            yield pandas.DataFrame({"seen": [os.environ["TOLD_LATER"], made_later.VALUE]})

    seen = spark.range(1).mapInPandas(look, "seen string").collect()
    print(sorted(row["seen"] for row in seen), (folder / "relative").is_dir())
    """
    assert run(code, tmp_path) == ["['imported', 'told'] True"]


def test_a_stopped_session_is_an_error_at_once_and_the_next_one_works() -> None:
    code = """
    spark.stop()
    try:
        spark.range(3).count()
    except Exception as problem:
        print(problem)
    print(session().range(3).count(), session() is spark)
    """
    assert run(code) == [
        "[NO_ACTIVE_SESSION] No active Spark session found. Please create a new Spark session before running the code.",
        "3 False",
    ]


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    """A server that is not ours: its address and process."""
    code = (
        "import time; from pysail.spark import SparkConnectServer; server = SparkConnectServer('127.0.0.1', 0);"
        "server.start(); print(server.listening_address[1], flush=True); time.sleep(200)"
    )
    quiet = {**os.environ, "RUST_LOG": "off"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=quiet) as process:
        assert process.stdout is not None
        yield f"sc://127.0.0.1:{process.stdout.readline().strip()}", process.pid
        process.kill()


def test_a_server_that_is_gone_is_an_error_within_seconds(server: tuple[str, int]) -> None:
    code = """
    os.kill(int(sys.argv[2]), signal.SIGKILL)
    start = time.monotonic()
    try:
        spark.range(3).count()
    except Exception as problem:
        print("UNAVAILABLE" in str(problem), time.monotonic() - start < 15)
    # With Spark 3.5 it had nothing to do; Spark 4's client begins the query at once, so the server may have got it.
    print(end_work(spark))
    """
    address, pid = server
    assert run(code, pid, engine=address) == ["True True", "True" if pyspark.__version__.startswith("3.") else "False"]


def test_work_on_a_server_that_cannot_be_reached_may_still_be_running(server: tuple[str, int]) -> None:
    code = f"""
    threading.Timer({SOON}, lambda: os.kill(int(sys.argv[2]), signal.SIGKILL)).start()
    start = time.monotonic()
    try:
        rows({ENOUGH} * 10).agg(F.max("hash"), F.max("text")).collect()
    except Exception as problem:
        print(time.monotonic() - start < 15)
    print(end_work(spark))
    """
    address, pid = server
    assert run(code, pid, engine=address) == ["True", "False"]


def test_work_on_a_server_of_others_is_ended(tmp_path: Path, server: tuple[str, int]) -> None:
    code = f"""
    folder = sys.argv[2]
    interrupted(lambda: rows({ENOUGH}).write.format("delta").save(f"{{folder}}/delta"))
    print(end_work(spark))
    time.sleep(5)
    print(any(name.endswith("0.json") for name in files(folder)), spark.range(3).count())
    """
    assert run(code, tmp_path, engine=server[0]) == ["True", "False 3"]


def test_an_interrupt_at_any_line_of_a_call_leaves_a_session_that_works(server: tuple[str, int]) -> None:
    code = """
    reached = []

    def interrupt_at(number):
        passed = 0
        def trace(frame, event, _):
            nonlocal passed
            if event != "line" or not any(part in frame.f_code.co_filename for part in ("/grpc/", "/shipment_etl/engines/")):
                return trace
            passed += 1
            if passed == number:
                sys.settrace(None)
                reached.append(number)
                os.kill(os.getpid(), signal.SIGINT)
            return trace
        return trace

    def answer():
        end_work(spark)
        answers.append(spark.range(3).count())

    number = heard = 0
    while len(reached) == number:
        number += 1
        sys.settrace(interrupt_at(number))
        try:
            spark.range(5).count()
        except KeyboardInterrupt:
            heard += 1
        sys.settrace(None)
        answers = []
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        thread.join(10)
        if answers != [3]:
            print(number, answers)
            os._exit(1)
    # Finalizers swallow an interrupt.
    print(number > 20, heard > 0.8 * number)
    """
    assert run(code, engine=server[0]) == ["True True"]


def test_an_engine_is_replaced_after_enough_jobs_unless_it_holds_state() -> None:
    code = """
    from shipment_etl.engines.sail import MAX_JOBS
    from shipment_etl.engines.work import renew_engine
    before = engine().pid
    for _ in range(MAX_JOBS):
        renew_engine(spark)
        spark.range(1).count()
    print(engine().pid == before)
    renew_engine(spark)
    print(spark.range(3).count(), engine().pid == before)
    before = engine().pid
    spark.range(5).createOrReplaceTempView("five")
    for _ in range(2 * MAX_JOBS):
        renew_engine(spark)
    print(spark.table("five").count(), engine().pid == before)
    """
    assert run(code) == ["True", "3 False", "5 True"]


@pytest.fixture(scope="module")
def _java() -> None:
    try:
        find_java()
    except JavaMissing as missing:
        pytest.skip(f"INTERRUPTS OF CLASSIC SPARK ARE NOT TESTED HERE. {missing}")


@pytest.mark.rehearsal
@pytest.mark.usefixtures("_java")
@pytest.mark.parametrize("handler", ["python's", "its own"])
def test_classic_spark_ends_interrupted_work(handler: str) -> None:
    code = """
    own = signal.getsignal(signal.SIGINT)
    for _ in range(2):
        # A new frame each time: Spark remembers that the query of a frame was cancelled.
        big = spark.range(0, 40_000_000_000, 1, 4).select(F.sum(F.xxhash64("id")).alias("sum"))
        start = time.monotonic()
        interrupted(big.collect, 3)
        print(time.monotonic() - start < 6, end_work(spark))
        # With the response to the interrupted call still in the connection, the counts would be wrong.
        print([spark.range(count).count() for count in (5, 6, 7)])
    print(getattr(own, "__name__", own))
    """
    own = "def own(*_):\n    raise KeyboardInterrupt\nsignal.signal(signal.SIGINT, own)\n"
    lines = run(code, engine="spark", before=own if handler == "its own" else "")
    assert lines == [*["True True", "[5, 6, 7]"] * 2, "own" if handler == "its own" else "_interrupt"]


@pytest.mark.rehearsal
@pytest.mark.usefixtures("_java")
def test_a_local_java_that_does_not_stop_is_killed_and_the_next_session_works() -> None:
    code = """
    big = spark.range(0, 40_000_000_000, 1, 4).select(F.sum(F.xxhash64("id")).alias("sum"))
    interrupted(big.collect, 3)
    from pyspark import SparkContext
    pid = SparkContext._gateway.proc.pid
    print(end_work(spark, seconds=-1), Path(f"/proc/{pid}").exists(), session("spark").range(3).count())
    """
    assert run(code, engine="spark") == ["True False 3"]
