"""scipy.stats: densities and distribution functions, by the formulas of `distributions`.

As in SciPy, results are in double precision; the density outside of the support is 0, and
everything is NaN where the scale or a shape parameter is not one of the distribution.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.array import Array, is_complex, value_of
from chainrule.numpy.axes import operand
from chainrule.numpy.casting import cast
from chainrule.numpy.dispatch import arrays_in, unsupported
from chainrule.numpy.scipy.discrete import DISCRETE
from chainrule.numpy.scipy.distributions import CONTINUOUS
from chainrule.numpy.scipy.families import LN2, Family
from chainrule.numpy.scipy.table import made_of
from chainrule.operations import linalg
from chainrule.operations.gamma_functions import gammaln
from chainrule.operations.special import xlogy

__all__: list[str] = []


class _Seen:
    """A distribution of SciPy as recorded code sees it."""

    def __init__(self, original: Any, methods: dict[str, Callable[..., Any]]) -> None:
        self._original = original
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._original, name)
        meaning = self._methods.get(name)
        if meaning is None:
            return found

        def method(*args: Any, **kwargs: Any) -> Any:
            if "k" in kwargs and not args:  # the number, of a discrete distribution
                args = (kwargs.pop("k"),)
            recorded = next(arrays_in([args, kwargs]), None) is not None
            return (meaning if recorded else found)(*args, **kwargs)

        method.__name__ = name
        return method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _Frozen(self, args, kwargs)

    freeze = __call__


class _Frozen:
    """A distribution together with its parameters."""

    def __init__(self, seen: _Seen, args: Any, kwargs: Any) -> None:
        self._seen = seen
        self._parameters = args, kwargs

    def __getattr__(self, name: str) -> Any:
        args, kwargs = self._parameters
        if name not in self._seen._methods:
            return getattr(self._seen._original(*args, **kwargs), name)
        method = getattr(self._seen, name)

        def of_number(*at: Any, **options: Any) -> Any:
            named = [options.pop(key) for key in ("x", "k", "q") if key in options]
            x, *more = *named, *at
            return method(x, *args, *more, **kwargs, **options)

        return of_number


class _Parameters(NamedTuple):
    """What a distribution was called with; ``valid`` is None where all of it is valid."""

    shapes: tuple[Any, ...]
    loc: Any
    scale: Any
    valid: Any


class _Univariate:
    """The methods of a distribution of numbers."""

    def __init__(self, name: str, family: Family, discrete: bool) -> None:
        self.name = name
        self.family = family
        self.discrete = discrete

    def methods(self) -> dict[str, Callable[..., Any]]:
        """Return the functions that SciPy's methods are."""
        density = "pmf" if self.discrete else "pdf"
        found = _with_exponential(density, self.log_density)
        found |= {
            method: functools.partial(self.distribution, method)
            for method in ("cdf", "sf", "logcdf", "logsf")
        }
        if self.family.inverse is not None:
            found["ppf"] = functools.partial(self.inverse, self.family.inverse)
            found["isf"] = functools.partial(self.inverse, self._inverse_survival)
        return found

    # What SciPy's methods mean.

    def log_density(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Do what ``logpdf`` does, or ``logpmf``."""
        given = self._parameters(args, kwargs)
        z, below, above = self._inside(self._standard(x, given), given.shapes, self.family.vanishes)
        y = self.family.log_density(z, *given.shapes)
        if given.scale is not None:
            y = y - np.log(given.scale)
        if below is not None:
            y = np.where(below | above, -np.inf, y)
        return _where_valid(given.valid, y)

    def distribution(self, method: str, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Do what ``cdf`` does, or one of its relatives."""
        given = self._parameters(args, kwargs)
        z = self._standard(x, given)
        z, below, above = self._inside(np.floor(z) if self.discrete else z, given.shapes)
        y = self._known(method)(z, *given.shapes)
        if below is not None:
            start, end = _ENDS[method]
            y = np.where(below, start, np.where(above, end, y))
        return _where_valid(given.valid, y)

    def inverse(self, f: Callable[..., Any], q: Any, *args: Any, **kwargs: Any) -> Any:
        """Do what ``ppf`` does, or ``isf``."""
        given, q = self._parameters(args, kwargs), _double(q)
        y = f(q, *given.shapes)
        y = y if given.scale is None else y * given.scale
        y = y if given.loc is None else y + given.loc
        if np.any((q < 0) | (q > 1)):
            y = _where_valid((q >= 0) & (q <= 1), y)
        return _where_valid(given.valid, y)

    # How they do it.

    def _inverse_survival(self, q: Any, *shapes: Any) -> Any:
        f = self.family
        assert f.inverse is not None
        known = f.inverse_survival
        return -f.inverse(q, *shapes) if known is None else known(q, *shapes)

    def _parameters(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Parameters:
        names = (*self.family.shapes, "loc") + (() if self.discrete else ("scale",))
        given = dict(zip(names, args, strict=False)) | kwargs
        unknown = [name for name in given if name not in names]
        missing = [name for name in self.family.shapes if name not in given]
        if unknown or missing or len(args) > len(names):
            raise TypeError(f"scipy.stats.{self.name} takes {', '.join(names)} beside the number")
        shapes = tuple(_double(given[name]) for name in self.family.shapes)
        loc = _unless(given.get("loc", 0), 0)
        scale = _unless(given.get("scale", 1), 1)
        family = self.family
        masks = [s > 0 for s in shapes] if family.valid is None else [family.valid(*shapes)]
        masks += [] if scale is None else [scale > 0]
        wrong = [mask for mask in masks if not np.all(mask)]
        valid = functools.reduce(np.logical_and, wrong) if wrong else None
        return _Parameters(shapes, loc, scale, valid)

    def _standard(self, x: Any, given: _Parameters) -> Any:
        z = _double(x)
        z = z if given.loc is None else z - given.loc
        return z if given.scale is None else z / given.scale

    def _inside(
        self, z: Any, shapes: tuple[Any, ...], open_start: bool = False
    ) -> tuple[Any, Any, Any]:
        """Return z with harmless numbers outside of the support; what is below it, what above."""
        ends = self.family.support
        low, high = ends if isinstance(ends, tuple) else ends(*shapes)
        below: Any = False if type(low) is float and low == -np.inf else z < low
        below = below | (z == low) if open_start else below
        above: Any = False if type(high) is float and high == np.inf else z > high
        if self.discrete:
            below = below | (z != np.floor(z))
        if not (np.any(below) or np.any(above)):
            return z, None, None
        bounded = np.isfinite(low), np.isfinite(high)
        a, b = (np.where(known, end, 0.0) for known, end in zip(bounded, (low, high), strict=True))
        within = np.where(bounded[0], np.where(bounded[1], (a + b) / 2, a + 1), b - 1)
        return np.where(below | above, within, z), below, above

    def _known(self, method: str) -> Callable[..., Any]:
        """Return a distribution function, made of others where it is not known by itself."""
        f = self.family
        of = {"cdf": f.cdf, "sf": f.survival, "logcdf": f.log_cdf, "logsf": f.log_survival}
        own = of[method]
        if own is not None:
            return own
        name = method.removeprefix("log")
        rest = "sf" if name == "cdf" else "cdf"
        log, log_rest = of[f"log{name}"], of[f"log{rest}"]
        if name != method:
            if log_rest is not None:
                return lambda *at: _log_of_rest(log_rest(*at))
            return lambda *at: _log_share(self._known(name)(*at), self._known(rest)(*at))
        if log is not None:
            return lambda *at: np.exp(log(*at))
        if log_rest is not None:
            return lambda *at: -np.expm1(log_rest(*at))
        if of[rest] is None:
            raise unsupported(f"scipy.stats.{self.name}.{method}", "use its density")
        return lambda *at: 1 - self._known(rest)(*at)


def _log_of_rest(log: Any) -> Any:
    """Return ``log(1 - exp(log))``, by the form that has the digits."""
    small = log < -LN2
    first = np.log1p(-np.exp(np.where(small, log, -1.0)))
    return np.where(small, first, np.log(-np.expm1(np.where(small, -1.0, log))))


def _log_share(share: Any, rest: Any) -> Any:
    """Return the logarithm of a share, by the rest where that is smaller."""
    large = share > 0.5
    first = np.log1p(-np.where(large, rest, 0.5))
    return np.where(large, first, np.log(np.where(large, 0.5, share)))


#: What distribution functions are below and above the support.
_ENDS = {"cdf": (0.0, 1.0), "sf": (1.0, 0.0), "logcdf": (-np.inf, 0.0), "logsf": (0.0, -np.inf)}


def _with_exponential(name: str, f: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    return {f"log{name}": f, name: lambda *args, **kwargs: np.exp(f(*args, **kwargs))}


def _where_valid(valid: Any, y: Any) -> Any:
    """Return y, and NaN with derivatives that are NaN where the parameters are none."""
    return y if valid is None else y * np.where(valid, 1.0, np.nan)


def _unless(x: Any, default: int) -> Any:
    """Return a parameter, or None where it is a number that changes nothing."""
    return None if type(x) in (int, float) and x == default else _double(x)


def _double(x: Any) -> Any:
    """Return an operand in double precision, in which SciPy computes."""
    if type(x) is float:
        return x
    x = operand(x)
    if is_complex(x):
        raise TypeError("numbers of a distribution are real")
    return cast(x, np.float64)


def _enter(name: str, methods: dict[str, Callable[..., Any]]) -> None:
    made_of(f"scipy.stats.{name}")(lambda original: _Seen(original, methods))


for _name, _family in CONTINUOUS.items():
    _enter(_name, _Univariate(_name, _family, discrete=False).methods())
for _name, _family in DISCRETE.items():
    _enter(_name, _Univariate(_name, _family, discrete=True).methods())
for _alias, _name in {"erlang": "gamma", "reciprocal": "loguniform"}.items():
    _enter(_alias, _Univariate(_alias, CONTINUOUS[_name], discrete=False).methods())


# Distributions of vectors.


def _centred(x: Any, mean: Any, cov: Any) -> tuple[Any, Any, int]:
    """Return the distance from the mean, a matrix in the last two axes, and the dimension."""
    x = _double(x)
    mean = cast(operand(0.0 if mean is None else mean), np.float64)
    cov = cast(operand(1.0 if cov is None else cov), np.float64)
    size = max(mean.shape[-1] if mean.ndim else 1, cov.shape[-1] if cov.ndim else 1)
    if size == 1 and not (x.ndim and x.shape[-1] == 1 and mean.ndim):
        x = np.expand_dims(x, -1)
    if cov.ndim < 2:
        cov = cov * np.eye(size)
    return x - mean, cov, size


def _quadratic(centred: Any, cov: Any) -> tuple[Any, Any]:
    """Return the squared distance, and the determinant's logarithm."""
    root = linalg.cholesky(cov)
    solved = linalg.solve(root, np.expand_dims(centred, -1))[..., 0]
    return np.sum(solved * solved, axis=-1), 2 * np.sum(np.log(np.diagonal(root)))


def _multivariate_normal(
    x: Any, mean: Any = None, cov: Any = 1, allow_singular: Any = False
) -> Any:
    centred, cov, size = _centred(x, mean, cov)
    if allow_singular:
        least = _TINY * np.max(abs(np.linalg.eigvalsh(value_of(cov))))
        if np.linalg.eigvalsh(cov)[0] <= least:
            return _degenerate_normal(centred, cov, least)
    distance, logarithm = _quadratic(centred, cov)
    return -0.5 * (size * math.log(2 * math.pi) + logarithm + distance)


_TINY = 1e6 * np.finfo(float).eps  # an eigenvalue that SciPy takes for 0, relatively


def _degenerate_normal(centred: Any, cov: Any, least: float) -> Any:
    """Return the density's logarithm in the space that a singular covariance matrix leaves."""
    if type(cov) is Array:
        raise unsupported(
            "scipy.stats.multivariate_normal by a covariance matrix that is singular",
            "add a small multiple of np.eye(n) to it",
        )
    values, vectors = np.linalg.eigh(cov)
    kept = values > least
    if values[0] < -least:
        raise ValueError("The input matrix must be symmetric positive semidefinite.")
    scaled = centred @ (vectors[:, kept] / np.sqrt(values[kept]))
    logarithm = np.sum(np.log(values[kept]))
    y = -0.5 * (kept.sum() * math.log(2 * math.pi) + logarithm + np.sum(scaled * scaled, axis=-1))
    beside = np.linalg.norm(value_of(centred) @ vectors[:, ~kept], axis=-1)
    return np.where(beside < least * 1e3, y, -np.inf)


def _normal_entropy(mean: Any = None, cov: Any = 1) -> Any:
    _, cov, size = _centred(0.0 if mean is None else mean, mean, cov)
    _, logarithm = _quadratic(np.zeros(size), cov)
    return 0.5 * (size * (math.log(2 * math.pi) + 1) + logarithm)


def _multivariate_t(x: Any, loc: Any = None, shape: Any = 1, df: Any = 1) -> Any:
    centred, matrix, size = _centred(x, loc, shape)
    distance, logarithm = _quadratic(centred, matrix)
    df = _double(df)
    if np.all(np.isinf(df)):
        return _multivariate_normal(x, loc, shape)
    constant = gammaln((df + size) / 2) - gammaln(df / 2) - size / 2 * np.log(df * math.pi)
    return constant - 0.5 * logarithm - (df + size) / 2 * np.log1p(distance / df)


def _dirichlet(x: Any, alpha: Any) -> Any:
    x, alpha = _double(x), _double(alpha)
    if x.shape[0] + 1 == alpha.shape[0]:
        x = np.concatenate([x, 1 - np.sum(x, axis=0, keepdims=True)])
    constant = gammaln(np.sum(alpha)) - np.sum(gammaln(alpha))
    return constant + np.sum(xlogy(alpha - 1, x.T).T, axis=0)


def _multinomial(x: Any, n: Any, p: Any) -> Any:
    x, n, p = _double(x), _double(n), _double(p)
    others = p[..., :-1]  # SciPy takes the last for what is left of 1, whatever it is
    p = np.concatenate([others, 1 - np.sum(others, axis=-1, keepdims=True)], axis=-1)
    y = gammaln(n + 1) + np.sum(xlogy(x, p) - gammaln(x + 1), axis=-1)
    wrong = np.sum(x, axis=-1) != n
    return np.where(wrong, -np.inf, y) if np.any(wrong) else y


_enter(
    "multivariate_normal",
    _with_exponential("pdf", _multivariate_normal) | {"entropy": _normal_entropy},
)
_enter("multivariate_t", _with_exponential("pdf", _multivariate_t))
_enter("dirichlet", _with_exponential("pdf", _dirichlet))
_enter("multinomial", _with_exponential("pmf", _multinomial))
