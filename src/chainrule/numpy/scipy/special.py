"""scipy.special: the functions that are not ufuncs. Those that are tell by themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import is_complex
from chainrule.core.kinds import stopped
from chainrule.core.operation import Operation
from chainrule.numpy.axes import axes_of
from chainrule.numpy.casting import cast
from chainrule.numpy.creation import asarray
from chainrule.numpy.dispatch import plain, unsupported
from chainrule.numpy.scipy.table import means
from chainrule.operations import (
    bessel,
    distribution_functions,
    gamma_functions,
    integrals,
    polynomials,
    special,
)
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
    if b is None and not return_sign and not is_complex(a):
        return softmax_rows.logsumexp(a, axis=axes_of(axis, a), keepdims=keepdims)
    b = 1.0 if b is None else b
    # The largest term is taken out, as a constant, so that no exponential overflows.
    nothing = np.equal(b, 0)
    counted = np.where(nothing, -np.inf, np.real(a))  # what counts nothing is not the largest
    top = stopped(np.max(counted, axis=axis, keepdims=True))
    top = np.where(np.isfinite(top), top, 0)
    terms = b * np.exp(np.where(nothing, 0, a - top))
    total = terms.sum(axis=axis, keepdims=keepdims)
    top = top if keepdims else np.squeeze(top, axis=axis)
    if not return_sign:
        return np.log(total) + top
    size = abs(total)
    sign = total / np.where(size == 0, 1, size) if is_complex(total) else np.sign(total)
    return np.log(size) + top, sign


# Functions with several results, of which each is an operation.


def _in_parts(row: Operation, count: int) -> None:
    @means(row.numpy[0])
    def parts(*operands: Any) -> Any:
        return tuple(row(*operands, part=k) for k in range(count))


for _row, _count in (
    (integrals.sici, 2),
    (integrals.shichi, 2),
    (integrals.fresnel, 2),
    (integrals.ellipj, 4),
    (bessel.airy, 4),
    (bessel.airye, 4),
    (bessel.iti0k0, 2),
    (bessel.itj0y0, 2),
    (bessel.it2i0k0, 2),
    (bessel.it2j0y0, 2),
    (bessel.itairy, 4),
):
    _in_parts(_row, _count)


@means("scipy.special.kelvin")
def kelvin(x: Any) -> Any:
    pairs = [("ber", "bei"), ("ker", "kei"), ("berp", "beip"), ("kerp", "keip")]
    return tuple(
        getattr(bessel, real)(x) + 1j * getattr(bessel, imaginary)(x) for real, imaginary in pairs
    )


@means("scipy.special.sph_legendre_p")
def sph_legendre_p(n: Any, m: Any, theta: Any, *, diff_n: int = 0) -> Any:
    if diff_n:
        raise unsupported("scipy.special.sph_legendre_p with diff_n=", "take its derivative")
    return np.expand_dims(polynomials.sph_legendre_p(n, m, theta), 0)


@means("scipy.special.sph_harm_y")
def sph_harm_y(n: Any, m: Any, theta: Any, phi: Any, *, diff_n: int = 0) -> Any:
    if diff_n:
        raise unsupported("scipy.special.sph_harm_y with diff_n=", "take its derivative")
    return polynomials.sph_legendre_p(n, m, theta) * np.exp(1j * np.multiply(m, phi))


# Functions whose order is no operand but a parameter.


@means("scipy.special.polygamma")
def polygamma(n: Any, x: Any) -> Any:
    y = _of_order(lambda k: gamma_functions.polygamma(asarray(x), n=k), n)
    broken = np.asarray(plain(n)) % 1 != 0
    if np.any(broken):  # of which there is no derivative, says SciPy
        y = np.where(broken, np.nan, y)
    return cast(y, np.result_type(y.dtype, float))  # SciPy computes in double precision


def _of_order(f: Callable[[int], Any], n: Any) -> Any:
    """Call a function of each order, of which there may be an array; SciPy cuts fractions off."""
    orders = np.asarray(plain(n)).astype(int)
    if not orders.ndim:
        return f(int(orders))
    found = {k: f(k) for k in map(int, np.unique(orders))}
    shape = np.broadcast_shapes(orders.shape, *(np.shape(y) for y in found.values()))
    first, *others = found
    result = np.broadcast_to(found[first], shape)
    for k in others:
        result = np.where(orders == k, found[k], result)
    return result


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


def _shape_and_end(a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    end = np.multiply(a, x)
    return cast(asarray(b), np.result_type(b, end.dtype)), end


@means("scipy.special.gdtr")
def gdtr(a: Any, b: Any, x: Any) -> Any:
    return distribution_functions.gammainc(*_shape_and_end(a, b, x))


@means("scipy.special.gdtrc")
def gdtrc(a: Any, b: Any, x: Any) -> Any:
    return distribution_functions.gammaincc(*_shape_and_end(a, b, x))


@means("scipy.special.multigammaln")
def multigammaln(a: Any, d: Any) -> Any:
    a, d = asarray(a), int(d)
    halves = np.arange(d) / 2
    logarithms = gamma_functions.gammaln(np.expand_dims(a, -1) - halves)
    return np.sum(logarithms, axis=-1) + d * (d - 1) / 4 * math.log(math.pi)


@means("scipy.special.factorial")
def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    n = asarray(n)
    if extend == "complex":
        return gamma_functions.gamma(n + 1)
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
