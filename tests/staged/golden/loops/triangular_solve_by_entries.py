import numpy as np


def triangular_solve_by_entries_gradient(L, b):
    """Return triangular_solve_by_entries(L, b) and its gradient."""
    # forward pass
    x = np.zeros_like(b)                    # (1)  shape (10,)
    for i in range(10):
        s = b[i]                            # (2)
        for j in range(i):
            s = s - L[i, j] * x[j]          # (3)
        x[i] = s / L[i, i]                  # (4)
    value = np.sum(x * x)                   # (5)
    # backprop value = np.sum(x * x)
    dx = 2 * x                              # (5)  shape (10,)
    dL = np.zeros_like(L)
    db = np.zeros_like(b)
    for i in reversed(range(10)):
        # backprop x[i] = s / L[i, i]
        ds = dx[i] / L[i, i]                # (4)
        dL[i, i] -= dx[i] * x[i] / L[i, i]  # (4)
        dx[i] = 0                           # (4)
        for j in reversed(range(i)):
            # backprop s = s - L[i, j] * x[j]
            dL[i, j] -= ds * x[j]           # (3)
            dx[j] -= ds * L[i, j]           # (3)
        # backprop s = b[i]
        db[i] += ds                         # (2)
    return value, (dL, db)
