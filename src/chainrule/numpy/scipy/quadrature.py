"""scipy.integrate: integrals of functions, by the intervals that SciPy chose (Leibniz's rule).

SciPy divides the range by plain numbers until the integral is exact enough. The sum over its
intervals, by Gauss's formula of 21 points, is then differentiated: by the limits, and by what the
function knows. Where the function is infinite at an end of an interval, that formula is not exact,
and the double exponential one is taken (Takahasi and Mori, 1974). The value is SciPy's own.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import value_of
from chainrule.core.source import where_am_i
from chainrule.errors import NotConvergedError
from chainrule.numpy.creation import restack
from chainrule.numpy.dispatch import has_history, looked_at, plain, unsupported
from chainrule.numpy.scipy.roots import Plainly, arguments
from chainrule.numpy.scipy.table import made_of
from chainrule.numpy.scipy.vertices import one_vertex

__all__: list[str] = []

Function = Callable[..., Any]

_POINTS = 21
_EXACT = 1e-9  # how well the sum has to agree with SciPy's integral, relatively


@functools.cache
def _gauss(n: int) -> tuple[Any, Any]:
    """Return the points and weights of Gauss's formula on [0, 1]."""
    points, weights = np.polynomial.legendre.leggauss(n)
    return (points + 1) / 2, weights / 2


@functools.cache
def _double_exponential() -> tuple[Any, Any]:
    """Return the points and weights of the double exponential formula on [0, 1]."""
    t, h = np.linspace(-3.6, 3.6, 97, retstep=True)
    points = 1 / (1 + np.exp(-np.pi * np.sinh(t)))
    weights = h * np.pi * np.cosh(t) * points * (1 - points)
    inside = points < 1
    return points[inside], weights[inside]


@made_of("scipy.integrate.quad")
def _quad(original: Function) -> Function:
    @one_vertex()
    @functools.wraps(original)
    def quad(
        func: Function,
        a: Any,
        b: Any,
        args: Any = (),
        full_output: Any = 0,
        *more: Any,
        **options: Any,
    ) -> Any:
        f = Plainly(func)
        given, ends = plain(arguments(args)), (plain(a), plain(b))
        found = original(f, *ends, given, full_output, *more, **options)
        if not (f.met or has_history([a, b, args])):
            return found
        if options.get("weight") is not None or options.get("complex_func") or len(more) > 4:
            raise unsupported(
                "scipy.integrate.quad with weight= or complex_func=",
                "write the weight into the function, and take real and imaginary parts apart",
            )
        info = original(f, *ends, given, 1, *more, **options)[2]
        low, high = info["alist"][: info["last"]], info["blist"][: info["last"]]
        for formula in (_gauss(_POINTS), _double_exponential()):
            integral = _sum(lambda x: func(x, *arguments(args)), a, b, low, high, *formula)
            beside = abs(value_of(integral) - found[0])
            if beside <= max(10 * found[1], _EXACT * abs(found[0])):
                break
        else:
            raise NotConvergedError(
                f"scipy.integrate.quad gives {found[0]}, and the sum whose gradient is taken "
                f"{value_of(integral)}, at {where_am_i()}: divide the range where the function is "
                "infinite or jumps"
            )
        return (_as_found(integral, found[0]), *found[1:])

    return quad


def _as_found(integral: Any, value: Any) -> Any:
    """Return the value that SciPy found, with the gradient of a sum that is as good."""
    looked_at(integral)
    return integral + (value - value_of(integral))


@made_of("scipy.integrate.dblquad")
def _dblquad(original: Function) -> Function:
    @one_vertex()
    @functools.wraps(original)
    def dblquad(
        func: Function,
        a: Any,
        b: Any,
        gfun: Any,
        hfun: Any,
        args: Any = (),
        epsabs: float = 1.49e-8,
        epsrel: float = 1.49e-8,
    ) -> Any:
        tolerances = {"epsabs": epsabs, "epsrel": epsrel}
        return _nested(func, [(gfun, hfun), (a, b)], args, tolerances)

    return dblquad


@made_of("scipy.integrate.tplquad")
def _tplquad(original: Function) -> Function:
    @one_vertex()
    @functools.wraps(original)
    def tplquad(
        func: Function,
        a: Any,
        b: Any,
        gfun: Any,
        hfun: Any,
        qfun: Any,
        rfun: Any,
        args: Any = (),
        epsabs: float = 1.49e-8,
        epsrel: float = 1.49e-8,
    ) -> Any:
        def turned(end: Any) -> Any:  # of the outer number first
            return (lambda y, x: end(x, y)) if callable(end) else end

        ranges = [(turned(qfun), turned(rfun)), (gfun, hfun), (a, b)]
        return _nested(func, ranges, args, {"epsabs": epsabs, "epsrel": epsrel})

    return tplquad


