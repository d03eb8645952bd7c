"""Libraries that know nothing of Arrays: a right derivative, or one error that says what and where.

The functions are not listed: all public ones of the modules below are tried with a few arguments,
and those that take them are differentiated.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import io
import json
import re
import time
import warnings

import numpy as np
import pytest
from scipy import integrate, ndimage, optimize, signal, stats
from scipy.linalg import signm

import chainrule as cr
from chainrule.errors import (
    ChainruleError,
    GradientLostError,
    IndependentOutputWarning,
    UnsupportedError,
)

MODULES = [
    "scipy.stats",
    "scipy.integrate",
    "scipy.optimize",
    "scipy.ndimage",
    "scipy.signal",
    "scipy.linalg",
    "scipy.spatial.distance",
    "scipy.interpolate",
    "scipy.fft",
    "scipy.special",
    "sklearn.metrics",
]
X = np.array([0.31, 0.52, 0.87, 0.44])
Y = np.array([0.25, 0.61, 0.7, 0.9])
M = np.eye(3) * 2.0 + 0.1 * np.arange(9.0).reshape(3, 3) ** 0.5
#: Functions to try: of x alone, and of x beside something else.
CALLS = [
    (lambda f, x: f(x), X),
    (lambda f, x: f(x), M),
    (lambda f, x: f(x, Y.copy()), X),
    (lambda f, x: f(Y.copy(), x), X),
    (lambda f, x: f(x, 1.5), X),
    (lambda f, x: f(lambda t: t * x[0] + x[1] * t**2 - 0.3, 0.1, 0.9), X),
]
MOST = 60  # functions of one module
SECONDS = 0.01  # a slow function is not tried
CRASHES = {"distance_transform_cdt"}  # by itself, for arrays of floats


def names(module):
    """Return the public functions of a module, and the distributions with their methods."""
    found = []
    for name in getattr(module, "__all__", dir(module)):
        value = getattr(module, name, None)
        if name.startswith("_") or not callable(value) or inspect.isclass(value):
            continue
        if inspect.isbuiltin(value) or "test" in name or "show" in name:
            continue
        methods = [f"{name}.{m}" for m in ("logpdf",) if hasattr(value, m)]
        found += methods or ([] if name in CRASHES else [name])
    return found[:: len(found) // MOST + 1]


def number(result):
    """Return the sum of the floating-point numbers of a result, None where there are none."""
    parts = result if isinstance(result, tuple) else (result,)
    total = None
    for part in parts:
        if np.asarray(part).dtype.kind == "f":
            total = np.sum(part) if total is None else total + np.sum(part)
    return total


def tried(f, call, x):
    """Return the slope of a call along a direction by differences, None if f takes no such."""
    began = time.perf_counter()
    along = np.cos(np.arange(x.size)).reshape(x.shape)
    try:
        number(call(f, x.copy()))  # some write into what they are given
        if time.perf_counter() - began > SECONDS:
            return None
        slopes = [
            (number(call(f, x + h * along)) - number(call(f, x - h * along))) / (2 * h)
            for h in (1e-6, 2e-6)
        ]
    except Exception:
        return None
    if not np.all(np.isfinite(slopes)):
        return None
    smooth = abs(slopes[0] - slopes[1]) <= 1e-4 * (1 + abs(slopes[0]))
    return (slopes[0] if smooth else None), along


@pytest.mark.parametrize("name", MODULES)
def test_a_library_gives_a_right_derivative_or_says_what_has_none(name):
    module = importlib.import_module(name)
    wrong, met = [], 0
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", IndependentOutputWarning)
        for path in names(module):
            f = functools.reduce(getattr, path.split("."), module)
            for k, (call, x) in enumerate(CALLS):
                with np.errstate(all="ignore"):
                    expected = tried(f, call, x)
                    if expected is None:
                        continue
                    met += 1
                    fault = compared(f, call, x, *expected)
                if fault is not None:
                    wrong.append(f"{path}[{k}]: {fault}")
    assert not wrong, "\n".join(wrong)
    assert met


def compared(f, call, x, slope, along):
    """Return what is wrong with a gradient, None if it is right or refused as it should be."""
    try:
        g = cr.grad(lambda x: number(call(f, x)))(x.copy())
    except ChainruleError as error:
        named = isinstance(error, (UnsupportedError, GradientLostError))
        ours = "of test_boundary.py" in str(error) or not named
        return None if ours else f"does not name the line: {error}"
    except IndependentOutputWarning:
        return None if slope in (0.0, None) else f"a gradient of 0, not {slope}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    found = np.sum(g * along)
    good = slope is None or abs(found - slope) <= 1e-3 * (1 + abs(slope))
    return None if good else f"{found}, not {slope}"


LIBRARIES = [
    (lambda x: stats.norm.entropy(x[0], x[1]), "scipy.stats.norm.entropy"),
    (lambda x: np.sum(signm(np.outer(x, x))), "scipy.linalg.signm"),
    (
        lambda x: integrate.quad_vec(lambda t: np.exp(-t * x), 0, np.inf)[0][0],
        "scipy.integrate.quad_vec",
    ),
    (lambda x: optimize.nnls(M[:, :1], x[:3])[0][0], "scipy.optimize.nnls"),
    (lambda x: np.sum(ndimage.median_filter(x, 3)), "scipy.ndimage.median_filter"),
    (lambda x: json.loads(json.dumps(x[0])), "json.dumps"),
    (lambda x: np.testing.assert_allclose(x, x) or np.sum(x), "np.testing.assert_allclose"),
    (lambda x: sum(t * t for t in np.nditer(x)), "np.nditer"),
    (
        lambda x: np.sum(
            signal.medfilt2d(
                np.outer(x, x),
                3,
            )
        ),
        "scipy.signal.medfilt2d",
    ),
]


@pytest.mark.parametrize(("f", "called"), LIBRARIES, ids=[called for _, called in LIBRARIES])
@pytest.mark.parametrize("transform", [cr.grad, lambda f: lambda x: cr.stage(f, x)])
def test_the_error_names_what_the_user_called_and_the_users_line(f, called, transform):
    with pytest.raises(UnsupportedError, match=re.escape(called) + ".*line .* of test_boundary"):
        transform(f)(X)


def test_an_error_that_the_function_has_by_itself_is_the_users_to_see():
    def f(x):
        return stats.norm.logpdf(x, "one")

    with pytest.raises(ValueError, match="could not convert string"):
        cr.grad(f)(1.0)


def test_a_caught_error_of_a_library_is_raised_when_the_run_ends():
    def f(x):
        with contextlib.suppress(Exception):
            return optimize.nnls(np.eye(1), [x])[0]
        return x

    with pytest.raises(UnsupportedError, match=r"scipy\.optimize\.nnls .*line"):
        cr.grad(f)(0.5)
