import numpy as np


def recurrence_gradient(r, y0):
    """Return recurrence(r, y0) and its gradient."""
    # forward pass
    y = np.zeros(4)
    y[0] = y0                           # (1)
    y[1] = r * y[0] * (1 - y[0])        # (2)
    y[2] = r * y[1] * (1 - y[1])        # (3)
    y[3] = r * y[2] * (1 - y[2])        # (4)
    value = np.sum(y)                   # (5)
    # backprop value = np.sum(y)
    dy = np.ones_like(y)                # (5)  shape (4,)
    # backprop y[3] = r * y[2] * (1 - y[2])
    t1 = dy[3] * (1 - y[2])             # (4)
    dr = t1 * y[2]                      # (4)
    dy[2] += t1 * r - dy[3] * r * y[2]  # (4)
    dy[3] = 0                           # (4)
    # backprop y[2] = r * y[1] * (1 - y[1])
    t2 = dy[2] * (1 - y[1])             # (3)
    dr += t2 * y[1]                     # (3)
    dy[1] += t2 * r - dy[2] * r * y[1]  # (3)
    dy[2] = 0                           # (3)
    # backprop y[1] = r * y[0] * (1 - y[0])
    t3 = dy[1] * (1 - y[0])             # (2)
    dr += t3 * y[0]                     # (2)
    dy[0] += t3 * r - dy[1] * r * y[0]  # (2)
    dy[1] = 0                           # (2)
    # backprop y[0] = y0
    dy0 = dy[0]                         # (1)
    return value, (dr, dy0)
