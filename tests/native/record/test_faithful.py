"""Compiled functions do what the function itself does, or run as Python and say so."""

from __future__ import annotations

import itertools
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.interpret import interpreted

from ..conftest import TESTS, load, same

NotCompiled = cr.errors.NotCompiledWarning
#: Nodes do not keep values of this size that no rule reads.
LARGE = 16_384
X = np.linspace(-1.0, 2.0, LARGE)
TABLE = np.linspace(1.0, 2.0, LARGE)
RNG = np.random.default_rng(0)


# Types of results.


def nested(x):
    inner = cr.grad(lambda t: np.sum(t * x))
    return cr.grad(lambda t: inner(np.sum(t * x)) * t)(2.0), inner(np.float64(3.0))


def inner_value(x):
    """Use the value of a gradient inside another one, where it is no plain float."""

    def f(x):
        value, g = cr.value_and_grad(lambda z: np.sum(z * z))(x)
        return np.sum(np.float32(1) * g) * value

    return cr.value_and_grad(f)(x)


def step(x):
    loss, g = cr.value_and_grad(lambda x: np.sum(x**2))(x)
    return loss, loss * 2 + 1, -loss, abs(loss), x - np.float32(0.1) * loss * g


TYPES: dict[str, Any] = {
    "numbers": lambda x: (x[0], x.sum(), x.sum() > 0, np.argmax(x), x.mean() * 2, np.sum(x) * x[1]),
    "dtypes": lambda x: (x.astype(np.float32).sum(), x.astype(int), x > 0, x * np.float32(2), -x),
    "constants": lambda x: (2.0, np.eye(2), 3, None, "a", x * 0),
    "value and gradient": cr.value_and_grad(lambda x: np.sum(x**2)),
    "step": step,
    "gradient by a number": lambda x: cr.grad(lambda t: np.sum(t * x))(2.0),
    "gradient by a NumPy number": lambda x: cr.grad(lambda t: np.sum(t * x))(np.float32(2)),
    "gradient by a 0-d array": lambda x: cr.grad(lambda t: np.sum(t * x))(np.array(2.0)),
    "gradient of a part": lambda x: cr.value_and_grad(lambda t: t[0] ** 2)(x)[1],
    "no gradient": lambda x: cr.grad(lambda t, u: np.sum(t) + 0 * u, (0, 1))(x, 1.0),
    "nested": nested,
    "value inside": inner_value,
    "jvp": lambda x: cr.jvp(lambda x: (np.sum(x), x[0], x * 2), (x,), (x,)),
    "vjp": lambda x: cr.vjp(lambda x: np.sum(x), x)[1](1.0),
    "aux": cr.value_and_grad(lambda x: (np.sum(x), {"m": x.mean(), "n": 3}), has_aux=True),
    "hvp": lambda x: cr.grad(lambda z: np.vdot(cr.grad(lambda y: np.sum(y**3))(z), x))(x),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", TYPES)
def test_types(name: str, dtype: Any) -> None:
    f = TYPES[name]
    x = X.astype(dtype)
    fast = cr.compile(f)
    for scale in (1, 2, 0.5, -1, 3):
        tolerance = 1e-11 if dtype is np.float64 else 1e-5
        same(fast(x * dtype(scale)), f(x * dtype(scale)), tolerance)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x[:1].reshape(()),
        lambda x: np.asarray(x[0]),
        lambda x: np.where(x[0] > 0, x[0], x[1]),
        lambda x: np.copy(np.sum(x)),
        lambda x: x.sum().copy(),
    ],
)
def test_a_number_may_be_an_array_without_axes(f: Any) -> None:
    fast = cr.compile(f)
    for _ in range(2):
        same(fast(X), f(X), 1e-11)


NUMPYS = load("functions_of_native", TESTS / "numpy" / "test_functions.py")


#: What each function is given.
PARTS: dict[str, Any] = {
    "array": lambda x: x,
    "number": lambda x: np.sum(x),
    "array without axes": lambda x: np.asarray(np.sum(x)),
    "float": lambda x: cr.grad(lambda t: np.sum(t * x))(1.0),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", NUMPYS.CASES)
def test_every_function_of_numpy(name: str) -> None:
    """Whatever it is given: arrays, or numbers of any kind that were computed from them."""
    f, *shapes = NUMPYS.CASES[name]
    args = [np.asarray(x) for x in NUMPYS.arguments(name, tuple(shapes))]
    for part in PARTS.values():

        def whole(*xs: Any, part: Any = part) -> Any:
            return f(*map(part, xs))

        fast = cr.compile(whole, builder=interpreted)
        try:
            expected = whole(*args)
        except Exception as error:
            with pytest.raises(type(error)):  # NumPy's own
                fast(*args)
            continue
        for _ in range(2):
            same(fast(*args), expected, 1e-11, size=10.0)


# What an Array does otherwise than an ndarray shows in the comparison with the function as it is.


def writes_and_returns_another(x):
    view = x[1:]
    view[0] = 100
    return np.sum(TABLE)


def names_by_type(x):
    return {"array" if isinstance(x, np.ndarray) else "other": x * 2}


def diffuses(u):
    u = u.copy()
    inner = u[1:-1]
    inner += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])  # a view: u changes
    return u


