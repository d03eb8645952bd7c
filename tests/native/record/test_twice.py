"""Recording without values: the same results, types and errors, and no value is made up."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.native.interpret import interpreted
from chainrule.native.record.twice import LARGE

from ..conftest import BUILDERS, TESTS, load, same
from ..test_programs import CASES, PROGRAMS, RANDOM, check, check_operation, float_arguments

NotCompiled = cr.errors.NotCompiledWarning
X = np.linspace(-1.0, 2.0, LARGE)
TABLE = np.linspace(1.0, 2.0, LARGE)
RNG = np.random.default_rng(0)


@pytest.fixture
def compiled(without_values: list[bool]) -> Any:
    def compile(f: Any) -> Any:
        return cr.compile(f, builder=interpreted)

    compile.tolerance = BUILDERS["interpreter"][1]
    return compile


# Everything, as if all arrays were large.

#: Where Python looks at values, or a shape depends on them.
LOOKING = {"masked", "one_hot"}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", PROGRAMS)
def test_golden_programs(name: str, compiled: Any, without_values: list[bool]) -> None:
    f, args = PROGRAMS[name]
    check(f, args, compiled)
    has_arrays = any(isinstance(x, np.ndarray) for x in cr.trees.flatten(args)[0])
    assert without_values[0] == (has_arrays and name not in LOOKING)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ["network", "attention", "layer_norm", "embedding"])
def test_golden_programs_as_native_code(name: str, without_values: list[bool]) -> None:
    f, args = PROGRAMS[name]
    both = cr.value_and_grad(f, float_arguments(args))
    same(cr.compile(both)(*args), both(*args), 1e-12)
    assert without_values == [True]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("row", "case"), CASES)
def test_every_operation(row: Any, case: Any, compiled: Any) -> None:
    check_operation(row, case, compiled)


#: Operations of which the shape of the result depends on values in some case.
SHAPED_BY_VALUES = {"getitem", "scatter_add", "set_at", "repeat"}


def test_operations_need_no_values(compiled: Any, without_values: list[bool]) -> None:
    needing = set()
    for case in CASES:
        row, example = case.values
        if any(getattr(x, "size", 1) == 0 for x in example.operands):
            continue  # nothing to be looked at, and nothing to be gained
        without_values.clear()
        arrays = [x for x in example.operands if isinstance(x, np.ndarray)]
        if not arrays:
            continue

        def f(*xs: Any, row: Any = row, example: Any = example) -> Any:
            given = iter(xs)
            operands = [next(given) if isinstance(x, np.ndarray) else x for x in example.operands]
            return row(*operands, **example.params)

        with np.errstate(all="ignore"):
            result = compiled(f)(*arrays)
        if np.ndim(result) and not all(without_values):
            needing.add(row.name)
    assert needing <= SHAPED_BY_VALUES


@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(RANDOM.programs(arrays=True), st.sampled_from([np.float64, np.float32]))
def test_random_programs(compiled: Any, source: str, dtype: Any) -> None:
    random = np.random.default_rng(0)
    x, y = (random.uniform(-1, 1, (3, 2)).astype(dtype) for _ in range(2))
    f = cr.value_and_grad(RANDOM.defined(source), (0, 1))
    fast = compiled(f)
    for args in ((x, y), (y, x)):
        with np.errstate(all="ignore"):
            same(fast(*args), f(*args), 1e-10, size=1.0)


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
def test_types(name: str, dtype: Any, without_values: list[bool]) -> None:
    f = TYPES[name]
    x = X.astype(dtype)
    fast = cr.compile(f)
    for scale in (1, 2):
        tolerance = 1e-11 if dtype is np.float64 else 1e-5
        same(fast(x * dtype(scale)), f(x * dtype(scale)), tolerance)
    assert without_values == [True]


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


NUMBERS = (
    lambda x: x,
    lambda x: np.sum(x),
    lambda x: np.asarray(np.sum(x)),
    lambda x: cr.grad(lambda t: np.sum(t * x))(1.0),
)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", NUMPYS.CASES)
def test_every_function_of_numpy(name: str, without_values: list[bool]) -> None:
    """Whatever it is given: arrays, or numbers of any kind that were computed from them."""
    f, *shapes = NUMPYS.CASES[name]
    args = [np.asarray(x) for x in NUMPYS.arguments(name, tuple(shapes))]
    for part in NUMBERS:

        def whole(*xs: Any, part: Any = part) -> Any:
            return f(*map(part, xs))

        try:
            expected = whole(*args)
            found = cr.compile(whole, builder=interpreted)(*args)
        except (AttributeError, TypeError, ValueError, IndexError, cr.errors.UnsupportedError):
            assert part is not NUMBERS[0]  # arrays are what it is for
            continue
        same(found, expected, 1e-11, size=10.0)


# What an Array does otherwise than an ndarray shows in the comparison with the function as it is.


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
        return np.sum(np.fft.rfft(x).real)
    except Exception:
        return np.sum(x) * 0 - 5


def changes_a_number(x):
    a = np.where(np.sum(x) > 0, np.sum(x), 0.0)
    b = a
    b += 1.0
    return a * 1


@pytest.mark.parametrize("f", [diffuses, shares, writes, asks, tries, changes_a_number])
def test_what_is_not_the_same_recorded_runs_as_python(f: Any) -> None:
    x = np.random.default_rng(0).normal(size=LARGE) + 1
    fast = cr.compile(f)
    for k in range(3):
        ours, theirs = x.copy(), x.copy()
        if k == 0:
            with pytest.warns(NotCompiled, match="results|writes"):
                found = fast(ours)
        else:
            found = fast(ours)
        same(found, f(theirs), 1e-12)
        np.testing.assert_array_equal(ours, theirs)


def test_a_number_that_stops_a_large_local_gradient() -> None:
    def f(s, t):
        return cr.jvp(lambda s: s * X, (s,), (t,))[1]

    fast = cr.compile(f)
    for t in (0.0, 3.0):
        same(fast(2.0, t), f(2.0, t), 1e-12)


# What runs, and how often.


def prints(x):
    print(type(x).__name__)
    return np.sum(np.exp(x) * TABLE)


def prints_and_looks(x):
    print(type(x).__name__)
    return np.exp(x) if np.sum(x) > 0 else x


@pytest.mark.parametrize(
    ("f", "x", "runs"),
    [
        (prints, X, ["Array", "Array", "ndarray"]),
        (prints_and_looks, X, ["Array", "Array", "ndarray"]),
        (prints_and_looks, X[:9], ["Array", "ndarray"]),
    ],
)
def test_how_often_python_runs(f: Any, x: Any, runs: Any, capsys: pytest.CaptureFixture) -> None:
    fast = cr.compile(f)
    first = fast(x)
    assert capsys.readouterr().out.split() == runs
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
    assert not any(x._values_needed for x in fast._specializations.values())


def test_small_arrays_keep_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python looks at of them becomes a guard."""

    def f(x, w, k):
        return np.sum(x) * w[int(k[0])] if w[0] > 0 and k.sum() < 9 else x[k]

    fast = cr.compile(f)
    for w, k in itertools.product((1.0, -1.0), (1, 4)):
        args = X, np.array([w, 2.0, 3.0, 4.0, 5.0]), np.array([k, 4])
        same(fast(*args), f(*args), 1e-12)
    assert not any(x._values_needed for x in fast._specializations.values())


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
def test_looking_at_values_sees_real_ones(f: Any, without_values: list[bool]) -> None:
    fast = cr.compile(f)
    # What is taken out or formatted is a constant to compiled code, as its docstring says.
    for x in (X,) if f in (looks_by_text, *TAKING) else (X, X - 1, X):
        same(fast(x), f(x), 1e-12)
    assert without_values == [False]


def test_in_place_means_the_same(without_values: list[bool]) -> None:
    def f(x):
        a = x * 1
        b = a
        b += x
        a[0] = 5.0
        out = np.zeros_like(x)
        out[1:3] = a[:2]
        return a, b, out

    same(cr.compile(f)(X), f(X))
    assert without_values == [True]


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
