import numpy as np


def padded_gradient(x):
    """Return padded(x) and its gradient."""
    # forward pass
    p = np.zeros(6)
    p[1:-1] = x                            # (1)
    value = np.sum((p[2:] - p[:-2]) ** 2)  # (2)
    # backprop value = np.sum((p[2:] - p[:-2]) ** 2)
    t1 = 2 * (p[2:] - p[:-2])              # (2)  shape (4,)
    dp = np.zeros_like(p)                  # (2)  shape (6,)
    dp[2:] += t1                           # (2)  shape (4,)
    dp[:-2] -= t1                          # (2)  shape (4,)
    # backprop p[1:-1] = x
    dx = dp[1:-1]                          # (1)  shape (4,)
    return value, (dx,)
