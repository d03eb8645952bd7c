"""Bad input and faults: the function's own exception, a clear one, or the right result."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr

from .conftest import same

X = np.array([0.5, -1.5, 2.0])
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1.8e308, -1.0])


def loss(tree, x):
    return np.sum(np.tanh(x * tree["w"]) ** 2) + tree["b"]


TREE = {"w": X, "b": 0.5}
OTHER_CALLS = {
    "shape": ({"w": X[:2], "b": 0.5}, X[:2]),
    "dtype": ({"w": X.astype(np.float32), "b": np.float32(0.5)}, X.astype(np.float32)),
    "integers": ({"w": np.array([1, 2, 3]), "b": 0.5}, X),
    "truths": ({"w": np.array([True, False, True]), "b": 0.5}, X),
    "byte order": ({"w": X.astype(">f8"), "b": 0.5}, X),
    "half": ({"w": X.astype(np.float16), "b": 0.5}, X),
    "number for array": ({"w": 2.0, "b": 0.5}, X),
    "array for number": ({"w": X, "b": X}, X),
    "more keys": ({"w": X, "b": 0.5, "c": X}, X),
    "list for array": (TREE, [0.5, -1.5, 2.0]),
}
BAD_CALLS: dict[str, tuple[Any, type[Exception], str]] = {
    "shapes that do not fit": (({"w": X[:2], "b": 0.5}, X), ValueError, "broadcast"),
    "fewer keys": (({"w": X}, X), KeyError, "b"),
    "None": ((TREE, None), TypeError, "NoneType"),
    "another container": (([X, 0.5], X), TypeError, "list indices"),
    "string": (({"w": "abc", "b": 0.5}, X), TypeError, "multiply"),
    "objects": ((TREE, np.array([None])), cr.errors.ArgumentError, "dtype object"),
    "dates": ((TREE, np.array(["2020-01-01"], "M8[D]")), cr.errors.ArgumentError, "datetime64"),
    "no argument": ((), TypeError, "missing 2 required positional arguments"),
    "too many arguments": ((TREE, X, X), TypeError, "takes 2 positional arguments"),
}


@pytest.mark.parametrize("call", OTHER_CALLS)
def test_another_signature_is_as_good(call: str, compiled: Any) -> None:
    fast = compiled(loss)
    fast(TREE, X)
    for _ in range(2):
        same(fast(*OTHER_CALLS[call]), loss(*OTHER_CALLS[call]))
        same(fast(TREE, X), loss(TREE, X))


@pytest.mark.parametrize("call", BAD_CALLS)
def test_a_bad_call_raises_and_does_no_harm(call: str, compiled: Any) -> None:
    args, kind, message = BAD_CALLS[call]
    fast = compiled(loss)
    for _ in range(2):
        with pytest.raises(kind, match=message):
            fast(*args)
        same(fast(TREE, X), loss(TREE, X))


@pytest.mark.parametrize(
    "make", [lambda: (x for x in X), lambda: iter([1.0]), lambda: map(abs, X), io.StringIO]
)
def test_what_can_be_read_only_once_is_refused(make: Any, compiled: Any) -> None:
    with pytest.raises(cr.errors.ArgumentError, match="only once: pass a list"):
        compiled(lambda items, x: sum(item * x for item in items))(make(), X)


def test_nan_and_infinities(compiled: Any) -> None:
    def f(x):
        return (
            x * 2 - x,
            x / x,
            np.maximum(x, 0.0),
            np.where(x > 0, np.exp(x), -x),
            np.sum(x),
            np.max(x),
            x @ x,
            np.sqrt(x),
        )

    fast = compiled(f)
    with np.errstate(all="ignore"):
        for x in (np.ones(8), SPECIAL, SPECIAL[1:], np.full(8, np.nan), np.ones(8)):
            for _ in range(2):
                same(fast(x), f(x))


def test_compiled_code_warns_of_nothing(compiled: Any) -> None:
    """NumPy's warnings are errors in the tests; the first call of a signature still has them."""
    fast = compiled(lambda x: (1 / x, np.log(x)))
    fast(np.ones(2))
    same(fast(np.array([0.0, -1.0])), (np.array([np.inf, -1.0]), np.array([-np.inf, np.nan])))


# --- call-backs --------------------------------------------------------------------------------


def refuses(x):
    if x[0] > 100:
        raise OverflowError("too large")
    if x[0] < -100:
        return x[1:]  # another shape
    return np.sort(x)


SORTED = cr.operation("sorted_or_not", refuses, pullback=lambda g, x, y: g)


def through(x):
    return np.sum(SORTED(np.exp(x) * 3 - 2) * x[-1:])


