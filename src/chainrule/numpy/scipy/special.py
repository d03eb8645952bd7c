"""scipy.special: the functions that are not ufuncs. Those that are tell by themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.kinds import stopped
from chainrule.core.operation import Operation
from chainrule.numpy.axes import axes_of
from chainrule.numpy.casting import cast
from chainrule.numpy.creation import asarray
from chainrule.numpy.dispatch import unsupported
from chainrule.numpy.scipy.table import means
from chainrule.operations import bessel, gamma_functions, integrals, special
from chainrule.operations import softmax as softmax_rows

__all__: list[str] = []


@means("scipy.special.softmax")
def softmax(x: Any, axis: Any = None) -> Any:
    x = asarray(x)
    return softmax_rows.softmax(x, axis=axes_of(axis, x))


@means("scipy.special.log_softmax")
def log_softmax(x: Any, axis: Any = None) -> Any:
    x = asarray(x)
    return softmax_rows.log_softmax(x, axis=axes_of(axis, x))


@means("scipy.special.logsumexp")
def logsumexp(
    a: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    a = asarray(a)
    if return_sign:
        raise unsupported("scipy.special.logsumexp with return_sign=True", "leave it out")
    if b is None:
        return softmax_rows.logsumexp(a, axis=axes_of(axis, a), keepdims=keepdims)
    # The largest term is taken out, as a constant, so that no exponential overflows.
    counted = np.where(np.equal(b, 0), -np.inf, a)  # what counts nothing is not the largest
    top = stopped(np.max(counted, axis=axis, keepdims=True))
    top = np.where(np.isfinite(top), top, 0)
    terms = b * np.exp(np.where(np.equal(b, 0), 0, a - top))
    total = np.log(terms.sum(axis=axis, keepdims=keepdims))
    return total + (top if keepdims else np.squeeze(top, axis=axis))


# Functions with several results, of which each is an operation.


def _in_parts(row: Operation, count: int) -> None:
    @means(row.numpy[0])
    def parts(x: Any) -> Any:
        return tuple(row(x, part=k) for k in range(count))


for _row, _count in (
    (integrals.sici, 2),
    (integrals.shichi, 2),
    (integrals.fresnel, 2),
    (bessel.airy, 4),
):
    _in_parts(_row, _count)

# Functions whose order is no operand but a parameter.


@means("scipy.special.polygamma")
def polygamma(n: Any, x: Any) -> Any:
    y = _of_order(lambda k: gamma_functions.polygamma(asarray(x), n=k), n)
    return cast(y, np.result_type(y.dtype, float))  # SciPy computes in double precision


def _of_order(f: Callable[[int], Any], n: Any) -> Any:
    """Call a function of each order, of which there may be an array."""
    if np.ndim(n) == 0:
        return f(int(n))
    raise unsupported("a special function of several orders", "call it for each order alone")


@means("scipy.special.lambertw")
def lambertw(z: Any, k: Any = 0, tol: float = 1e-8) -> Any:
    return _of_order(lambda branch: special.lambertw(z, k=branch, tol=tol), k)


@means("scipy.special.zeta")
def zeta(x: Any, q: Any = None, out: Any = None) -> Any:
    return gamma_functions.zeta(x, 1.0 if q is None else q)


def _spherical(name: str, row: Any) -> None:
    @means(f"scipy.special.{name}")
    def spherical(n: Any, z: Any, derivative: bool = False) -> Any:
        def of(order: int) -> Any:
            y = row(z, n=order)
            return row.d[0](z, y, n=order) if derivative else y

        return _of_order(of, n)


for _name in ("spherical_jn", "spherical_yn", "spherical_in", "spherical_kn"):
    _spherical(_name, getattr(bessel, _name))


def _derivatives(name: str, row: Operation, sign: int) -> None:
    """Enter a derivative of higher order by the argument, made of neighbours' (DLMF 10.6.7)."""

    @means(f"scipy.special.{name}")
    def derivative(v: Any, z: Any, n: int = 1) -> Any:
        v = np.asarray(v)
        terms = [math.comb(n, k) * sign**k * row(v - n + 2 * k, z) for k in range(n + 1)]
        factor = -1.0 if name == "kvp" and n % 2 else 1.0
        return factor * sum(terms[1:], terms[0]) / 2**n


for _name, _row, _sign in (
    ("jvp", bessel.jv, -1),
    ("yvp", bessel.yv, -1),
    ("h1vp", bessel.hankel1, -1),
    ("h2vp", bessel.hankel2, -1),
    ("ivp", bessel.iv, 1),
    ("kvp", bessel.kv, 1),
):
    _derivatives(_name, _row, _sign)

# What is made of the gamma function.


@means("scipy.special.multigammaln")
def multigammaln(a: Any, d: Any) -> Any:
    a, d = asarray(a), int(d)
    halves = np.arange(d) / 2
    logarithms = gamma_functions.gammaln(np.expand_dims(a, -1) - halves)
    return np.sum(logarithms, axis=-1) + d * (d - 1) / 4 * math.log(math.pi)


@means("scipy.special.factorial")
def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    n = asarray(n)
    n = cast(n, np.result_type(n.dtype, float)) if n.ndim else n  # as SciPy does
    return np.where(n < 0, 0.0, gamma_functions.gamma(np.where(n < 0, 0.0, n) + 1))[()]


@means("scipy.special.comb")
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    N, k = asarray(N), asarray(k)
    if repetition:
        return np.where((k == 0) & (N >= 0), 1.0, gamma_functions.binom(N + k - 1, k))[()]
    valid = (k <= N) & (N >= 0) & (k >= 0)
    return np.where(valid, gamma_functions.binom(N, k), 0.0)[()]


@means("scipy.special.perm")
def perm(N: Any, k: Any, exact: bool = False) -> Any:
    N, k = asarray(N), asarray(k)
    valid = (k <= N) & (N >= 0) & (k >= 0)
    return np.where(valid, gamma_functions.poch(N - k + 1, k), 0.0)[()]
