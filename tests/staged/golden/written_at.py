import numpy as np


def written_at_gradient(x):
    """Return written_at(x) and its gradient."""
    # forward pass
    y = 2 * x                      # (1)  shape (4,)
    y[1:3] = x[:2] ** 2            # (2)
    y[0] = x[3]                    # (3)
    value = np.sum(y * x)          # (4)
    # backprop value = np.sum(y * x)
    dy = x.copy()                  # (4)  shape (4,)
    dx = y.copy()                  # (4)  shape (4,)
    # backprop y[0] = x[3]
    dx[3] += dy[0]                 # (3)
    dy[0] = 0                      # (3)
    # backprop y[1:3] = x[:2] ** 2
    dx[:2] += 2 * dy[1:3] * x[:2]  # (2)  shape (2,)
    dy[1:3] = 0                    # (2)
    # backprop y = 2 * x
    dx += 2 * dy                   # (1)  shape (4,)
    return value, (dx,)
