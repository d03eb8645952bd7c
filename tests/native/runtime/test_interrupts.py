"""Ctrl-C and other signals during a long run: their handlers run between kernels."""

from __future__ import annotations

import ctypes
import functools
import gc
import signal
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native import executable
from chainrule.native.runtime import engine, interrupts

from ..conftest import same

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers")


@pytest.fixture
def _impatient() -> Iterator[None]:
    """Look for signals at every opportunity, and not ten times in a second."""
    address = interrupts._library().address("cr.patience")
    patience = ctypes.c_int64.from_address(address)
    before, patience.value = patience.value, 0
    yield
    patience.value = before


@pytest.fixture
def _handlers() -> Iterator[None]:
    before = [(number, signal.getsignal(number)) for number in (signal.SIGALRM, signal.SIGUSR1)]
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before:
        signal.signal(number, handler)


# --- where a run asks --------------------------------------------------------------------------

#: Three steps that count themselves; a signal arrives in the second.
STEPS = f"""
declare i32 @raise(i32)
declare i32 @usleep(i32)

define void @count(ptr %buffers) {{
  %at = load ptr, ptr %buffers
  %count = load i64, ptr %at
  %more = add i64 %count, 1
  store volatile i64 %more, ptr %at
  ret void
}}

define void @signal(ptr %buffers) {{
  call void @count(ptr %buffers)
  %failed = call i32 @raise(i32 {signal.SIGUSR1})
  %slept = call i32 @usleep(i32 MICROSECONDS)
  ret void
}}
"""


class Run:
    """A run of the steps; ``count`` tells how many have begun."""

    def __init__(self, microseconds: int = 0) -> None:
        text = STEPS.replace("MICROSECONDS", str(microseconds)) + interrupts.DECLARATION + "\n"
        text += interrupts.run(["count", "signal", "count"], ["  ret i32 0"])
        self.library = engine.link(text, "steps")
        self.counter = ctypes.c_int64(0)

    @property
    def count(self) -> int:
        return self.counter.value

    def __call__(self, unlocked: bool) -> int:
        address = self.library.address("run")
        locked = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
        run = interrupts.unlocked(address) if unlocked else locked(address)
        return run((ctypes.c_void_p * 1)(ctypes.addressof(self.counter)))


LOCK = pytest.mark.parametrize("unlocked", [True, False], ids=["unlocked", "locked"])


@LOCK
@pytest.mark.usefixtures("_impatient", "_handlers")
@pytest.mark.parametrize("kind", [KeyboardInterrupt, TimeoutError, SystemExit])
def test_what_a_handler_raises_ends_the_run(unlocked: bool, kind: type[BaseException]) -> None:
    def handle(*_: Any) -> None:
        raise kind("enough")

    run = Run()
    signal.signal(signal.SIGUSR1, handle)
    with pytest.raises(kind, match="enough"):
        run(unlocked)
    assert run.count == 2


@LOCK
@pytest.mark.usefixtures("_impatient", "_handlers")
def test_after_a_handler_that_returns_the_run_goes_on(unlocked: bool) -> None:
    run, seen = Run(), []
    signal.signal(signal.SIGUSR1, lambda *_: seen.append(run.count))
    assert run(unlocked) == 0
    assert (seen, run.count) == ([2], 3)


@LOCK
@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize(("microseconds", "seen_at"), [(0, 3), (150_000, 2)])
def test_a_short_run_does_not_ask(unlocked: bool, microseconds: int, seen_at: int) -> None:
    run, seen = Run(microseconds), []
    signal.signal(signal.SIGUSR1, lambda *_: seen.append(run.count))
    start = time.monotonic()
    assert run(unlocked) == 0
    if time.monotonic() - start < 0.1 or microseconds:  # a slow machine may take longer
        assert seen == [seen_at]


@pytest.mark.usefixtures("_impatient", "_handlers")
def test_a_thread_that_gets_no_signals_goes_on() -> None:
    run, codes = Run(), []
    signal.signal(signal.SIGUSR1, lambda *_: None)
    thread = threading.Thread(target=lambda: codes.append(run(True)))
    thread.start()
    thread.join()
    assert (codes, run.count) == ([0], 3)


# --- compiled functions ------------------------------------------------------------------------


def test_what_a_handler_raises_is_no_reason_to_run_the_function_as_python() -> None:
    class Stops:
        def __call__(self, *_: Any) -> Any:
            raise interrupts.Stopped(TimeoutError("enough"))

    stops = cr.compile(np.exp, builder=lambda program: Stops())
    stops(np.ones(3))  # recorded
    with pytest.raises(TimeoutError, match="enough"):
        stops(np.ones(3))


X = np.random.default_rng(0).normal(size=(1000, 500))


def centred(x):
    for _ in range(8):
        x = x - np.mean(x, axis=0) / 2
    return x


def labelled(x):
    return {"centred": centred(x)}


def with_numpy(x):
    for _ in range(8):
        x = np.cumsum(x - np.mean(x, axis=0), axis=1)
    return x


EVERY = pytest.mark.parametrize("f", [centred, labelled, with_numpy], ids=lambda f: f.__name__)


@functools.cache
def compiled(f: Callable[..., Any]) -> Any:
    fast = cr.compile(f)
    fast(X)
    return fast


class Alarms:
    """Signals all the time, of which one may raise KeyboardInterrupt."""

    def __init__(self, last: int | None = None) -> None:
        self.count, self.last = 0, last

    def __enter__(self) -> Alarms:
        signal.signal(signal.SIGALRM, self._handle)
        signal.setitimer(signal.ITIMER_REAL, 5e-4, 5e-4)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _handle(self, *_: Any) -> None:
        self.count += 1
        if self.count == self.last:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt


@EVERY
@pytest.mark.usefixtures("_impatient", "_handlers")
def test_handlers_run_between_kernels(f: Callable[..., Any]) -> None:
    fast = compiled(f)
    with Alarms() as alarms:
        result = fast(X)
    assert alarms.count > 3  # after the run all that are waiting are one
    same(result, fast(X), 0.0)


@EVERY
@pytest.mark.usefixtures("_impatient", "_handlers")
def test_a_function_works_after_an_interrupt(f: Callable[..., Any]) -> None:
    fast = compiled(f)

    def interrupt(times: int) -> None:
        for _ in range(times):
            with pytest.raises(KeyboardInterrupt), Alarms(3):
                fast(X)

    def state() -> list[int]:
        gc.collect()
        return [tracemalloc.get_traced_memory()[0] // X.nbytes, *map(sys.getrefcount, (X, fast))]

    tracemalloc.start()
    try:
        interrupt(2)
        before = state()
        interrupt(10)
        assert all(y - x < 5 for x, y in zip(before, state(), strict=True))
    finally:
        tracemalloc.stop()
    same(fast(X), f(X), 1e-12)


def test_short_functions_look_for_nothing() -> None:
    def calls(*args: Any) -> int:
        return cr.compile(centred).lower(*args).ir.count("call i1 @cr.interrupted")

    assert calls(X) > 6
    assert calls(X[:9, :9]) == 0


def test_interrupted_while_it_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    fast = cr.compile(np.tanh)
    for home, name in [(executable, "build"), (engine, "link")]:
        with monkeypatch.context() as patch:
            patch.setattr(home, name, interrupt)
            with pytest.raises(KeyboardInterrupt):
                fast(X)
    for _ in range(2):
        same(fast(X), np.tanh(X), 1e-12)
