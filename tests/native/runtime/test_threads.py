"""Loops on several threads: every part once, whoever calls, and no deadlock."""

from __future__ import annotations

import ctypes
import functools
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.native.runtime import engine, threads

# `many` calls `part` in a loop of parallel loops; `part` adds 1 to its elements, and 1000 to the
# one of its index. `nested` does the same from inside a part.
IR = f"""\
{threads.DECLARATION}

define internal void @part(ptr %context, i64 %begin, i64 %end, i64 %index) {{
entry:
  br label %head
head:
  %i = phi i64 [ %begin, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %end
  br i1 %more, label %body, label %done
body:
  %at = getelementptr i64, ptr %context, i64 %i
  %old = atomicrmw add ptr %at, i64 1 monotonic, align 8
  %next = add i64 %i, 1
  br label %head
done:
  %own = getelementptr i64, ptr %context, i64 %index
  %count = atomicrmw add ptr %own, i64 1000 seq_cst, align 8
  ret void
}}

define void @many(ptr %context, i64 %count, i64 %parts, i64 %times) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  call void @cr.parallel(ptr @part, ptr %context, i64 %count, i64 %parts)
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %times
  br i1 %more, label %loop, label %done
done:
  ret void
}}

define internal void @outer(ptr %context, i64 %begin, i64 %end, i64 %index) {{
  %row = mul i64 %index, 100
  %at = getelementptr i64, ptr %context, i64 %row
  call void @cr.parallel(ptr @part, ptr %at, i64 100, i64 3)
  ret void
}}

declare i64 @pthread_self()
declare i32 @usleep(i32)

define internal void @who(ptr %context, i64 %begin, i64 %end, i64 %index) {{
  %at = getelementptr i64, ptr %context, i64 %index
  %self = call i64 @pthread_self()
  store i64 %self, ptr %at
  %slept = call i32 @usleep(i32 20000)
  ret void
}}

define void @workers(ptr %context) {{
  call void @cr.parallel(ptr @who, ptr %context, i64 4, i64 4)
  ret void
}}

define void @nested(ptr %context) {{
  call void @cr.parallel(ptr @outer, ptr %context, i64 4, i64 4)
  ret void
}}
"""


@functools.cache
def _library() -> engine.Library:
    return engine.link(IR, "parallel")


@pytest.fixture(autouse=True)
def _linked() -> None:
    _library()  # before several threads ask for it at once, each of which would link its own


def many(count: int, parts: int, times: int = 1) -> np.ndarray[Any, Any]:
    context = np.zeros(count + parts + 1, np.int64)
    signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * 3)
    signature(_library().address("many"))(context.ctypes.data, count, parts, times)
    return context


def expected(count: int, parts: int, times: int = 1) -> np.ndarray[Any, Any]:
    context = np.zeros(count + parts + 1, np.int64)
    context[:count] += times
    context[: min(count, parts)] += 1000 * times
    return context


def is_right(count: int = 1000, parts: int = 4, times: int = 50) -> bool:
    return np.array_equal(many(count, parts, times), expected(count, parts, times))


@pytest.fixture(params=[1, 2, 4], ids=lambda n: f"{n} threads")
def _threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = threads.count()
    threads.set_count(request.param)
    assert threads.count() == request.param
    yield
    threads.set_count(before)


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize(
    ("count", "parts"),
    [(0, 2), (1, 2), (2, 2), (3, 2), (1000, 1), (1000, 2), (1003, 7), (5, 9), (3000, 2999)],
)
def test_every_part_is_run_once(count: int, parts: int) -> None:
    for times in (1, 1, 50):
        np.testing.assert_array_equal(many(count, parts, times), expected(count, parts, times))


@pytest.mark.usefixtures("_threads")
def test_more_parts_than_a_ticket_holds() -> None:
    assert is_right(70_000, 70_000, 1)


@pytest.mark.usefixtures("_threads")
def test_the_default_is_a_part_for_each_thread() -> None:
    np.testing.assert_array_equal(many(1000, 0), expected(1000, threads.count())[:1001])


