import numpy as np


def convolution_gradient(x, k):
    """Return convolution(x, k) and its gradient."""
    # forward pass
    y = k[0] * x[:6]                # (1)  shape (6,)
    y_1 = y + k[1] * x[1:7]         # (2)  shape (6,)
    y_2 = y_1 + k[2] * x[2:8]       # (3)  shape (6,)
    value = np.sum(y_2**2)          # (4)
    # backprop value = np.sum(y_2**2)
    dy_2 = 2 * y_2                  # (4)  shape (6,)
    # backprop y_2 = y_1 + k[2] * x[2:8]
    dy_1 = dy_2                     # (3)  shape (6,)
    dk = np.zeros_like(k)           # (3)  shape (3,)
    dk[2] += np.sum(dy_2 * x[2:8])  # (3)
    dx = np.zeros_like(x)           # (3)  shape (8,)
    dx[2:8] += dy_2 * k[2]          # (3)  shape (6,)
    # backprop y_1 = y + k[1] * x[1:7]
    dy = dy_1                       # (2)  shape (6,)
    dk[1] += np.sum(dy_1 * x[1:7])  # (2)
    dx[1:7] += dy_1 * k[1]          # (2)  shape (6,)
    # backprop y = k[0] * x[:6]
    dk[0] += np.sum(dy * x[:6])     # (1)
    dx[:6] += dy * k[0]             # (1)  shape (6,)
    return value, (dx, dk)
