"""scipy.special: the functions that are not ufuncs. Those that are tell by themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.kinds import stopped
from chainrule.numpy.axes import axes_of
from chainrule.numpy.creation import asarray
from chainrule.numpy.dispatch import unsupported
from chainrule.numpy.scipy.table import means
from chainrule.operations import reduction as rows

__all__: list[str] = []


@means("scipy.special.softmax")
def softmax(x: Any, axis: Any = None) -> Any:
    x = asarray(x)
    return rows.softmax(x, axis=axes_of(axis, x))


@means("scipy.special.log_softmax")
def log_softmax(x: Any, axis: Any = None) -> Any:
    x = asarray(x)
    return rows.log_softmax(x, axis=axes_of(axis, x))


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
        return rows.logsumexp(a, axis=axes_of(axis, a), keepdims=keepdims)
    # The largest term is taken out, as a constant, so that no exponential overflows.
    top = stopped(np.max(a, axis=axis, keepdims=True))
    top = np.where(np.isfinite(top), top, 0)
    total = np.log((b * np.exp(a - top)).sum(axis=axis, keepdims=keepdims))
    return total + (top if keepdims else np.squeeze(top, axis=axis))
