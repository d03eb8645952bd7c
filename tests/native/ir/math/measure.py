"""Errors of the functions in units in the last place (ULP), and their speed.

The truth comes from mpmath (40 digits) for doubles; for floats from NumPy's and SciPy's functions
of doubles, whose errors are far below half a ULP of a float.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.native.ir.math.catalogue import FUNCTIONS, NEAR_RANGES, definitions, fast_range
from chainrule.native.runtime import engine

Numbers = NDArray[Any]

#: Any 64-bit x86 processor: no AVX, no fused multiply-add.
PLAIN = engine.Target("x86-64")

_DTYPES: dict[str, Any] = {"double": np.float64, "float": np.float32}


def loop(name: str, kind: str, *, fma: bool) -> str:
    """Return IR of a function `loop` that applies a function to the elements of arrays."""
    letters = "xyz"[: FUNCTIONS[name][0]]
    pointers = ", ".join(f"ptr noalias %{a}" for a in letters)
    loads = "\n".join(
        f"  %p{a} = getelementptr {kind}, ptr %{a}, i64 %i\n  %v{a} = load {kind}, ptr %p{a}"
        for a in letters
    )
    arguments = ", ".join(f"{kind} %v{a}" for a in letters)
    return f"""{definitions([(name, kind)], fma=fma)}
