"""NumPy for arrays that are being differentiated: ``import chainrule.numpy as np``.

User code needs nothing but plain ``import numpy as np``. This module is the same as a namespace:
every name of NumPy is here, and the functions that make arrays (`array`, `asarray`, `full`,
`linspace` ...) also take lists that hold Arrays. ``Array.__array_namespace__`` returns it, for code
written against the Python array API.

>>> import chainrule as cr
>>> import chainrule.numpy as np
>>> cr.grad(lambda x: np.sum(np.array([x, x**2, np.sin(x)])))(0.0)
2.0

In place writes
    ``a[i] = v``, ``a += b``, ``out=`` and ``a.sort()`` mean what they mean in NumPy, through views,
    too. They work on all arrays that the function makes; the caller's arrays are never changed.
    Writing an Array into an ndarray that is from elsewhere raises, for the gradient would be lost.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as _numpy

from chainrule.core.array import Array
from chainrule.numpy import (  # noqa: F401  # each installs its part on Array
    calculus,
    contraction,
    conversion,
    elementwise,
    fourier,
    indexing,
    joining,
    linear_algebra,
    methods,
    observed,
    operators,
    own_code,
    protocol,
    quantiles,
    reduction,
    shapes,
    statistics,
    ufuncs,
    writing,
)
from chainrule.numpy.replace import replacements

__all__ = ["replacements"]

_OWN = {
    original.__name__: new for original, new in replacements() if original.__module__ == "numpy"
}


def __getattr__(name: str) -> Any:
    return _OWN[name] if name in _OWN else getattr(_numpy, name)


def __dir__() -> list[str]:
    return sorted({*dir(_numpy), *globals()})


def _namespace(self: Array, *, api_version: str | None = None) -> Any:
    return sys.modules[__name__]


Array.__array_namespace__ = _namespace  # type: ignore[attr-defined]
