"""SciPy's functions that are Python code of supported functions: they run as user code does."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

from chainrule.numpy.scipy.table import made_of
from chainrule.numpy.view import UserFunction

__all__: list[str] = []

Function = Callable[..., Any]


def _as_user_code(original: Function) -> Function:
    if not isinstance(original, FunctionType):
        return original
    # A copy, for the original is what recorded code sees this in the place of.
    copy = FunctionType(
        original.__code__,
        original.__globals__,
        original.__name__,
        original.__defaults__,
        original.__closure__,
    )
    copy.__kwdefaults__ = original.__kwdefaults__
    code = UserFunction(copy)

    @functools.wraps(original)
    def run(*args: Any, **kwargs: Any) -> Any:
        return code.seen()(*args, **kwargs)

    return run


for _module, _names in {
    "scipy.linalg": ("companion",),
    "scipy.ndimage": ("mean", "sum_labels", "variance"),
    "scipy.signal": ("deconvolve", "detrend", "hilbert", "resample", "sawtooth", "wiener"),
    "scipy.spatial.distance": ("jensenshannon",),
    "scipy.stats": ("boxcox",),
}.items():
    made_of(*(f"{_module}.{name}" for name in _names))(_as_user_code)