define void @loop(i64 %n, ptr noalias %out, {pointers}) {{
entry:
  %some = icmp sgt i64 %n, 0
  br i1 %some, label %body, label %end
body:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
{loads}
  %r = call {kind} @cr.{name}.{kind}({arguments})
  %po = getelementptr {kind}, ptr %out, i64 %i
  store {kind} %r, ptr %po
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %body, label %end
end:
  ret void
}}
"""


@functools.cache
def library(name: str, kind: str, target: engine.Target) -> engine.Library:
    """Return the compiled loop of a function, for this processor or a plain one."""
    return engine.link(loop(name, kind, fma=target.has_fma), f"math.{name}", target)


def evaluate(name: str, target: engine.Target, *operands: Numbers) -> Numbers:
    """Apply a function to arrays of one shape and dtype."""
    kind = "double" if operands[0].dtype == np.float64 else "float"
    address = library(name, kind, target).address("loop")
    arrays = [np.ascontiguousarray(x) for x in operands]
    out = np.empty_like(arrays[0])
    call = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * (len(arrays) + 1))(address)
    call(out.size, out.ctypes.data, *(x.ctypes.data for x in arrays))
    return out


# --- the truth ---------------------------------------------------------------------------------


def exact(name: str, *operands: Numbers) -> tuple[Numbers, Numbers]:
    """Return the exact results as sums of two doubles."""
    if operands[0].dtype == np.float32:
        with np.errstate(all="ignore"):
            high = reference(name)(*(x.astype(np.float64) for x in operands))
        return high, np.zeros_like(high)
    mpmath = importlib.import_module("mpmath")
    compute = _precise(name)
    high, low = np.empty(operands[0].size), np.zeros(operands[0].size)
    with mpmath.workdps(40):
        for i, point in enumerate(zip(*(x.tolist() for x in operands), strict=True)):
            try:
                value = compute(*map(mpmath.mpf, point))
            except (ZeroDivisionError, ValueError):
                value = mpmath.nan
            if isinstance(value, mpmath.mpc):
                value = mpmath.nan
            high[i] = float(value)
            if np.isfinite(high[i]):
                low[i] = float(value - mpmath.mpf(high[i]))
    return high, low


def reference(name: str) -> Callable[..., Any]:
    """Return the function of NumPy or SciPy."""
    import scipy.special

    name = name.removesuffix("_fast").removesuffix("_near")
    scipy_name = {"sigmoid": "expit"}.get(name, name)
    found: Callable[..., Any] = getattr(np, name, None) or getattr(scipy.special, scipy_name)
    return found


def _precise(name: str) -> Callable[..., Any]:
    """Return the function of mpmath numbers."""
    mp = importlib.import_module("mpmath")

    def odd(f: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that is x + O(x**3), whose formula cancels near 0."""

        def g(x: Any) -> Any:
            if abs(x) < 1e-25:
                return x
            with mp.workdps(80):
                return f(x)

        return g

    def power(x: Any, y: Any) -> Any:  # mp.power takes long for large whole exponents
        with mp.workdps(60):
            t = y * mp.log(x)
            return mp.exp(t) if abs(t) < 1e4 else (mp.inf if t > 0 else mp.mpf(0))

    def log_ndtr(x: Any) -> Any:
        if x < -1e5:  # relative to x**2, what is left out is below 1e-30
            return -x * x / 2 - mp.log(-x * mp.sqrt(2 * mp.pi)) - 1 / (x * x)
        if x < 0:
            return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)
        return mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2) if x < 1e3 else -mp.mpf(0)

    def erfcx(x: Any) -> Any:
        if x < -1e3:
            return mp.inf
        if x < 1e3:
            return mp.exp(x * x) * mp.erfc(x)
        t = 1 / (2 * x * x)
        return (1 - t * (1 - 3 * t * (1 - 5 * t * (1 - 7 * t)))) / (x * mp.sqrt(mp.pi))

    def error_function(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x: f(x) if abs(x) < 1e3 else f(mp.sign(x) * mp.inf)

    functions: dict[str, Callable[..., Any]] = {
        "exp2": lambda x: mp.mpf(2) ** x,
        "sigmoid": lambda x: 1 / (1 + mp.exp(-x)) if x > -800 else mp.exp(x),
        "log2": lambda x: mp.log(x) / mp.log(2),
        "log1p": mp.log1p,
        "arcsin": mp.asin,
        "arccos": mp.acos,
        "arctan": mp.atan,
        "arctan2": mp.atan2,
        "arcsinh": odd(lambda x: mp.sign(x) * mp.asinh(abs(x))),
        "arccosh": mp.acosh,
        "arctanh": odd(mp.atanh),
        "power": power,
        "log_expit": lambda x: -mp.log1p(mp.exp(-x)) if x > -60 else x - mp.exp(max(x, -1e4)),
        "logit": lambda x: (
            odd(lambda t: mp.log((1 + t) / (1 - t)))(2 * x - 1)
            if 0.1 < x < 0.9
            else mp.log(x) - mp.log1p(-x)
        ),
        "logaddexp": lambda x, y: max(x, y) + mp.log1p(mp.exp(max(-abs(x - y), -1e4))),
        "logaddexp2": lambda x, y: (
            max(x, y) + mp.log1p(mp.mpf(2) ** max(-abs(x - y), -1e4)) / mp.log(2)
        ),
        "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
        "erf": error_function(mp.erf),
        "erfc": error_function(mp.erfc),
        "erfcx": erfcx,
        "log_ndtr": log_ndtr,
        "ndtr": error_function(lambda x: mp.erfc(-x / mp.sqrt(2)) / 2),
    }
    name = name.removesuffix("_fast").removesuffix("_near")
    return functions.get(name) or getattr(mp, name)


def ulps(got: Numbers, high: Numbers, low: Numbers) -> Numbers:
    """Return the errors of finite results, in units of the last place of the exact ones.

    Infinity in place of what exceeds the largest number by less than that unit counts one unit.
    """
    info = np.finfo(got.dtype)
    _, exponent = np.frexp(high)
    unit = np.ldexp(1.0, np.maximum(exponent - 1, info.minexp) - info.nmant)
    with np.errstate(all="ignore"):
        largest = float(info.max)
        value = np.where(np.isinf(got), np.copysign(largest, got), got.astype(np.float64))
        over = np.abs(high) > largest
        truth = np.where(over, np.copysign(largest, high), high)
        error = np.abs((value - truth) - np.where(over, 0.0, low)) / unit
    wrong = np.isnan(got) != np.isnan(high)
    return np.asarray(np.where(wrong, np.inf, np.where(np.isnan(high), 0.0, error)))


# --- samples -----------------------------------------------------------------------------------

#: Where a function has its turns, besides around 0 at every binade.
RANGES: dict[str, tuple[tuple[float, float], ...]] = {
    "exp": ((-750, 711), (-2, 2)),
    "exp2": ((-1080, 1026), (-2, 2)),
    "expm1": ((-40, 40), (-2, 2), (600, 712)),
    "sigmoid": ((-750, 50), (-5, 5)),
    "log": ((0, 2), (0.5, 1.5), (0.99, 1.01)),
    "log2": ((0, 2), (0.5, 1.5), (0.99, 1.01)),
    "log10": ((0, 2), (0.5, 1.5), (0.99, 1.01)),
    "log1p": ((-1, 1), (-0.5, 1)),
    "sin": ((-10, 10), (-1e5, 1e5)),
    "cos": ((-10, 10), (-1e5, 1e5)),
    "tan": ((-10, 10), (-1e5, 1e5)),
    "arcsin": ((-1, 1), (0.4, 0.6)),
    "arccos": ((-1, 1), (0.4, 0.6)),
    "arctan": ((-3, 3), (0.3, 0.5)),
    "sinh": ((-2, 2), (-20, 20), (700, 711)),
    "cosh": ((-2, 2), (-20, 20), (700, 711)),
    "tanh": ((-1, 1), (-20, 20)),
    "arcsinh": ((-2, 2), (-20, 20)),
    "arccosh": ((1, 2), (1, 1.01), (1, 100)),
    "arctanh": ((-1, 1), (-0.5, 0.5)),
    "erf": ((-1.2, 1.2), (-6, 6)),
    "erfc": ((-1.2, 1.2), (-6, 28)),
    "erfcx": ((-1.2, 1.2), (-6, 40), (-27, -26)),
    "log_expit": ((-40, 40), (-2, 2), (-760, 760)),
    "logit": ((0, 1), (0.45, 0.55)),
    "ndtr": ((-1.2, 1.2), (-39, 9)),
    "log_ndtr": ((-1.2, 1.2), (0.6, 1.4), (-39, 9), (-200, 9)),
}


def samples(name: str, kind: str, count: int, seed: int = 0) -> list[Numbers]:
    """Return operands: every binade and the ranges of interest, `count` of each, and hard cases."""
    generator = np.random.default_rng(seed)
    dtype = _DTYPES[kind]
    everywhere = binades(dtype, count, generator)
    if FUNCTIONS[name][0] == 2:
        return _pairs(name, everywhere, generator)
    with np.errstate(over="ignore"):
        parts = [everywhere, np.array(HARD).astype(dtype)]
    plain = name.removesuffix("_fast").removesuffix("_near")
    parts += [generator.uniform(*ends, 400 * count).astype(dtype) for ends in RANGES.get(plain, ())]
    found = np.concatenate(parts)
    if name == plain:
        return [found]
    near = name.endswith("_near")
    low, high = NEAR_RANGES[plain] if near else fast_range(plain, kind)
    return [found[(found > low) & (found < high)]]


def binades(dtype: Any, count: int, generator: np.random.Generator) -> Numbers:
    """Return so many random numbers from every binade, of both signs, subnormal ones included."""
    info = np.finfo(dtype)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp)
    significands = generator.uniform(1.0, 2.0, (2 * count, len(exponents)))
    signs = np.repeat([1.0, -1.0], count)[:, None]
    with np.errstate(under="ignore", over="ignore"):
        found: Numbers = np.ldexp(significands * signs, exponents).astype(dtype).ravel()
    return np.asarray(found[np.isfinite(found)])