@pytest.mark.usefixtures("_threads")
def test_a_loop_inside_a_part() -> None:
    context = np.zeros(400, np.int64)
    nested = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_library().address("nested"))
    for _ in range(20):
        nested(context.ctypes.data)
    np.testing.assert_array_equal(context.reshape(4, 100), [expected(100, 3, 20)[:100]] * 4)


@pytest.mark.skipif(os.name != "posix", reason="one thread only")
def test_the_parts_are_shared_out() -> None:
    before = threads.count()
    threads.set_count(4)
    try:
        context = np.zeros(4, np.int64)
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_library().address("workers"))(context.ctypes.data)
        assert len(set(context)) > 1
        assert threading.get_ident() in context
    finally:
        threads.set_count(before)


def test_it_goes_on_after_sleep() -> None:
    for _ in range(10):
        assert is_right(times=3)
        time.sleep(0.002)


def test_many_callers_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: is_right(), range(400)))


class _Background:
    """Another thread that uses the pool all the time."""

    def __enter__(self) -> None:
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        while not self.stop.is_set():
            many(1000, 4, 100)

    def __exit__(self, *exception: object) -> None:
        self.stop.set()
        self.thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_children_have_a_pool_of_their_own() -> None:
    assert is_right()
    with _Background():
        for _ in range(20):
            child = os.fork()
            if child == 0:
                fine = all(is_right() for _ in range(10))
                grandchild = os.fork()
                if grandchild == 0:
                    os._exit(0 if is_right() else 1)
                os._exit(0 if fine and os.waitpid(grandchild, 0)[1] == 0 else 1)
            assert os.waitpid(child, 0)[1] == 0
    assert is_right()


def _child(_: int) -> bool:
    return is_right()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_multiprocessing_by_fork() -> None:
    assert is_right()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert all(pool.map_async(_child, range(8)).get(60))


SPAWNED = """
import multiprocessing, runpy, sys
def child(path):
    return runpy.run_path(path)["is_right"]()
if __name__ == "__main__":
    assert child(sys.argv[1])
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert all(pool.map_async(child, [sys.argv[1]] * 2).get(60))
"""


def test_multiprocessing_by_spawn(tmp_path: Any) -> None:
    program = tmp_path / "program.py"
    program.write_text(SPAWNED)
    subprocess.run([sys.executable, str(program), __file__], check=True, timeout=120)


@pytest.mark.parametrize(
    ("environment", "number"),
    [
        ({"CHAINRULE_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}, 3),
        ({"OMP_NUM_THREADS": "2,1"}, 2),
        ({"OMP_NUM_THREADS": "many"}, None),
        ({"CHAINRULE_NUM_THREADS": "0"}, None),
        ({"CHAINRULE_NUM_THREADS": "100000"}, 64),
    ],
)
def test_the_environment_chooses(environment: dict[str, str], number: int | None) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.endswith("NUM_THREADS")}
    program = "from chainrule.native.runtime import threads; print(threads.count())"
    found = subprocess.run(
        [sys.executable, "-c", program], env=clean | environment, capture_output=True, check=True
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert int(found.stdout) == (number or cores)


def test_a_number_of_threads_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        threads.set_count(0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_threads_take_no_signals_and_sleep_without_work() -> None:
    number = threads.count()
    threads.set_count(9)  # more than any other test has started
    try:
        before = set(os.listdir("/proc/self/task"))
        many(1000, 2, 10)
        time.sleep(0.1)
        workers = set(os.listdir("/proc/self/task")) - before
    finally:
        threads.set_count(number)
    assert workers
    for worker in workers:
        status = Path(f"/proc/self/task/{worker}/status").read_text()
        blocked = int(status.split("SigBlk:")[1].split()[0], 16)
        assert blocked & (1 << 1)  # SIGINT
        assert "State:\tS" in status


def test_the_overhead_is_small() -> None:
    if threads.count() < 2:
        pytest.skip("one thread")
    many(1000, 2, 100)
    best = min(_seconds(2000) for _ in range(5)) / 2000
    assert best < 20e-6  # 0.4 us on a quiet machine


def _seconds(times: int) -> float:
    start = time.perf_counter()
    many(2, 2, times)
    return time.perf_counter() - start
