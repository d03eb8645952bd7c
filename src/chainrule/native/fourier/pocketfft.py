"""NumPy's fast Fourier transforms as functions that LLVM IR can call.

NumPy's transforms are generalised ufuncs, whose loops are functions of C with a documented
signature: ``void(ptr arguments, ptr lengths, ptr steps, ptr data)``. A ufunc keeps their pointers
where ``numpy/ufuncobject.h`` says. So the transforms are NumPy's to the last bit, and cost no
call of Python. Where NumPy has no such ufuncs, or keeps them elsewhere, it is called instead.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
from typing import Any

import numpy as np

from chainrule.native.runtime import engine

__all__ = ["available", "data", "symbol"]

_MODULE = "numpy.fft._pocketfft_umath"
_PREFIX = "cr_pocketfft_"
#: The types of the loops, by the letter of real numbers. The second operand is a factor.
_TYPES = {
    "fft": {"d": "Dd->D", "f": "Ff->F"},
    "ifft": {"d": "Dd->D", "f": "Ff->F"},
    "rfft_n_even": {"d": "dd->D", "f": "ff->F"},
    "rfft_n_odd": {"d": "dd->D", "f": "ff->F"},
    "irfft": {"d": "Dd->d", "f": "Ff->f"},
}


class _UFunc(ctypes.Structure):
    """What comes after the head of a ufunc."""

    _fields_ = (
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
    )


def symbol(ufunc: str, dtype: np.dtype[Any]) -> str:
    """Return the symbol of a loop, for real numbers of a dtype."""
    return f"{_PREFIX}{ufunc}.{dtype.char}"


def data(ufunc: str, dtype: np.dtype[Any]) -> str | None:
    """Return the symbol of what a loop is given besides; None for nothing."""
    found = _loop(ufunc, dtype.char)
    return f"{symbol(ufunc, dtype)}.data" if found and found[1] else None


@functools.cache
def available() -> bool:
    """Tell whether all loops are where they are expected."""
    return all(_loop(name, letter) is not None for name in _TYPES for letter in "df")


@functools.cache
def _loop(name: str, letter: str) -> tuple[int, int] | None:
    """Return the addresses of a loop and of its data; None if this NumPy has no such loop."""
    try:
        ufunc = getattr(importlib.import_module(_MODULE), name)
    except (ImportError, AttributeError):
        return None
    if not isinstance(ufunc, np.ufunc) or type(ufunc).__basicsize__ < _SIZE:
        return None
    kept = _UFunc.from_address(id(ufunc) + object.__basicsize__)
    counts = (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes)
    if (kept.nin, kept.nout, kept.nargs, kept.ntypes) != counts:
        return None
    if kept.name != name.encode() or _TYPES[name][letter] not in ufunc.types:
        return None
    number = ufunc.types.index(_TYPES[name][letter])
    return int(kept.functions[number]), int((kept.data[number] or 0) if kept.data else 0)


_SIZE = object.__basicsize__ + ctypes.sizeof(_UFunc)


@engine.provide
def _address(name: str) -> int | None:
    if not name.startswith(_PREFIX):
        return None
    ufunc, letter, *rest = name.removeprefix(_PREFIX).split(".")
    found = _loop(ufunc, letter) if letter in ("d", "f") else None
    return None if found is None else found[len(rest)]
