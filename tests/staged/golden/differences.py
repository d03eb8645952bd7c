import numpy as np


def differences_gradient(x):
    """Return differences(x) and its gradient."""
    # forward pass
    d = x[1:] - x[:-1]     # (1)  shape (5,)
    value = np.sum(d * d)  # (2)
    # backprop value = np.sum(d * d)
    dd = 2 * d             # (2)  shape (5,)
    # backprop d = x[1:] - x[:-1]
    dx = np.zeros_like(x)  # (1)  shape (6,)
    dx[1:] += dd           # (1)  shape (5,)
    dx[:-1] -= dd          # (1)  shape (5,)
    return value, (dx,)