def _pairs(name: str, everywhere: Numbers, generator: np.random.Generator) -> list[Numbers]:
    dtype = everywhere.dtype
    count = len(everywhere) // 2  # one of each binade, of either sign
    everywhere = everywhere[:count] * generator.choice([-1.0, 1.0], count).astype(dtype)
    shuffled = generator.permutation(everywhere)
    if name == "power":
        # Any base, with exponents that bring the result somewhere between the least and largest.
        base = np.abs(everywhere)
        largest = np.log2(np.finfo(dtype).max.astype(np.float64)) * 1.06
        logarithm = np.log2(base.astype(np.float64))
        exponent = generator.uniform(-largest, largest, count) / np.where(
            logarithm == 0, 1.0, logarithm
        )
        near = generator.uniform(0.5, 2.0, count).astype(dtype)
        wide = generator.uniform(-1.0, 1.0, count) * largest / np.log2(near.astype(np.float64))
        with np.errstate(over="ignore"):
            exponents = [exponent.astype(dtype), wide.astype(dtype), shuffled]
        return [np.concatenate([base, near, base]), np.concatenate(exponents)]
    if name.startswith("logaddexp"):  # of one sign, for otherwise the terms may cancel
        x = generator.uniform(0, 50, count).astype(dtype)
        y = (x + generator.uniform(-40, 0, count)).astype(dtype)
        return [np.concatenate([abs(everywhere), x]), np.concatenate([abs(shuffled), abs(y)])]
    # Operands of like magnitude, and any two.
    like = (everywhere * generator.uniform(0.25, 1.0, count)).astype(dtype)
    return [np.concatenate([everywhere, everywhere]), np.concatenate([shuffled, like])]


#: Doubles next to multiples of pi / 2 (Muller, "Elementary Functions", section 11.2), and numbers
#: next to the ends of ranges.
HARD = (
    *(float.fromhex(x) for x in ("0x1.6ac5b262ca1ffp+849", "0x1.921fb54442d18p+0")),
    *(float.fromhex(x) for x in ("0x1.921fb54442d18p+1", "0x1.2d97c7f3321d2p+2")),
    *(float.fromhex(x) for x in ("0x1.f6a7a2955385ep+2", "0x1.6c6cbc45dc8dep+5")),
    *(float.fromhex(x) for x in ("0x1.dd4d0f0bd6c8cp+33", "0x1.ffffffffffep+35")),
    *(6381956970095103.0 * 2.0**k for k in (797, 798, -60)),
    *(np.pi / 2 * k for k in (1, 3, 1e3 + 1, 1e6 + 1, 1e9 + 1)),
    *(709.782712893384, -745.1332191019411, -708.3964185322641, 710.4758600739439),
    *(88.72283, -103.97208, 0.3465735902799726, 0.34657359027997264, 0.5493061443340548),
    *(-1.0, 1.0, 0.5, -0.5, 2.0, 1e22, 1e-300, 1e300),
)


def largest_errors(
    name: str, kind: str, targets: Sequence[engine.Target], count: int
) -> list[tuple[float, tuple[float, ...]]]:
    """Return the largest error found for each target, in ULP, and where."""
    operands = samples(name, kind, count)
    truth = exact(name, *operands)
    found = []
    for target in targets:
        errors = ulps(evaluate(name, target, *operands), *truth)
        worst = int(np.argmax(errors))
        found.append((float(errors[worst]), tuple(float(x[worst]) for x in operands)))
    return found


def nanoseconds(function: Callable[..., Any], *operands: Any, rounds: int = 7) -> float:
    """Return the time of a call per element of the first operand: the least of some rounds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function(*operands)
        times.append(time.perf_counter() - start)
    return min(times) * 1e9 / len(operands[0])
