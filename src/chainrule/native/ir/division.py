"""Quotients rounded down and what they leave, as IR: NumPy's meaning for any sign, and for zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.native.ir.text import Code, constant, register_type

__all__ = ["floor_divide", "fmod", "remainder"]


def floor_divide(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    """Write the quotient, rounded towards minus infinity."""
    divided = _floating if dtype.kind == "f" else _whole
    return divided(code, x, dtype)[0]


def remainder(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    """Write what `floor_divide` leaves, which has the sign of the divisor."""
    divided = _floating if dtype.kind == "f" else _whole
    return divided(code, x, dtype)[1]


def fmod(code: Code, x: Sequence[str], dtype: np.dtype[Any], _: Mapping[str, Any]) -> str:
    """Write what division towards zero leaves, which has the sign of the dividend."""
    if dtype.kind == "f":
        return code.let(f"frem {register_type(dtype)} {x[0]}, {x[1]}")
    return _truncated(code, x, dtype)[1]


def _floating(code: Code, x: Sequence[str], dtype: np.dtype[Any]) -> tuple[str, str]:
    """Do what NumPy's ``npy_divmod`` does, branch by branch, with selects."""
    (a, b), kind = x, register_type(dtype)
    suffix = "f64" if kind == "double" else "f32"
    code.declarations |= {
        f"declare {kind} @llvm.copysign.{suffix}({kind}, {kind})",
        f"declare {kind} @llvm.floor.{suffix}({kind})",
    }
    zero, one, half = (constant(value, dtype) for value in (0, 1, 0.5))
    left = code.let(f"frem {kind} {a}, {b}")
    plain = code.let(f"fdiv {kind} {a}, {b}")
    by_zero = code.let(f"fcmp oeq {kind} {b}, {zero}")
    whole = code.let(f"fsub {kind} {a}, {left}")
    quotient = code.let(f"fdiv {kind} {whole}, {b}")
    some = code.let(f"fcmp une {kind} {left}, {zero}")
    below = code.let(f"fcmp olt {kind} {b}, {zero}")
    under = code.let(f"fcmp olt {kind} {left}, {zero}")
    differ = code.let(f"xor i1 {below}, {under}")
    adjusts = code.let(f"and i1 {some}, {differ}")
    nothing = code.let(f"call {kind} @llvm.copysign.{suffix}({kind} {zero}, {kind} {b})")
    added = code.let(f"fadd {kind} {left}, {b}")
    kept = code.let(f"select i1 {some}, {kind} {left}, {kind} {nothing}")
    rest = code.let(f"select i1 {adjusts}, {kind} {added}, {kind} {kept}")
    lower = code.let(f"fsub {kind} {quotient}, {one}")
    quotient = code.let(f"select i1 {adjusts}, {kind} {lower}, {kind} {quotient}")
    floor = code.let(f"call {kind} @llvm.floor.{suffix}({kind} {quotient})")
    gap = code.let(f"fsub {kind} {quotient}, {floor}")
    up = code.let(f"fcmp ogt {kind} {gap}, {half}")
    higher = code.let(f"fadd {kind} {floor}, {one}")
    floor = code.let(f"select i1 {up}, {kind} {higher}, {kind} {floor}")
    signed = code.let(f"call {kind} @llvm.copysign.{suffix}({kind} {zero}, {kind} {plain})")
    any_ = code.let(f"fcmp une {kind} {quotient}, {zero}")
    floor = code.let(f"select i1 {any_}, {kind} {floor}, {kind} {signed}")
    return (
        code.let(f"select i1 {by_zero}, {kind} {plain}, {kind} {floor}"),
        code.let(f"select i1 {by_zero}, {kind} {left}, {kind} {rest}"),
    )


def _truncated(code: Code, x: Sequence[str], dtype: np.dtype[Any]) -> tuple[str, str]:
    """Divide integers towards zero; what the processor cannot divide gives 0, as in NumPy."""
    (a, b), kind = x, register_type(dtype)
    zero = code.let(f"icmp eq {kind} {b}, 0")
    safe = code.let(f"select i1 {zero}, {kind} 1, {kind} {b}")
    sign = "u" if dtype.kind in "bu" else "s"
    if sign == "s":  # the least number over -1 would not fit, and stays what it is
        least = code.let(f"icmp eq {kind} {a}, {np.iinfo(dtype).min}")
        minus = code.let(f"icmp eq {kind} {b}, -1")
        large = code.let(f"and i1 {least}, {minus}")
        safe = code.let(f"select i1 {large}, {kind} 1, {kind} {safe}")
    quotient = code.let(f"{sign}div {kind} {a}, {safe}")
    product = code.let(f"mul {kind} {quotient}, {safe}")
    rest = code.let(f"sub {kind} {a}, {product}")
    return code.let(f"select i1 {zero}, {kind} 0, {kind} {quotient}"), rest


def _whole(code: Code, x: Sequence[str], dtype: np.dtype[Any]) -> tuple[str, str]:
    quotient, rest = _truncated(code, x, dtype)
    if dtype.kind in "bu":
        return quotient, rest
    kind, b = register_type(dtype), x[1]
    some = code.let(f"icmp ne {kind} {rest}, 0")
    signs = code.let(f"xor {kind} {rest}, {b}")
    differ = code.let(f"icmp slt {kind} {signs}, 0")
    adjusts = code.let(f"and i1 {some}, {differ}")
    lower = code.let(f"sub {kind} {quotient}, 1")
    added = code.let(f"add {kind} {rest}, {b}")
    zero = code.let(f"icmp eq {kind} {b}, 0")
    adjusts = code.let(f"select i1 {zero}, i1 false, i1 {adjusts}")
    return (
        code.let(f"select i1 {adjusts}, {kind} {lower}, {kind} {quotient}"),
        code.let(f"select i1 {adjusts}, {kind} {added}, {kind} {rest}"),
    )
