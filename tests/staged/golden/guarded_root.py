import numpy as np


def guarded_root_gradient(x):
    """Return guarded_root(x) and its gradient."""
    # forward pass
    safe = np.where(x > 0, np.sqrt(x), 0.0)              # (1)  shape (4,)
    value = np.sum(safe)                                 # (2)
    # backprop value = np.sum(safe)
    dsafe = np.ones_like(safe)                           # (2)  shape (4,)
    # backprop safe = np.where(x > 0, np.sqrt(x), 0.0)
    dx = np.where(x > 0, 0.5 * dsafe / np.sqrt(x), 0.0)  # (1)  shape (4,)
    return value, (dx,)
