import numpy as np


def triangular_solve_by_entries_gradient(L, b):
    """Return triangular_solve_by_entries(L, b) and its gradient."""
    # forward pass
    x = np.zeros_like(b)                                     # (1)  shape (10,)
    ss = []
    ss_1 = []
    xs = []
    for i in range(10):
        s = b[i]                                             # (2)
        ss.append(s)
        ss_1.append([])
        for j in range(i):
            s = s - L[i, j] * x[j]                           # (3)
            ss_1[-1].append(s)
        x = x.copy()                                         # (4)  shape (10,)
        x[i] = s / L[i, i]
        xs.append(x)
    value = np.sum(x * x)                                    # (5)
    # backprop value = np.sum(x * x)
    dx = 2 * x                                               # (5)  shape (10,)
    dL = np.zeros_like(L)
    db = np.zeros_like(b)
    for i in reversed(range(1, 10)):
        # backprop x[i] = s / L[i, i]
        t1 = dx.copy()                                       # (4)  shape (10,)
        t1[i] = 0.0
        ds = dx[i] / L[i, i]                                 # (4)
        dL[i, i] -= dx[i] * ss_1[i][i - 1] / (L[i, i] ** 2)  # (4)
        dx = t1.copy()                                       # (4)  shape (10,)
        for j in reversed(range(i)):
            # backprop s = s - L[i, j] * x[j]
            dL[i, j] -= ds * xs[i - 1][j]                    # (3)
            dx[j] -= ds * L[i, j]                            # (3)
        # backprop s = b[i]
        db[i] += ds                                          # (2)
    # backprop x[i] = s / L[i, i]
    ds = dx[0] / L[0, 0]                                     # (4)
    dL[0, 0] -= dx[0] * ss[0] / (L[0, 0] ** 2)               # (4)
    dx = dx.copy()                                           # (4)  shape (10,)
    dx[0] = 0.0
    # backprop s = b[i]
    db[0] += ds                                              # (2)
    return value, (dL, db)
