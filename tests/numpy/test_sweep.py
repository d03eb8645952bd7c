"""Every public function of NumPy and every method of an ndarray, in every way that NumPy takes.

Nothing is listed by hand: arguments are drawn from a pool, and what NumPy itself accepts is run
with Arrays in their place, with ``out=`` too. Value and gradient are right then, or an error of
chainrule's names the line. There is no third way: no silent loss, no TypeError of our insides.
"""

from __future__ import annotations

import inspect
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, IndependentOutputWarning

X = np.array([0.31, 0.87, 0.52, 0.74, 1.9, 0.3, 0.22, 0.41, 2.3, 0.64, 0.15, 0.36, 1.6])
ALONG = np.cos(np.arange(X.size) + 0.5)
INTS = np.array([2, 0, 1, 1])
MASK = np.array([True, False, True, True])

#: Arguments, made of a vector, a matrix, and a number.
CALLS: list[Callable[[Any, Any, Any], tuple[Any, ...]]] = [
    lambda v, m, s: (v,),
    lambda v, m, s: (m,),
    lambda v, m, s: (s,),
    lambda v, m, s: ([v, v * v],),
    lambda v, m, s: (v, v * v),
    lambda v, m, s: (m, m + 1),
    lambda v, m, s: (m, m[0]),
    lambda v, m, s: (v, s),
    lambda v, m, s: (s, v),
    lambda v, m, s: (v, 2),
    lambda v, m, s: (m, 1),
    lambda v, m, s: (2, v),
    lambda v, m, s: (v, INTS),
    lambda v, m, s: (INTS, v),
    lambda v, m, s: (MASK, v),
    lambda v, m, s: (v, MASK, v * v),
    lambda v, m, s: (v, INTS, v * v),
    lambda v, m, s: (INTS, [v, v * v, 2 * v]),
    lambda v, m, s: (MASK, v, s),
    lambda v, m, s: ([MASK], [2 * v, v]),
    lambda v, m, s: ([MASK], [v], s),
    lambda v, m, s: (v, [MASK], [s, 2.0]),
    lambda v, m, s: (v, s, v * v),
    lambda v, m, s: (v, 0.1, s),
    lambda v, m, s: (m, (9,)),
    lambda v, m, s: (v, (2, 2)),
    lambda v, m, s: (v, (2, 4)),
    lambda v, m, s: (m, 0, 1),
    lambda v, m, s: (m, [1, 0, 1], 1),
    lambda v, m, s: (m, [[0], [1], [1]], 1),
    lambda v, m, s: (v, [1, 3], v[:2]),
    lambda v, m, s: ("ij,jk", m, m),
    lambda v, m, s: (np.sum, 0, m),
    lambda v, m, s: (np.sum, m, [0]),
    lambda v, m, s: (v, np.sort(v), v * v),
    lambda v, m, s: (v, np.arange(4.0), v * v),
    lambda v, m, s: (v, 3, None, None, v * v),
    lambda v, m, s: (INTS, 3, None, None, v),
    lambda v, m, s: (INTS, INTS, 2, None, None, v),
    lambda v, m, s: (lambda i: v[i.astype(int)], (4,)),
    lambda v, m, s: (m, 0),
    lambda v, m, s: (m, -1),
]
#: Options that go with them.
OPTIONS: list[dict[str, Any]] = [{}, {"axis": 0}, {"where": MASK[:3]}]
MODULES = [np, np.linalg, np.fft, np.lib.stride_tricks]
#: What reads or writes files and settings, what is not determined, and what needs a person.
PASSED_OVER = {
    "empty", "empty_like", "save", "savez", "savez_compressed", "savetxt", "load", "loadtxt",
    "genfromtxt", "fromfile", "memmap", "info", "test", "show_config", "show_runtime",
    "get_include", "setbufsize", "seterr", "seterrcall", "set_printoptions", "printoptions",
    "errstate", "fromregex", "open_memmap", "frombuffer", "ndarray", "as_strided", "setflags",
    "tofile", "dump", "dumps", "tobytes", "data", "ctypes", "nditer", "nested_iters",
    "busday_count", "typename", "asmatrix", "bmat", "matrix"
}  # fmt: skip


def functions() -> Iterator[str]:
    for module in MODULES:
        for name in dir(module):
            value = getattr(module, name)
            public = not name.startswith("_") and name not in PASSED_OVER
            if public and callable(value) and not isinstance(value, (type, types.ModuleType)):
                yield f"{module.__name__}.{name}"


def methods() -> Iterator[str]:
    for name in dir(np.ndarray):
        if not name.startswith("_") and name not in PASSED_OVER:
            yield name


def total(result: Any) -> Any:
    """Return one number for all numbers in a result."""
    if isinstance(result, (tuple, list)):
        return sum((total(part) * (k + 1) for k, part in enumerate(result)), 0.0)
    if result is None or isinstance(result, (str, bytes, bool, np.dtype)):
        return 0.0
    if not hasattr(result, "dtype") and not isinstance(result, (int, float, complex)):
        return 0.0
    kind = getattr(result, "dtype", np.dtype(float)).kind
    if kind not in "biufcO":
        return 0.0
    weighted = np.ravel(result) * np.cos(np.arange(np.size(result)) + 1.0)
    if kind == "O":  # which NumPy makes of a list of Arrays, and takes
        return np.sum(weighted)
    return np.sum(np.real(weighted)) + np.sum(np.imag(weighted))


def parts(x: Any) -> tuple[Any, Any, Any]:
    return x[:4] * 1.0, x[4:].reshape(3, 3) * 1.0, x[2] * 1.0


