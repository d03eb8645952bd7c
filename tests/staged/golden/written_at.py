import numpy as np


def written_at_gradient(x):
    """Return written_at(x) and its gradient."""
    # forward pass
    y = 2 * x                        # (1)  shape (4,)
    y_1 = y.copy()                   # (2)  shape (4,)
    y_1[1:3] = x[:2] ** 2
    y_2 = y_1.copy()                 # (3)  shape (4,)
    y_2[0] = x[3]
    value = np.sum(y_2 * x)          # (4)
    # backprop value = np.sum(y_2 * x)
    dy_2 = x                         # (4)  shape (4,)
    dx = y_2.copy()                  # (4)  shape (4,)
    # backprop y_2[0] = x[3]
    dy_1 = dy_2.copy()               # (3)  shape (4,)
    dy_1[0] = 0.0
    dx[3] += dy_2[0]                 # (3)
    # backprop y_1[1:3] = x[:2] ** 2
    dy = dy_1.copy()                 # (2)  shape (4,)
    dy[1:3] = 0.0
    dx[:2] += 2 * dy_1[1:3] * x[:2]  # (2)  shape (2,)
    # backprop y = 2 * x
    dx += 2 * dy                     # (1)  shape (4,)
    return value, (dx,)
