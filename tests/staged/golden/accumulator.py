import numpy as np


def accumulator_gradient(x):
    """Return accumulator(x) and its gradient."""
    # forward pass
    total = np.zeros(2)
    total[0] = x[0] ** 2           # (1)
    total[1] += x[1] ** 2          # (2)
    total[0] += x[2] ** 2          # (3)
    total[1] += x[3] ** 2          # (4)
    value = total[0] * total[1]    # (5)
    # backprop value = total[0] * total[1]
    dtotal = np.zeros_like(total)  # (5)  shape (2,)
    dtotal[1] += total[0]          # (5)
    dtotal[0] += total[1]          # (5)
    # backprop total[1] += x[3] ** 2
    dx = np.zeros_like(x)          # (4)  shape (4,)
    dx[3] += 2 * dtotal[1] * x[3]  # (4)
    # backprop total[0] += x[2] ** 2
    dx[2] += 2 * dtotal[0] * x[2]  # (3)
    # backprop total[1] += x[1] ** 2
    dx[1] += 2 * dtotal[1] * x[1]  # (2)
    # backprop total[0] = x[0] ** 2
    dx[0] += 2 * dtotal[0] * x[0]  # (1)
    return value, (dx,)
