import numpy as np


def triangular_solve_gradient(L, b):
    """Return triangular_solve(L, b) and its gradient."""
    # forward pass
    x = np.zeros(3)
    x[0] = b[0] / L[0, 0]                       # (1)
    x[1] = (b[1] - L[1, :1] @ x[:1]) / L[1, 1]  # (2)
    x[2] = (b[2] - L[2, :2] @ x[:2]) / L[2, 2]  # (3)
    value = np.sum(x**2)                        # (4)
    # backprop value = np.sum(x**2)
    dx = 2 * x                                  # (4)  shape (3,)
    # backprop x[2] = (b[2] - L[2, :2] @ x[:2]) / L[2, 2]
    t1 = dx[2] / L[2, 2]                        # (3)
    db = np.zeros_like(b)                       # (3)  shape (3,)
    db[2] += t1                                 # (3)
    dL = np.zeros_like(L)                       # (3)  shape (3, 3)
    dL[2, 2] -= t1 * x[2]                       # (3)
    dL[2, :2] -= t1 * x[:2]                     # (3)  shape (2,)
    dx[:2] -= t1 * L[2, :2]                     # (3)  shape (2,)
    dx[2] = 0                                   # (3)
    # backprop x[1] = (b[1] - L[1, :1] @ x[:1]) / L[1, 1]
    t2 = dx[1] / L[1, 1]                        # (2)
    db[1] += t2                                 # (2)
    dL[1, 1] -= t2 * x[1]                       # (2)
    dL[1, :1] -= t2 * x[:1]                     # (2)  shape (1,)
    dx[:1] -= t2 * L[1, :1]                     # (2)  shape (1,)
    dx[1] = 0                                   # (2)
    # backprop x[0] = b[0] / L[0, 0]
    db[0] += dx[0] / L[0, 0]                    # (1)
    dL[0, 0] -= dx[0] * x[0] / L[0, 0]          # (1)
    return value, (dL, db)
