"""NumPy's module of that name, whose functions Arrays answer."""

from __future__ import annotations

from typing import Any

import numpy as _np
from numpy import linalg as _linalg

globals().update({name: value for name, value in vars(_linalg).items() if not name.startswith("_")})

_dot = _np.matmul


def T(x: Any) -> Any:
    """Return matrices transposed: the last two axes change places."""
    return _np.swapaxes(x, -1, -2)
