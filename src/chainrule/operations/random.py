"""Random numbers by counter: the same key gives the same numbers, whoever asks, and when.

A key is an array of two unsigned integers. The generator is NumPy's Philox-4x64 (Salmon et al.,
"Parallel random numbers: as easy as 1, 2, 3", SC 2011).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.constant import constant

__all__ = ["fold", "uniform"]


def _philox(key: Any, count: int = 0) -> Any:
    return np.random.Philox(key=np.asarray(key, dtype=np.uint64), counter=[0, 0, 0, count])


def _fold(key: Any, count: int) -> Any:
    return _philox(key, count).random_raw(2)


def _uniform(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    return np.random.Generator(_philox(key)).random(shape, dtype=dtype)


_EXAMPLE = np.array([1, 2], dtype=np.uint64)

#: Another key, made of a key and a number.
fold = constant("fold", _fold, numpy=())
#: Numbers from 0 up to 1, which is not among them.
uniform = constant("uniform", _uniform, numpy=())