def differentiable(f: Callable[[Any], Any]) -> tuple[float, float | None] | None:
    """Return the value and the slope of a plain function, None for the slope at a kink."""
    try:
        value = f(X.copy())
        slopes = [(f(X + h * ALONG) - f(X - h * ALONG)) / (2 * h) for h in (1e-6, 2e-6)]
    except Exception:
        return None
    if not isinstance(value, float) or not np.isfinite([value, *slopes]).all():
        return None
    if abs(value) > 1e6:  # which no difference says anything about
        return None
    smooth = abs(slopes[0] - slopes[1]) <= 1e-4 * (1 + abs(slopes[0]))
    return value, float(slopes[0]) if smooth else None


def fault(f: Callable[[Any], Any], value: float, slope: float | None) -> str | None:
    """Return what is wrong with the gradient of a function, None if nothing is."""
    try:
        found, gradient = cr.value_and_grad(f)(X.copy())
    except IndependentOutputWarning:
        return None if slope is None or abs(slope) < 1e-6 else f"no gradient, not {slope}"
    except ChainruleError as error:
        return None if "test_sweep.py" in str(error) else f"names no line: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if not np.isclose(found, value, rtol=1e-9):
        return f"value {found}, not {value}"
    if slope is not None and not np.isclose(gradient @ ALONG, slope, rtol=1e-4, atol=1e-5):
        return f"slope {gradient @ ALONG}, not {slope}"
    return None


def checked(ways: Iterator[tuple[str, Callable[[Any], Any]]]) -> tuple[int, list[str]]:
    count, wrong = 0, []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", IndependentOutputWarning)
        for name, f in ways:
            expected = differentiable(f)
            if expected is not None:
                count += 1
                said = fault(f, *expected)
                if said is not None:
                    wrong.append(f"{name}: {said[:300]}")
    return count, wrong


def ways_to_call(function: Callable[..., Any]) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    for k, arguments in enumerate(CALLS):
        for options in OPTIONS:
            if options and getattr(function, "nout", 1) > 1:
                continue  # of which some results are what was in memory

            def f(x: Any, arguments: Any = arguments, options: Any = options) -> Any:
                v, m, s = parts(x)
                result = function(*arguments(v, m, s), **options)
                return total(result) + 0.1 * total(v) + 0.1 * total(m)  # which it may write into

            def into(x: Any, arguments: Any = arguments, options: Any = options) -> Any:
                made = function(*arguments(*parts(X)), **options)
                out = np.zeros(np.shape(made), np.result_type(made))
                function(*arguments(*parts(x)), out=out, **options)
                return total(out)

            yield f"{k} {options}", f
            if "out" in parameters(function) and is_written(function, arguments, options):
                yield f"{k} {options} out", into


def is_written(function: Any, arguments: Any, options: Any) -> bool:
    """Tell whether NumPy writes into ``out``: np.fft.hfft and a few others forget to."""
    try:
        made = function(*arguments(*parts(X)), **options)
        out = np.zeros(np.shape(made), np.result_type(made))
        function(*arguments(*parts(X)), out=out, **options)
    except Exception:
        return False
    return np.array_equal(out, made)


def parameters(function: Any) -> Any:
    if isinstance(function, np.ufunc):
        return {"out"} if function.nout == 1 else ()
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return ()


def found(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(next(m for m in MODULES if m.__name__ == module), name)


@pytest.mark.parametrize("path", list(functions()))
def test_function(path: str) -> None:
    _, wrong = checked(ways_to_call(found(path)))
    assert not wrong, "\n".join(wrong)


#: What follows the array in a call of a method.
MORE: list[Callable[[Any, Any, Any], tuple[Any, ...]]] = [
    lambda v, m, s: (),
    lambda v, m, s: (0,),
    lambda v, m, s: (1,),
    lambda v, m, s: (s,),
    lambda v, m, s: (m,),
    lambda v, m, s: (m[0],),
    lambda v, m, s: (0.4, 1.2),
    lambda v, m, s: (0.4, s),
    lambda v, m, s: ((9,),),
    lambda v, m, s: (9, 1),
    lambda v, m, s: (0, 1),
    lambda v, m, s: ([2, 0],),
    lambda v, m, s: ([2, 0], 1),
    lambda v, m, s: ([2, 0], s),
    lambda v, m, s: (MASK[:3], 0),
    lambda v, m, s: (float,),
    lambda v, m, s: (complex,),
    lambda v, m, s: (np.float32,),
]


@pytest.mark.parametrize("name", list(methods()))
def test_method(name: str) -> None:
    def ways() -> Iterator[tuple[str, Callable[[Any], Any]]]:
        for k, arguments in enumerate(MORE):
            for view in (False, True):

                def f(x: Any, arguments: Any = arguments, view: Any = view) -> Any:
                    v, m, s = parts(x)
                    whole = m.T[1:, ::-1] if view else m
                    result = getattr(whole, name)
                    if callable(result):
                        result = result(*arguments(v, m, s))
                    return total(result) + 0.1 * total(m) + 0.2 * total(whole)

                def into(x: Any, arguments: Any = arguments) -> Any:
                    made = getattr(parts(X)[1], name)(*arguments(*parts(X)))
                    out = np.zeros(np.shape(made), np.result_type(made))
                    v, m, s = parts(x)
                    getattr(m, name)(*arguments(v, m, s), out=out)
                    return total(out)

                yield f"{k} view={view}", f
            yield f"{k} out", into

    _, wrong = checked(ways())
    assert not wrong, "\n".join(wrong)


def test_the_sweep_meets_what_there_is() -> None:
    met = [path for path in functions() if checked_once(found(path))]
    assert len(met) > 300


def checked_once(function: Any) -> bool:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return any(differentiable(f) is not None for _, f in ways_to_call(function))
