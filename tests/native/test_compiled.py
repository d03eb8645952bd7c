"""``chainrule.compile`` as a function: arguments, results, methods, copies, processes, faults."""

from __future__ import annotations

import copy
import dataclasses
import gc
import inspect
import multiprocessing
import pickle
import random
import threading
import traceback
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule.native import compiled as compiling
from chainrule.native import specializations

from .conftest import resident, same, tells_memory

NotCompiled = cr.errors.NotCompiledWarning
X = np.array([0.5, -1.5, 2.0])
RNG = np.random.default_rng(0)
COUNT = 0


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclasses.dataclass
class Layer:
    w: Any
    b: Any


def every_kind(x, scale=2.0, *rest, power=2, **options):
    y = x**power * scale
    for r in rest:
        y = y + r
    return {"y": y, "n": len(rest), "name": options.get("name"), "half": (y / 2, [np.sum(y)])}


def mse(layer, x, y):
    return np.mean((np.tanh(x @ layer.w) + layer.b - y) ** 2)


def step(layer, x, y, rate):
    loss, g = cr.value_and_grad(mse)(layer, x, y)
    return loss, Layer(layer.w - rate * g.w, layer.b - rate * g.b)


def counts(x, n):
    return x * n, n + 1, n > 3


def pair_of(p):
    return Pair(p.b * 2, p.a)


def rounded(x):
    import math

    return math.floor(x), x > 0, round(x)


