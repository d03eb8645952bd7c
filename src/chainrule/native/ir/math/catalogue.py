"""Which functions there are, and their definitions as LLVM IR."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from chainrule.native.ir.math import (
    combined,
    error,
    exponential,
    hyperbolic,
    inverse,
    logarithm,
    power,
    reduction,
    trigonometric,
)
from chainrule.native.ir.math.emitter import FORMATS, Emitter, Value
from chainrule.native.ir.text import constant
from chainrule.native.runtime import engine

_ONE_ARGUMENT: tuple[Callable[..., Value], ...] = (
    exponential.exp,
    exponential.exp_fast,
    exponential.exp2,
    exponential.expm1,
    exponential.sigmoid,
    logarithm.log,
    logarithm.log_fast,
    logarithm.log2,
    logarithm.log10,
    logarithm.log1p,
    trigonometric.sin,
    trigonometric.cos,
    trigonometric.tan,
    trigonometric.sin_fast,
    trigonometric.cos_fast,
    trigonometric.tan_fast,
    trigonometric.sin_near,
    trigonometric.cos_near,
    inverse.arcsin,
    inverse.arccos,
    inverse.arctan,
    hyperbolic.sinh,
    hyperbolic.cosh,
    hyperbolic.tanh,
    hyperbolic.arcsinh,
    hyperbolic.arccosh,
    hyperbolic.arctanh,
    error.erf,
    error.erfc,
    error.erfcx,
    error.ndtr,
    error.log_ndtr,
    power.cbrt,
    combined.log_expit,
    combined.logit,
)
_TWO_ARGUMENTS: tuple[Callable[..., Value], ...] = (
    power.power,
    power.hypot,
    inverse.arctan2,
    combined.logaddexp,
    combined.logaddexp2,
)

FUNCTIONS: dict[str, tuple[int, Callable[..., Value]]] = {
    write.__name__: (count, write)
    for count, writers in enumerate((_ONE_ARGUMENT, _TWO_ARGUMENTS), start=1)
    for write in writers
}

_MOST_IN_LINE = 16  # calls outside of loops

#: The number of arguments of each function, by the name of its operation.
NAMES: dict[str, int] = {
    name: count for name, (count, _) in FUNCTIONS.items() if not name.endswith(("_fast", "_near"))
}
_FAST_RANGES: dict[str, Callable[[Emitter], tuple[float, float]]] = {
    "exp": exponential.exp_fast_range,
    "log": logarithm.log_fast_range,
    "sin": reduction.fast_range,
    "cos": reduction.fast_range,
    "tan": reduction.fast_range,
}
#: Functions of which there is a yet quicker one, ``<name>_near``, for the arguments of a range.
NEAR_RANGES: dict[str, tuple[float, float]] = {
    "sin": reduction.NEAR,
    "cos": reduction.NEAR,
}
#: Functions of which there is a quicker one, ``<name>_fast``, for the arguments of a range.
HAVE_FAST_PATH = frozenset(_FAST_RANGES)
#: Of these, those for which the C library's, ``<name>_rare``, serves outside of that range: angles
#: of more than 2**36 are hardly ever met, and most of our own code is for them.
HAVE_RARE_PATH = frozenset(NEAR_RANGES) | {"tan"}


def fast_range(name: str, kind: str) -> tuple[float, float]:
    """Return between which numbers (both excluded) the ``_fast`` function of a type serves."""
    return _FAST_RANGES[name](Emitter(FORMATS[kind], False))


def definitions(
    names: Iterable[tuple[str, str]],
    calls_apart: Sequence[tuple[str, str]] = (),
    *,
    fma: bool | None = None,
) -> str:
    """Return the definitions of functions, given as pairs of a name and "float" or "double".

    Each is ``@cr.<name>.<type>``, without branches and calls, for the loop vectoriser to widen.
    Outside of loops it is called as ``@cr.<name>.<type>.apart``, the same unless there are many
    such calls, which then stay calls: a function is a hundred instructions, and what LLVM does with
    those of a thousand calls takes minutes. ``<name>_either`` has branches: it takes the
    quickest way where each turn of a loop waits for the one before, and none is widened. Angles are
    measured in this way outside of loops, too. ``<name>_rare`` is the C library's.

    Args:
        names: What is wanted. The order and repetitions make no difference to the text.
        calls_apart: what is called outside of loops, as often as it is.
        fma: Whether the target has fused multiply-add instructions (else `llvm.fma` would be a
            call). By default, whether this processor has them.
    """
    fused = engine.host().has_fma if fma is None else fma
    parts: list[str] = []
    outside: dict[str, str] = {}
    asked = set(names)
    asked |= {(f"{x}_either" if x in HAVE_RARE_PATH else x, kind) for x, kind in calls_apart}
    either, rare = _without(asked, "_either"), _without(asked, "_rare")
    wanted = {(name, kind) for name, kind in asked if not name.endswith(("_either", "_rare"))}
    wanted |= {(f"{name}_fast", kind) for name, kind in either}
    wanted |= {(f"{name}_near", kind) for name, kind in either if name in NEAR_RANGES}
    wanted |= {(name, kind) for name, kind in either if name not in HAVE_RARE_PATH}
    rare |= {(name, kind) for name, kind in either if name in HAVE_RARE_PATH}
    parts += [_declared(name, kind) for name, kind in sorted(rare)]
    parts += [_either(name, kind) for name, kind in sorted(either)]
    for name, kind in sorted(wanted):
        text, emitter = _definition(name, kind, fused)
        parts.append(text)
        outside |= emitter.globals
    in_line = len(calls_apart) <= _MOST_IN_LINE
    parts += [_apart(name, kind, in_line) for name, kind in sorted(set(calls_apart))]
    return "\n".join([*(outside[k] for k in sorted(outside)), *parts])


def _without(names: Iterable[tuple[str, str]], ending: str) -> set[tuple[str, str]]:
    """Return the names that have an ending, without it."""
    return {(name.removesuffix(ending), kind) for name, kind in names if name.endswith(ending)}


_HOW = "nounwind willreturn memory(none)"


def _declared(name: str, kind: str) -> str:
    return f"declare {kind} @cr.{name}_rare.{kind}({kind}) cold {_HOW}"


def _either(name: str, kind: str) -> str:
    ways = [(f"{name}_near", NEAR_RANGES[name])] if name in NEAR_RANGES else []
    ways.append((f"{name}_fast", fast_range(name, kind)))
    dtype = np.dtype("f8" if kind == "double" else "f4")
    lines, found = [], []
    for k, (way, ends) in enumerate(ways):
        low, high = (constant(x, dtype) for x in ends)
        lines += [
            f"  %above{k} = fcmp ogt {kind} %x, {low}",
            f"  %below{k} = fcmp olt {kind} %x, {high}",
            f"  %inside{k} = and i1 %above{k}, %below{k}",
            f"  br i1 %inside{k}, label %way{k}, label %else{k}",
            f"way{k}:",
            f"  %y{k} = call {kind} @cr.{way}.{kind}({kind} %x)",
            "  br label %end",
            f"else{k}:",
        ]
        found.append(f"[ %y{k}, %way{k} ]")
    found.append(f"[ %s, %else{len(ways) - 1} ]")
    body = "\n".join(lines)
    text = (
        f"define internal {kind} @cr.{name}_either.{kind}({kind} %x) alwaysinline {_HOW} {{\n"
        f"{body}\n  %s = call {kind} @cr.{name}_rare.{kind}({kind} %x)\n  br label %end\n"
        f"end:\n  %y = phi {kind} {', '.join(found)}\n  ret {kind} %y\n}}\n"
    )
    if name in HAVE_RARE_PATH:
        return text
    return text + (
        f"define internal {kind} @cr.{name}_rare.{kind}({kind} %x) noinline cold {_HOW} {{\n"
        f"  %y = call {kind} @cr.{name}.{kind}({kind} %x)\n  ret {kind} %y\n}}\n"
    )


def _apart(name: str, kind: str, in_line: bool) -> str:
    given = ", ".join(f"{kind} %{letter}" for letter in "xyz"[: FUNCTIONS[name][0]])
    how = "alwaysinline" if in_line else "noinline"
    way = "_either" if name in HAVE_RARE_PATH else ""
    return (
        f"define internal {kind} @cr.{name}.{kind}.apart({given}) "
        f"{how} {_HOW} {{\n"
        f"  %r = call {kind} @cr.{name}{way}.{kind}({given})\n  ret {kind} %r\n}}\n"
    )


@functools.cache
def _definition(name: str, kind: str, fma: bool) -> tuple[str, Emitter]:
    count, write = FUNCTIONS[name]
    emitter = Emitter(FORMATS[kind], fma)
    arguments = [Value(emitter, kind, f"%{letter}") for letter in "xyz"[:count]]
    result = write(emitter, *arguments)
    parameters = ", ".join(f"{kind} {x.text}" for x in arguments)
    body = "\n".join(f"  {line}" for line in emitter.lines)
    text = (
        f"define internal {kind} @cr.{name}.{kind}({parameters}) "
        f"alwaysinline nounwind willreturn memory(none) {{\n{body}\n"
        f"  ret {kind} {result.text}\n}}\n"
    )
    return text, emitter


@engine.provide
def _of_the_system(symbol: str) -> int | None:
    """Return where a function ``<name>_rare`` of the C library lies."""
    _, _, rest = symbol.partition("cr.")
    name, _, kind = rest.partition("_rare.")
    if name not in HAVE_RARE_PATH or kind not in FORMATS:
        return None
    function = getattr(_c_library(), name if kind == "double" else f"{name}f")
    return ctypes.cast(function, ctypes.c_void_p).value


@functools.cache
def _c_library() -> ctypes.CDLL:
    if os.name == "nt":
        return ctypes.CDLL("ucrtbase")
    if sys.platform != "linux":
        return ctypes.CDLL(None)
    try:
        return ctypes.CDLL("libm.so.6")  # of glibc
    except OSError:  # a search runs programs, which takes as long as recording a function
        return ctypes.CDLL(ctypes.util.find_library("m"))