@made_of("scipy.integrate.nquad")
def _nquad(original: Function) -> Function:
    @one_vertex()
    @functools.wraps(original)
    def nquad(
        func: Function, ranges: Any, args: Any = None, opts: Any = None, full_output: bool = False
    ) -> Any:
        if opts is not None or full_output:
            f = Plainly(func)
            found = original(f, plain(ranges), plain(args), opts, full_output)
            if f.met or has_history([ranges, args]):
                raise unsupported(
                    "scipy.integrate.nquad with opts= or full_output=", "leave it out"
                )
            return found
        given = () if args is None else arguments(args)
        return _nested(func, list(ranges), given, {}, given)

    return nquad


def _nested(
    func: Function, ranges: list[Any], args: Any, options: dict[str, Any], of_ends: Any = ()
) -> Any:
    """Return the integral over several numbers, of which the first range is the innermost.

    Ends, or whole ranges, may be functions of the numbers further out.
    """
    quad = _quad(importlib.import_module("scipy.integrate").quad)
    errors = [0.0]

    def over(outer: tuple[Any, ...]) -> Any:
        k = len(ranges) - len(outer) - 1
        if k < 0:
            return func(*outer, *args)
        chosen = ranges[k]
        low, high = chosen(*outer, *of_ends) if callable(chosen) else chosen
        ends = (end(*outer) if callable(end) else end for end in (low, high))
        integral, error = quad(lambda x: over((x, *outer)), *ends, **options)
        errors[0] = max(errors[0], error)
        return integral

    return over(()), errors[0]


@made_of("scipy.integrate.quad_vec")
def _quad_vec(original: Function) -> Function:
    @one_vertex()
    @functools.wraps(original)
    def quad_vec(
        f: Function,
        a: Any,
        b: Any,
        *more: Any,
        full_output: bool = False,
        args: Any = (),
        **options: Any,
    ) -> Any:
        met = Plainly(lambda x: f(x, *arguments(args)))
        found = original(met, plain(a), plain(b), *more, full_output=True, **options)
        if not (met.met or has_history([a, b, args])):
            return found if full_output else found[:2]
        if not (np.isfinite(plain(a)) and np.isfinite(plain(b))):
            raise unsupported(
                "scipy.integrate.quad_vec over an infinite range",
                "integrate over t in (0, 1], of x = a + (1 - t) / t",
            )
        low, high = np.sort(found[2].intervals, axis=1).T
        if plain(a) > plain(b):
            low, high = high, low
        integral = _sum(lambda x: f(x, *arguments(args)), a, b, low, high, *_gauss(_POINTS))
        beside = np.linalg.norm(value_of(integral) - found[0])
        if beside > max(10 * found[1], _EXACT * np.linalg.norm(found[0])):
            raise NotConvergedError(
                f"scipy.integrate.quad_vec and the sum whose gradient is taken are {beside} apart, "
                f"at {where_am_i()}: divide the range where the function is infinite or jumps"
            )
        return (_as_found(integral, found[0]), *found[1 : 3 if full_output else 2])

    return quad_vec


def _sum(f: Function, a: Any, b: Any, low: Any, high: Any, points: Any, weights: Any) -> Any:
    """Return the sum over intervals, which are of t in (0, 1] where the range is infinite."""
    first, last = plain(a), plain(b)
    width = (high - low)[:, None]
    at, weight = (low[:, None] + width * points).ravel(), (width * weights).ravel()
    if np.isfinite(first) and np.isfinite(last):
        shares, scale = (at - first) / (last - first), b - a
        terms = [w * f(a + scale * s) for s, w in zip(shares, weight / (last - first), strict=True)]
        return scale * _total(terms)
    sign = 1.0
    if first > last:
        a, b, first, last, sign = b, a, last, first, -1.0
    away, weight = (1 - at) / at, sign * weight / at**2  # x = a + (1 - t) / t, as QUADPACK has it
    terms = []
    for x, w in zip(away, weight, strict=True):
        if np.isfinite(first):
            terms.append(w * f(a + x))
        elif np.isfinite(last):
            terms.append(w * f(b - x))
        else:
            terms.append(w * (f(x) + f(-x)))
    return _total(terms)


def _total(terms: list[Any]) -> Any:
    return np.sum(restack(terms), axis=0)


@made_of("scipy.integrate.fixed_quad")
def _fixed_quad(original: Function) -> Function:
    @functools.wraps(original)
    def fixed_quad(func: Function, a: Any, b: Any, args: Any = (), n: int = 5) -> Any:
        points, weights = _gauss(n)
        y = restack(func(a + (b - a) * points, *arguments(args)))
        if has_history([y, a, b]):
            return (b - a) * np.sum(weights * y, axis=-1), None
        return original(func, a, b, args, n)

    return fixed_quad
