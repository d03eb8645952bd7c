import numpy as np


def replaced_gradient(x, v):
    """Return replaced(x, v) and its gradient."""
    # forward pass
    mask = x > 1            # (1)  shape (4,)
    x = x.copy()
    x[mask] = v             # (2)
    x[0] += v               # (3)
    x_1 = x.copy()
    x_1[3] *= v             # (4)
    value = np.sum(x_1**3)  # (5)
    # backprop value = np.sum(x_1**3)
    dx = 3 * x_1**2         # (5)  shape (4,)
    # backprop x_1[3] *= v
    dv = dx[3] * x[3]       # (4)
    dx[3] *= v              # (4)
    # backprop x[0] += v
    dv += dx[0]             # (3)
    # backprop x[mask] = v
    dv += np.sum(dx[mask])  # (2)
    dx[mask] = 0            # (2)
    return value, (dx, dv)
