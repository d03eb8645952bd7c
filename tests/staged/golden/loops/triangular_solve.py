import numpy as np


def triangular_solve_gradient(L, b):
    """Return triangular_solve(L, b) and its gradient."""
    # forward pass
    x = np.zeros_like(b)                                    # (1)  shape (10,)
    for i in range(10):
        x[i] = (b[i] - np.sum(L[i, :i] * x[:i])) / L[i, i]  # (2)
    value = np.sum(x * x)                                   # (3)
    # backprop value = np.sum(x * x)
    dx = 2 * x                                              # (3)  shape (10,)
    db = np.zeros_like(b)
    dL = np.zeros_like(L)
    for i in reversed(range(10)):
        # backprop x[i] = (b[i] - np.sum(L[i, :i] * x[:i])) / L[i, i]
        t1 = dx[i] / L[i, i]                                # (2)
        db[i] += t1                                         # (2)
        dL[i, i] -= t1 * x[i]                               # (2)
        dL[i, :i] -= t1 * x[:i]                             # (2)  shape (i,)
        dx[:i] -= t1 * L[i, :i]                             # (2)  shape (i,)
        dx[i] = 0                                           # (2)
    return value, (dL, db)