def shares(x):
    a = x * 2
    b = a[:5]
    a[0] = 9
    return b


def writes(x):
    view = x[1:]
    view[0] = 100
    return np.sum(x)


def asks(x):
    return np.sum(x * 2 if isinstance(x, np.ndarray) else x)


def tries(x):
    try:
        return np.sum(np.spacing(x))
    except Exception:
        return np.sum(x) * 0 - 5


def changes_a_number(x):
    a = np.where(np.sum(x) > 0, np.sum(x), 0.0)
    b = a
    b += 1.0
    return a * 1


@pytest.mark.parametrize("f", [asks, names_by_type])
def test_types_are_those_of_the_values(f: Any) -> None:
    x = np.random.default_rng(0).normal(size=9) + 1
    fast = cr.compile(f)
    for k in range(3):
        same(fast(x + k), f(x + k), 1e-12)


@pytest.mark.parametrize("size", [9, LARGE])
@pytest.mark.parametrize(
    "f",
    [
        *(writes, writes_and_returns_another, tries),
    ],
)
def test_what_is_not_the_same_recorded_runs_as_python(f: Any, size: int) -> None:
    x = np.random.default_rng(0).normal(size=size) + 1
    fast = cr.compile(f)
    for k in range(3):
        ours, theirs = x.copy(), x.copy()
        if k == 0:
            with pytest.warns(NotCompiled, match="results|writes|catches"):
                found = fast(ours)
        else:
            found = fast(ours)
        same(found, f(theirs), 1e-12)
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("size", [9, 2**14])
@pytest.mark.parametrize("f", [diffuses, shares, changes_a_number])
def test_writes_through_views_are_compiled(f: Any, size: int) -> None:
    x = np.random.default_rng(0).normal(size=size) + 1
    fast = cr.compile(f)
    for k in range(5):
        ours, theirs = x + k, x + k
        same(fast(ours), f(theirs), 1e-12)
        np.testing.assert_array_equal(ours, theirs)


def test_a_write_into_what_the_function_refers_to_runs_as_python() -> None:
    buffer = np.zeros(4)

    def f(x):
        view = buffer[1:]
        view[0] = 1.0
        return x * 2

    fast = cr.compile(f)
    with pytest.warns(NotCompiled, match="writes into the array `buffer`"):
        fast(X)
    buffer[1] = 0.0
    fast(X)
    assert buffer[1] == 1.0


def test_one_result_of_two_types() -> None:
    """A float and a float64 of the same value."""

    def f(x):
        return cr.value_and_grad(np.sum)(x)[0], np.sum(x), np.asarray(np.sum(x))

    fast = cr.compile(f)
    for scale in (1, 2, 3):
        same(fast(X * scale), f(X * scale), 1e-12)