CALLS: dict[str, tuple[Any, list[tuple[tuple[Any, ...], dict[str, Any]]]]] = {
    "trees and options": (
        every_kind,
        [
            ((X,), {}),
            ((X, 3.0), {}),
            ((X, 3.0, 1.0, X), {"power": 3}),
            ((X,), {"name": "a"}),
            ((X,), {"name": "b"}),
            ((X,), {"scale": 5.0, "power": 1}),
            ((2.0,), {"power": 2}),
            ((np.float32(2.0),), {}),
            ((X.astype(np.float32),), {}),
            ((X[:2],), {}),
            ((X[::-1],), {}),
            ((np.array(2.0),), {}),
            ((np.empty((0, 3)),), {}),
        ],
    ),
    "training step": (
        step,
        [((Layer(X * k, 0.5 * k), np.ones((4, 3)) * k, np.arange(4.0), 0.1), {}) for k in (1, 2)],
    ),
    "NumPy integers": (counts, [((X, np.int64(k)), {}) for k in (2, 3, 5)]),
    "integers": (counts, [((X, k), {}) for k in (2, 3, 5)]),
    "bool and int": (lambda x, n: (x * n, n), [((X, n), {}) for n in (1, True, 1, True)]),
    "integer arrays": (lambda x, k: (x[k], k % 2), [((X, np.array([k, 0])), {}) for k in (1, 2)]),
    "masks": (lambda x, m: np.where(m, x, 0.0), [((X, np.greater(X, k)), {}) for k in (0, 1)]),
    "named tuple": (pair_of, [((Pair(X, 1.0),), {}), ((Pair(2.0, X),), {})]),
    "Python numbers": (rounded, [((x,), {}) for x in (1.5, 1.7, -2.2)]),
    "None": (lambda x, y: x if y is None else x + y, [((X, None), {}), ((X, 1.0), {})]),
    "constants": (lambda x: (x * 2, 3, "a", np.eye(2), None), [((X,), {}), ((X + 1,), {})]),
    "the argument itself": (lambda x, y: (x, y, x), [((X, 2.0), {}), ((X + 1, 3.0), {})]),
    "views": (lambda x: (x.T, x[::2], x.reshape(3, 1)), [((X,), {}), ((X + 1,), {})]),
    "float and float64": (
        lambda x: (np.sin(x), x * 2),
        [((0.5,), {}), ((np.float64(0.5),), {}), ((0.25,), {}), ((np.float32(0.5),), {})],
    ),
    "a NumPy function": (np.sin, [((X,), {}), ((X + 1,), {})]),
    "gradient of 0-d": (cr.value_and_grad(np.sin), [((np.array(k),), {}) for k in (0.5, 1.0)]),
    "gradient of float32": (
        cr.value_and_grad(lambda x: np.sum(x**2)),
        [((X.astype(np.float32) * k,), {}) for k in (1, 2)],
    ),
    "has_aux": (
        cr.value_and_grad(lambda x: (np.sum(x**2), {"mean": x.mean(), "n": 3}), has_aux=True),
        [((X,), {}), ((X + 1,), {})],
    ),
    "jvp": (lambda x, t: cr.jvp(np.sin, (x,), (t,)), [((X, X), {}), ((X + 1, X), {})]),
    "hessian": (cr.hessian(lambda x: np.sum(x**3) * x[0]), [((X,), {}), ((X + 1,), {})]),
    "jacobian": (cr.jacobian(lambda x: np.sin(x) * x[0]), [((X,), {}), ((X + 1,), {})]),
    "vjp": (lambda x, g: cr.vjp(np.sin, x)[1](g), [((X, X), {}), ((X + 1, X), {})]),
    "argument that is not used": (lambda x, y: x * 2, [((X, 1.0), {}), ((X, 2.0), {})]),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str, compiled: Any) -> None:
    f, calls = CALLS[name]
    fast = compiled(f)
    for args, kwargs in calls * max(2, -(-5 // len(calls))):
        before = copy.deepcopy((args, kwargs))
        same(fast(*args, **kwargs), f(*args, **kwargs))
        same((args, kwargs), before)


def test_integers_in_the_aux_of_a_gradient(compiled: Any) -> None:
    f = cr.value_and_grad(lambda x: (np.sum(x**2), np.argmax(x)), has_aux=True)
    fast = compiled(f)
    same(fast(X), f(X))
    same(fast(-X), f(-X))


def test_results_are_the_callers_own(compiled: Any) -> None:
    fast = compiled(lambda x: (x, x.T, x * 1, np.ones(2)))
    fast(X)
    for _ in range(2):
        for result in fast(X):
            result += 1
    same(fast(X), (X, X, X * 1, np.ones(2)))


def test_signatures_are_recorded_once_each(compiled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = []
    run = specializations.run
    monkeypatch.setattr(specializations, "run", lambda *args: recordings.append(1) or run(*args))
    fast = compiled(step)
    for k in range(3):
        layer = Layer(X * (k + 1), 0.5)
        fast(layer, np.ones((4, 3)), np.ones(4), 0.1 * k)
    assert len(recordings) == 1
    fast(Layer(X, 0.5), np.ones((5, 3)), np.ones(5), 0.1)
    fast(Layer(X, 0.5), np.ones((5, 3), np.float32), np.ones(5), 0.1)
    assert len(recordings) == 3


def test_a_signature_for_each_call_warns_once(compiled: Any) -> None:
    fast = compiled(counts)
    for n in range(compiling.MOST_SIGNATURES):
        same(fast(1.5, n), counts(1.5, n))
    with pytest.warns(NotCompiled, match="128 signatures"):
        fast(1.5, -1)
    same(fast(1.5, -2), counts(1.5, -2))
    assert len(fast._specializations) == compiling.MOST_SIGNATURES


# A callable like the one it was made of.


class Model:
    def __init__(self, w: Any) -> None:
        self.w = w

    @cr.compile
    def loss(self, x):
        """Sum the products."""
        return np.sum(self.w * x)

    @cr.compile
    def sum_of(self, x):
        return self.loss(x) + 1


@cr.compile
def decorated(x, y=2.0):
    """Multiply."""
    return x * y


def plain(x):
    return x * 3


def test_it_looks_like_the_function() -> None:
    assert decorated.__name__ == "decorated"
    assert decorated.__doc__ == "Multiply."
    assert list(inspect.signature(decorated).parameters) == ["x", "y"]
    assert "decorated" in repr(decorated)
    assert decorated.__wrapped__(2.0) == decorated(2.0) == 4.0


def test_method() -> None:
    a, b = Model(X), Model(X * 2)
    for model in (a, b, a):
        assert model.loss(X) == np.sum(model.w * X)
        assert model.sum_of(X) == np.sum(model.w * X) + 1
    a.w = X * 3
    assert Model.loss(a, X) == np.sum(a.w * X)
    assert Model.loss.__doc__ == "Sum the products."


def test_pickle_and_copy() -> None:
    for f in (decorated, cr.compile(plain), Model(X).loss):
        expected = f(X)
        for again in (pickle.loads(pickle.dumps(f)), copy.copy(f), copy.deepcopy(f)):
            same(again(X), expected)
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(cr.compile(lambda x: x))


def test_recursion() -> None:
    @cr.compile
    def factorial(x):
        return x if x < 2 else x * factorial(x - 1)

    assert [factorial(x) for x in (5.0, 3.0, 6.0)] == [120.0, 6.0, 720.0]


def test_it_is_freed_with_the_arrays_that_it_knew() -> None:
    def make() -> Any:
        table = np.ones(3)
        fast = cr.compile(lambda x: np.sum(table * x) if x[0] > 0 else x)
        fast(X)
        fast(-X)
        return weakref.ref(fast), weakref.ref(table)

    references = make()
    gc.collect()
    assert [reference() for reference in references] == [None, None]


@tells_memory
def test_compilations_and_calls_leave_memory_as_it_was() -> None:
    """As far as what is compiled was found on the disk; test_engine.py has those that were not."""

    def compile(times: int) -> None:
        for _ in range(times):
            fast = cr.compile(cr.value_and_grad(mse))
            for _ in range(3):
                fast(Layer(X, 0.5), np.ones((4, 3)), np.ones(4))

    compile(30)
    before = resident()
    compile(60)
    assert resident() - before < 2 * 2**20


# Inside recordings it is the Python function.


def test_it_is_differentiated_as_python(compiled: Any) -> None:
    fast = compiled(lambda x: np.sum(x**3))
    fast(X)
    same(cr.grad(fast)(X), 3 * X**2)
    same(cr.hessian(fast)(X), cr.hessian(fast.__wrapped__)(X))
    x = cr.array(X)
    fast(x).backward()
    same(x.grad, 3 * X**2)


def test_a_captured_array_that_is_differentiated(compiled: Any) -> None:
    def loss(w):
        inner = compiled(lambda x: np.sum(w * x))
        return inner(X) * inner(2.0)

    same(cr.grad(loss)(X), cr.grad(lambda w: np.sum(w * X) * np.sum(w * 2.0))(X))


def test_compiled_in_compiled(compiled: Any) -> None:
    inner = compiled(lambda x: np.sum(x**2) * RATE[0])
    outer = compiled(cr.grad(lambda x: inner(x) * 2))
    for rate in (1.0, 3.0):
        RATE[0] = rate
        same(outer(X), 4 * rate * X)


RATE = np.array([1.0])

# Threads and processes.


def test_threads_share_one_build(monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = []
    run = specializations.run
    monkeypatch.setattr(specializations, "run", lambda *args: recordings.append(1) or run(*args))
    fast = cr.compile(step)
    barrier = threading.Barrier(8)

    def work(k: int) -> None:
        barrier.wait()
        for n in range(5):
            args = Layer(X * (k + n + 1), 0.5), np.ones((4, 3)), np.ones(4), 0.1
            same(fast(*args), step(*args))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(recordings) == 1


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(method: str) -> None:
    with multiprocessing.get_context(method).Pool(1) as pool:
        fast = cr.compile(cr.compile(np.sin).__wrapped__)
        fast(0.5)
        assert pool.apply(fast, (0.25,)) == fast(0.25)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_fork_while_another_thread_builds() -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(x):
        if threading.current_thread() is not threading.main_thread():
            started.set()
            go_on.wait(10)
        return x * 2

    fast = cr.compile(slow)
    thread = threading.Thread(target=fast, args=(1.0,))
    thread.start()
    started.wait(10)
    with multiprocessing.get_context("fork").Pool(1, _remember, (fast,)) as pool:
        assert pool.apply_async(_recall, (3.0,)).get(timeout=20) == 6.0
    go_on.set()
    thread.join()


_remembered: Any = None


def _remember(f: Any) -> None:
    global _remembered
    _remembered = f


def _recall(x: float) -> Any:
    return _remembered(x)


# Faults.


def fails(x):
    if np.sum(x) > 100:
        raise KeyError("too large")
    return x @ np.ones(4)


def test_an_exception_has_the_users_traceback(compiled: Any) -> None:
    fast = compiled(fails)
    with pytest.raises(ValueError, match="matmul") as caught:
        fast(X)
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [frame.name for frame in frames[1:]] == ["fails"]
    assert any("x is (3,)" in note for note in caught.value.__notes__)
    same(fast(np.ones(4)), 4.0 * np.float64(1))
    with pytest.raises(KeyError, match="too large"):
        fast(np.ones(4) * 100)
    same(fast(np.ones(4)), np.float64(4.0))


def test_failing_calls_do_not_use_up_recordings(compiled: Any) -> None:
    fast = compiled(fails)
    same(fast(np.ones(4)), np.float64(4.0))
    for _ in range(specializations.MOST_RECORDINGS + 1):
        with pytest.raises(KeyError, match="too large"):
            fast(np.ones(4) * 100)
    same(fast(np.ones(4) * 2), np.float64(8.0))


def test_an_exception_inside_a_known_path(compiled: Any) -> None:
    fast = compiled(lambda x, k: x[k])
    same(fast(X, np.array([1])), X[[1]])
    with pytest.raises(IndexError, match="out of bounds"):
        fast(X, np.array([7]))
    same(fast(X, np.array([2])), X[[2]])


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({1, 2}, "a set, which is neither"),
        (np.array(["a"]), "dtype <U1"),
        (np.ma.masked_array([1.0]), "MaskedArray.*np.asarray"),
    ],
)
def test_arguments_that_cannot_be(argument: Any, message: str, compiled: Any) -> None:
    with pytest.raises(cr.errors.ArgumentError, match=message):
        compiled(lambda x: x)([argument])


def test_missing_argument(compiled: Any) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        compiled(lambda x, y: x)(1.0)
    with pytest.raises(cr.errors.ArgumentError, match="expected a function"):
        compiled(3)


def writes(x):
    x[0] = 5.0
    return x * 2


def writes_in_place(x):
    x *= 2
    return x


def appends(x, seen):
    seen.append(x)
    return x * 2


def assigns_global(x):
    global COUNT
    COUNT += 1
    return x * COUNT


def assigns_nonlocal():
    count = 0

    def f(x):
        nonlocal count
        count += 1
        return x * count

    return f


class Counter:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        return x * self.calls


def remembers():
    seen: list[Any] = []

    def f(x):
        seen.append(1)
        return x * len(seen)

    return f


def returns_object(x):
    return Counter()


FAULTS = {
    "argument": (lambda: writes, "writes into its argument `x`"),
    "in place": (lambda: writes_in_place, "writes into its argument `x`"),
    "global": (lambda: assigns_global, "assigns to the global `COUNT`"),
    "nonlocal": (assigns_nonlocal, "assigns to `count` of an enclosing function"),
    "attribute": (Counter, "changes an attribute of a Counter"),
    "list": (remembers, "changes a list"),
    "np.random": (lambda: lambda x: x * np.random.rand(), "random numbers"),  # noqa: NPY002
    "Generator": (lambda: lambda x: x * RNG.normal(), "random numbers"),
    "random": (lambda: lambda x: x * random.random(), "random numbers"),
    "new Generator": (lambda: lambda x: x * np.random.default_rng().normal(), "random numbers"),
    "object": (lambda: returns_object, "returns a Counter"),
    "own arrays": (lambda: lambda x: cr.array(2.0) * x, "another recording"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_compiled_code_could_not_do_runs_as_python(name: str, compiled: Any) -> None:
    make, reason = FAULTS[name]
    f, expected = make(), make()
    fast = compiled(f)
    with pytest.warns(NotCompiled, match=reason) as caught:
        first = fast(X.copy())
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = fast(X.copy())
    if "random" in reason:
        assert not np.array_equal(first, second)
    elif name in ("attribute", "list", "nonlocal"):
        same([first, second], [expected(X), expected(X)])
    elif name in ("argument", "in place"):
        same([first, second], [expected(X.copy()), expected(X.copy())])


def test_a_list_among_the_arguments_is_appended_to(compiled: Any) -> None:
    seen: list[Any] = []
    with pytest.warns(NotCompiled, match="changes a container among its arguments"):
        compiled(appends)(X, seen)
    assert len(seen) == 1
    assert seen[0] is X


def test_seeded_generators_are_constants(compiled: Any) -> None:
    def f(x):
        return x * np.random.default_rng(0).normal()

    fast = compiled(f)
    same(fast(X), f(X))
    same(fast(X + 1), f(X + 1))


# Looking inside.


def test_lower_shows_the_graph() -> None:
    lowered = cr.compile(lambda x, y: np.sum(x * y) if y > 0 else x).lower(X, 2.0)
    assert lowered.graph.splitlines() == [
        "x: float64 (3,)",
        "y: float",
        "%0 = greater(y, 0): bool",
        "guard %0 is True",
        "%1 = multiply(x, y): float64 (3,)",
        "%2 = sum(%1, axis=None, keepdims=False): float64",
        "return %2",
    ]
    with pytest.raises(cr.errors.UnsupportedError, match="cannot be compiled: assigns_global"):
        cr.compile(assigns_global).lower(X)


@pytest.mark.parametrize("turns", [3, 30])
def test_functions_of_numbers_outside_of_loops(turns: int) -> None:
    """Where there are many, they are called rather than written out."""

    def f(x: Any) -> Any:
        total = 0.0
        for k in range(turns):
            total = total + np.sin(x[k]) * np.exp(x[k - 1]) + np.arctan2(x[k], 2.0)
        return total

    x = np.random.default_rng(0).normal(size=turns)
    step = cr.compile(cr.value_and_grad(f))
    for _ in range(2):
        for found, expected in zip(step(x), cr.value_and_grad(f)(x), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert ("@cr.sin.double.apart(" in step.lower(x).ir) is (turns == 30)


def test_the_same_function_is_the_same_code_and_found_on_disk() -> None:
    def f(x):
        for _ in range(40):
            a, b = np.sin(x), np.cos(x)
            c = a * b
            x = x + 0.01 * (np.sum(a) * b + np.sum(b) * c + np.sum(c) * a)
        return np.sum(x)

    lowered = [cr.compile(cr.value_and_grad(f)).lower(np.ones(5)) for _ in range(4)]
    assert all(again.library.from_disk for again in lowered[1:])
