"""Whatever can be recorded does compiled what it does as Python: values, types and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.core.array import is_complex
from chainrule.core.operation import Operation
from chainrule.native.interpret import interpreted
from tests.operations.cases import ROWS, cases_of
from tests.programs import random_native, random_staged
from tests.programs.golden import PROGRAMS

from .conftest import BUILDERS, calls_of, on_copies, same

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def float_arguments(args: tuple[Any, ...]) -> tuple[int, ...]:
    def floating(leaf: Any) -> bool:
        return isinstance(leaf, float) or getattr(leaf, "dtype", np.dtype(int)).kind == "f"

    return tuple(k for k, arg in enumerate(args) if all(map(floating, cr.trees.flatten(arg)[0])))


def check(f: Callable[..., Any], args: tuple[Any, ...], compile: Any) -> None:
    """Call a function and its gradient, compiled, with several values."""
    argnums = float_arguments(args)
    for function in (f, cr.value_and_grad(f, argnums)):
        fast = compile(function)
        for given_ in calls_of(args):
            same(fast(*given_), function(*given_), max(compile.tolerance, 1e-12))
        assert fast._specializations


@pytest.mark.parametrize("name", PROGRAMS)
def test_golden_programs(name: str, compiled: Any) -> None:
    f, args = PROGRAMS[name]
    check(on_copies(f, args), args, compiled)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_interpreter_repeats_the_function(name: str) -> None:
    f, args = PROGRAMS[name]
    both = cr.value_and_grad(on_copies(f, args), float_arguments(args))
    fast = cr.compile(both, builder=interpreted)
    fast(*args)
    same(fast(*args), both(*args), 1e-15)


CASES = [
    pytest.param(row, case, id=f"{name}-{k}")
    for name, row in ROWS.items()
    for k, case in enumerate(cases_of(name))
    if any(isinstance(x, (np.ndarray, np.generic)) for x in case.operands)
]


@pytest.mark.parametrize(("row", "case"), CASES)
def test_every_operation(row: Operation, case: Any, compiled: Any) -> None:
    check_operation(row, case, compiled)


def check_operation(row: Operation, case: Any, compiled: Any) -> None:
    """Call an operation and its gradient, compiled as one program."""
    arrays = [k for k, x in enumerate(case.operands) if isinstance(x, (np.ndarray, np.generic))]

    def f(*xs: Any) -> Any:
        operands = list(case.operands)
        for k, x in zip(arrays, xs, strict=True):
            operands[k] = x
        return row(*operands, **case.params)

    args = tuple(case.operands[k] for k in arrays)
    floating = tuple(k for k in range(len(args)) if args[k].dtype.kind == "f")
    if not floating or not row.differentiable:
        fast = compiled(f)
        for given_ in calls_of(args):
            same(fast(*given_), f(*given_), compiled.tolerance)
        return
    weights = np.random.default_rng(0).uniform(0.5, 1.5, np.shape(f(*args)))
    if is_complex(f(*args)):
        weights = weights * (1 + 2j)
        g = lambda *xs: np.sum((f(*xs) * weights).real)
    else:
        g = lambda *xs: np.sum(f(*xs) * weights)
    both = cr.value_and_grad(g, floating)
    fast = compiled(lambda *xs: (f(*xs), both(*xs)))
    for given_ in calls_of(args):
        result, derived = fast(*given_)
        same(result, f(*given_), compiled.tolerance)
        same(derived, both(*given_), 1e-11)


COMPLEX = [param for param in CASES if param.values[0].dtypes == "fc"]


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")  # of astype and set_at
@pytest.mark.parametrize(("row", "case"), COMPLEX)
def test_every_operation_of_complex_numbers(row: Operation, case: Any, compiled: Any) -> None:
    """Compile the gradient by real and imaginary parts, among operations of real numbers."""
    real = [
        k for k, x in enumerate(case.operands) if getattr(x, "dtype", np.dtype(int)).kind == "f"
    ]
    random = np.random.default_rng(0)

    def f(*xs: Any) -> Any:
        operands = list(case.operands)
        for k, u, v in zip(real, xs, xs[len(real) :], strict=False):
            operands[k] = u * 1.5 + 1j * (v * v)
        y = row(*operands, **case.params)
        return np.sum(np.real(y) ** 2) + np.sum(np.imag(y))

    args = [np.asarray(case.operands[k]) for k in real]
    args += [random.uniform(0.2, 1, x.shape) for x in args]
    both = cr.value_and_grad(f, tuple(range(len(args))))
    fast = compiled(both)
    for _ in range(5):
        same(fast(*args), both(*args), 1e-11)
        args = [x * random.uniform(0.95, 1.05, x.shape) for x in args]


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(random_staged.programs(arrays=False), st.floats(0.2, 1.5), st.floats(-1.5, -0.2))
def test_programs_of_numbers(builder: str, source: str, x: float, y: float) -> None:
    _random(source, [(x, y), (y, x), (x, x)], builder)


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    random_staged.programs(arrays=True),
    st.integers(0, 100),
    st.sampled_from([np.float64, np.float32]),
)
def test_programs_of_arrays(builder: str, source: str, seed: int, dtype: Any) -> None:
    random = np.random.default_rng(seed)
    x, y = (random.uniform(-1, 1, (3, 2)).astype(dtype) for _ in range(2))
    _random(source, [(x, y), (y, x), (x, x), (x[::-1], np.asfortranarray(y))], builder)


@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
@pytest.mark.filterwarnings("ignore::chainrule.errors.NotCompiledWarning")  # writes into views
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.integers(0, 1000))
def test_programs_that_pick_write_and_branch(data: Any, seed: int) -> None:
    """Each is called often enough to meet its branches, while what it refers to changes."""
    source = random_native.source(lambda items: data.draw(st.sampled_from(items)), length=4)
    arrays = random_native.captured()
    f = cr.value_and_grad(random_native.defined(source, arrays), (0, 1, 2))
    fast = cr.compile(f)
    random = np.random.default_rng(seed)
    for k in range(6):
        m, v, s = random.normal(size=(8, 6)), random.normal(size=3), float(random.normal())
        m = (m[:4, :3], np.asfortranarray(m[:4, :3]), m[::2, ::-2])[k % 3]
        with np.errstate(all="ignore"):
            same(fast(m, v, s), f(m, v, s), 1e-9, size=1.0)
        random_native.change(arrays, seed + k)


def _random(source: str, calls: list[tuple[Any, ...]], builder: str) -> None:
    build, tolerance = BUILDERS[builder]
    f = cr.value_and_grad(random_staged.defined(source), (0, 1))
    fast = cr.compile(f, builder=build)
    for args in calls:
        with np.errstate(all="ignore"):
            same(fast(*args), f(*args), max(tolerance, 1e-10), size=1.0)