@pytest.mark.parametrize("f", [through, cr.value_and_grad(through)], ids=["value", "gradient"])
def test_an_exception_in_a_call_back(f: Any, compiled: Any) -> None:
    fast = compiled(f)
    expected = fast(X)
    bad = X + 100
    with pytest.raises(OverflowError, match="too large") as caught:
        f(bad)
    names = [entry.name for entry in caught.traceback]
    for _ in range(40):  # more often than a signature is recorded
        with pytest.raises(OverflowError, match="too large") as caught:
            fast(bad)
        same(fast(X), expected)
    assert [entry.name for entry in caught.traceback][-1] == names[-1] == "refuses"


def test_an_exception_in_a_call_back_leaves_no_memory_behind() -> None:
    fast = cr.compile(through)
    good = np.linspace(0.0, 1.0, 10_000)

    def calls(times: int) -> None:
        for _ in range(times):
            fast(good)
            with pytest.raises(OverflowError):
                fast(good + 100)
        gc.collect()  # tracebacks and their frames

    calls(2)
    tracemalloc.start()
    try:
        calls(2)
        before = tracemalloc.get_traced_memory()[0]
        calls(5)
        assert tracemalloc.get_traced_memory()[0] - before < 2 * good.nbytes
    finally:
        tracemalloc.stop()


def test_a_call_back_that_gives_another_shape(compiled: Any) -> None:
    fast = compiled(lambda x: SORTED(x) * 2)
    low = np.array([-200.0, 3.0, 1.0])
    for _ in range(2):
        same(fast(X), np.sort(X) * 2)
        same(fast(low), low[1:] * 2)


KEPT: list[Any] = []


def keeps(x):
    KEPT.append(x)
    return np.sort(x)


KEEPING = cr.operation("keeping", keeps, pullback=lambda g, x, y: g)


def test_a_call_back_may_keep_what_it_is_given(compiled: Any) -> None:
    fast = compiled(lambda x: np.exp(KEEPING(np.exp(x)) * np.arange(3.0)) * 2)
    fast(X)
    KEPT.clear()
    for k in range(3):
        fast(X + k)
    for k, kept in enumerate(KEPT):
        same(kept, np.exp(X + k))


def test_a_call_back_may_call_the_function(compiled: Any) -> None:
    def deeper(x):
        return np.sort(x if x[0] > 50 else fast(x + 10))

    again = cr.operation("again", deeper, pullback=lambda g, x, y: g)
    fast = compiled(lambda x: again(np.abs(x) + 1) - np.exp(-np.abs(x)))
    expected = fast.__wrapped__(X)
    for _ in range(3):
        same(fast(X), expected)


# --- the cache ---------------------------------------------------------------------------------

PROGRAM = """
import os, resource, sys, warnings
warnings.simplefilter("error")
import numpy as np
import chainrule as cr
if "full" in sys.argv:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
f = cr.compile(lambda x: np.tanh(x) * 2)
x = np.ones(5)
assert np.allclose(f(x), np.tanh(x) * 2) and np.allclose(f(x + 1), np.tanh(x + 1) * 2)
assert f.lower(x).kernels == 1
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits and permissions of POSIX")
@pytest.mark.parametrize("case", ["file", "nowhere", "full"])
def test_without_a_cache_functions_are_compiled(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the directory cannot be made, not even by root, and where nothing can be written."""
    (tmp_path / "file").touch()
    folder = {"nowhere": Path("/dev/null/objects")}.get(case, tmp_path / case)
    monkeypatch.setenv("CHAINRULE_CACHE", str(folder))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, case], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not folder.is_dir() or not list(folder.iterdir())


def test_code_that_keeps_more_than_it_may() -> None:
    def steps(x: Any) -> Any:
        for _ in range(10):
            x = np.tanh(W @ x)
        return np.sum(x)

    W = np.full((30, 30), 0.02)
    x = np.linspace(0, 1, 600).reshape(30, 20)
    with pytest.raises(cr.errors.TapeLimitError, match="its tape_limit is 10,000") as caught:
        cr.compile(cr.grad(steps), tape_limit=10_000)(x)
    assert isinstance(caught.value, MemoryError)
    needed = int(str(caught.value).partition("needs ")[2].partition(" bytes")[0].replace(",", ""))
    assert 10 * x.nbytes <= needed <= 15 * x.nbytes
    enough = cr.compile(cr.grad(steps), tape_limit=needed)
    np.testing.assert_allclose(enough(x), cr.grad(steps)(x), rtol=1e-12)
    assert f"{needed:,} bytes" in enough.lower(x).schedule
    with pytest.raises(cr.errors.ArgumentError, match="a number of bytes"):
        cr.compile(steps, tape_limit="1 GB")  # type: ignore[arg-type]


def test_derivatives_of_high_order_are_compiled() -> None:
    f = lambda x: np.exp(x) * x
    for _ in range(7):
        f = cr.grad(f)
    compiled = cr.compile(f)
    for x in (0.5, 1.0, -1.0, 2.0, 0.0):
        assert compiled(x) == pytest.approx(np.exp(x) * (x + 7), rel=1e-12)
