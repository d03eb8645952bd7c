import numpy as np


def descent_gradient(x, A):
    """Return descent(x, A) and its gradient."""
    # forward pass
    g = A @ x - 1.0                  # (1)  shape (3,)
    x_2 = x                          # (2)  shape (3,)
    x_2s = []
    while np.sum(g * g) > 1e-06:
        x_2 = x_2 - 0.1 * g          # (3)  shape (3,)
        x_2s.append(x_2)
        g = A @ x_2 - 1.0            # (4)  shape (3,)
    turns = len(x_2s)
    x_1 = x_2                        # (5)  shape (3,)
    value = np.sum(x_1 * x_1)        # (6)
    # backprop value = np.sum(x_1 * x_1)
    dx = 2 * x_1                     # (6)  shape (3,)
    dg = np.zeros_like(g)
    dA = np.zeros_like(A)
    # backprop x_1 = x_2
    dx = dx.copy()                   # (5)  shape (3,)
    for t in reversed(range(turns)):
        # backprop g = A @ x_2 - 1.0
        dA += np.outer(dg, x_2s[t])  # (4)  shape (3, 3)
        dx += A.T @ dg               # (4)  shape (3,)
        # backprop x_2 = x_2 - 0.1 * g
        dg = -0.1 * dx               # (3)  shape (3,)
        dx = dx.copy()               # (3)  shape (3,)
    # backprop x_2 = x
    dx = dx.copy()                   # (2)  shape (3,)
    # backprop g = A @ x - 1.0
    dA += np.outer(dg, x)            # (1)  shape (3, 3)
    dx += A.T @ dg                   # (1)  shape (3,)
    return value, (dx, dA)
