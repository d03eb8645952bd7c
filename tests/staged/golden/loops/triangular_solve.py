import numpy as np


def triangular_solve_gradient(L, b):
    """Return triangular_solve(L, b) and its gradient."""
    # forward pass
    x = np.zeros_like(b)                                                          # (1)  shape (10,)
    xs = [x]
    for i in range(10):
        x = x.copy()                                                              # (2)  shape (10,)
        x[i] = (b[i] - np.sum(L[i, :i] * x[:i])) / L[i, i]
        xs.append(x)
    value = np.sum(x * x)                                                         # (3)
    # backprop value = np.sum(x * x)
    dx = 2 * x                                                                    # (3)  shape (10,)
    db = np.zeros_like(b)
    dL = np.zeros_like(L)
    for i in reversed(range(10)):
        # backprop x[i] = (b[i] - np.sum(L[i, :i] * x[:i])) / L[i, i]
        t1 = dx.copy()                                                            # (2)  shape (10,)
        t1[i] = 0.0
        t2 = dx[i] / L[i, i]                                                      # (2)
        db[i] += t2                                                               # (2)
        dL[i, i] += dx[i] * (np.sum(L[i, :i] * xs[i][:i]) - b[i]) / (L[i, i] ** 2)  # (2)
        dL[i, :i] -= t2 * xs[i][:i]                                               # (2)  shape (i,)
        dx = t1.copy()                                                            # (2)  shape (10,)
        dx[:i] -= t2 * L[i, :i]                                                   # (2)  shape (i,)
    return value, (dL, db)