def test_a_recording_lets_go_of_what_no_rule_reads() -> None:
    def f(x):
        for k in range(40):
            x = x + k
        return np.sum(x)

    x = np.ones(100_000)
    fast = cr.compile(cr.value_and_grad(f))
    tracemalloc.start()
    try:
        fast(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 15 * x.nbytes  # of the arrays; the compiler takes a little, too


def test_a_number_that_stops_a_large_local_gradient() -> None:
    def f(s, t):
        return cr.jvp(lambda s: s * X, (s,), (t,))[1]

    fast = cr.compile(f)
    for t in (0.0, 3.0):
        same(fast(2.0, t), f(2.0, t), 1e-12)


# What runs, and how often.


def prints(x):
    print("Array" if hasattr(x, "node") else "ndarray")
    return np.sum(np.exp(x) * TABLE)


def prints_and_looks(x):
    print("Array" if hasattr(x, "node") else "ndarray")
    return np.exp(x) if np.sum(x) > 0 else x


@pytest.mark.parametrize(
    ("f", "x"), [(prints, X), (prints_and_looks, X), (prints_and_looks, X[:9])]
)
def test_how_often_python_runs(f: Any, x: Any, capsys: pytest.CaptureFixture) -> None:
    fast = cr.compile(f)
    first = fast(x)
    assert capsys.readouterr().out.split() == ["Array", "ndarray"]
    same(first, f(x), 1e-12)
    capsys.readouterr()
    fast(x + 0.1)
    assert not capsys.readouterr().out


def test_a_small_table_and_many_indices() -> None:
    table, k = np.array([1.0, 2.0, 4.0]), np.arange(LARGE) % 3
    f = cr.value_and_grad(lambda table, k, x: np.sum(table[k] * x + np.take(table, k) + table[k]))
    fast = cr.compile(f)
    for scale in (1, 2):
        same(fast(table * scale, k, X), f(table * scale, k, X), 1e-12)


def test_small_arrays_keep_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python looks at of them becomes a guard."""

    def f(x, w, k):
        return np.sum(x) * w[int(k[0])] if w[0] > 0 and k.sum() < 9 else x[k]

    fast = cr.compile(f)
    for w, k in itertools.product((1.0, -1.0), (1, 4)):
        args = X, np.array([w, 2.0, 3.0, 4.0, 5.0]), np.array([k, 4])
        same(fast(*args), f(*args), 1e-12)


def looks_by_truth(x):
    return x * 2 if np.sum(x) > 0 else x


def looks_by_number(x):
    return x * int(cr.stop_gradient(np.sum(x)))


def looks_and_catches(x):
    try:
        n = int(cr.stop_gradient(np.sum(x)))
    except Exception:
        n = 1
    return x * n


def looks_by_text(x):
    return x * len(f"{np.sum(x):.1f}")


def looks_by_list(x):
    return x * (x > 0).tolist()[-1]


def looks_by_mask(x):
    return x[x > 0]


def looks_by_iteration(x):
    return sum(int(k) for k in np.argsort(x)[:3]) * x


def looks_by_conversion(x):
    return np.bincount(np.asarray(x > 0).astype(int)) * x[:2]


def takes_the_value_out(x):
    return np.add(x, x.value if hasattr(x, "value") else x)


def takes_it_out_and_returns_it(x):
    return np.exp(x.value) if hasattr(x, "value") else np.exp(x)


def takes_it_out_and_computes(x):
    return x * np.mean(x.value if hasattr(x, "value") else x) * x


TAKING = [takes_the_value_out, takes_it_out_and_returns_it, takes_it_out_and_computes]


@pytest.mark.parametrize(
    "f",
    [
        *TAKING,
        looks_by_truth,
        looks_by_number,
        looks_and_catches,
        looks_by_text,
        looks_by_list,
        looks_by_mask,
        looks_by_iteration,
        looks_by_conversion,
    ],
)
def test_looking_at_values_sees_real_ones(f: Any) -> None:
    fast = cr.compile(f)
    # What is taken out or formatted is a constant to compiled code, as its docstring says.
    for x in (X,) if f in (looks_by_text, *TAKING) else (X, X - 1, X):
        same(fast(x), f(x), 1e-12)


def test_in_place_means_the_same() -> None:
    def f(x):
        a = x * 1
        b = a
        b += x
        a[0] = 5.0
        out = np.zeros_like(x)
        out[1:3] = a[:2]
        return a, b, out

    fast = cr.compile(f)
    for scale in (1, 2, 3):
        same(fast(X * scale), f(X * scale))


# Hidden state, and faults.

_ticks = itertools.count(1)
noisy = cr.elementwise("noisy", lambda x: x + RNG.normal(), d=lambda x, y: 1.0)

CHANGING: dict[str, Any] = {
    "iterator": lambda x: x * next(_ticks),
    "random numbers": lambda x: x * RNG.normal(),
    "global random numbers": lambda x: x + np.random.rand(len(x)),  # noqa: NPY002
    "a fresh generator": lambda x: x + np.random.default_rng().normal(),
    "an operation that draws": lambda x: noisy(x),
    "writing": lambda x: x.__setitem__(0, 1.0) or x * 2,
}


@pytest.mark.parametrize("name", CHANGING)
def test_hidden_state_is_found(name: str) -> None:
    fast = cr.compile(CHANGING[name])
    with pytest.warns(NotCompiled):
        first = fast(X.copy())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = fast(X.copy())
    assert np.array_equal(first, second) == (name == "writing")


def test_errors_are_the_functions_own() -> None:
    def f(x, k):
        return x[k] * np.ones(2)

    fast = cr.compile(f)
    with pytest.raises(IndexError, match=f"index {LARGE} is out of bounds") as caught:
        fast(X, np.array([0, LARGE]))
    assert caught.traceback[-1].frame.code.name == "f"
    same(fast(X, np.array([0, 1])), X[:2])
    with pytest.raises(ValueError, match=r"could not be broadcast.*\(16384,\) \(2,\)"):
        cr.compile(lambda x: x * np.ones(2))(X)
    with pytest.raises(ZeroDivisionError):
        cr.compile(lambda x: 1.0 / cr.value_and_grad(lambda x: np.sum(x * 0))(x)[0])(X)


def test_a_large_index_out_of_range() -> None:
    def f(x, k):
        return np.sum(x[k])

    k = np.arange(LARGE)
    fast = cr.compile(f)
    same(fast(X, k), f(X, k), 1e-12)
    with pytest.raises(IndexError):
        cr.compile(f)(X, k + 1)
    with pytest.raises(IndexError):
        fast(X, k + 1)
    same(fast(X, k), f(X, k), 1e-12)
