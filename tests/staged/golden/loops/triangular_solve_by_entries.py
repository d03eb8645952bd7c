import numpy as np


def triangular_solve_by_entries_gradient(L, b):
    """Return triangular_solve_by_entries(L, b) and its gradient."""
    # forward pass
    x = np.zeros_like(b)                                         # (1)  shape (10,)
    s = b[0]                                                     # (2)
    x_1 = x.copy()                                               # (3)  shape (10,)
    x_1[0] = s / L[0, 0]
    s_1 = b[1]                                                   # (4)
    s_2 = s_1 - L[1, 0] * x_1[0]                                 # (5)
    x_2 = x_1.copy()                                             # (6)  shape (10,)
    x_2[1] = s_2 / L[1, 1]
    s_3 = b[2]                                                   # (7)
    s_4 = s_3 - L[2, 0] * x_2[0]                                 # (8)
    s_5 = s_4 - L[2, 1] * x_2[1]                                 # (9)
    x = x_2.copy()                                               # (10)  shape (10,)
    x[2] = s_5 / L[2, 2]
    s_7s = []
    xs = [x]
    for i in range(3, 10):
        s_6 = b[i]                                               # (11)
        s_7 = s_6
        s_7s.append([])
        for j in range(i):
            s_7 = s_7 - L[i, j] * x[j]                           # (12)
            s_7s[-1].append(s_7)
        x = x.copy()                                             # (13)  shape (10,)
        x[i] = s_7 / L[i, i]
        xs.append(x)
    value = np.sum(x * x)                                        # (14)
    # backprop value = np.sum(x * x)
    dx = 2 * x                                                   # (14)  shape (10,)
    # backprop x[i] = s_7 / L[i, i]
    t1 = dx.copy()                                               # (13)  shape (10,)
    t1[9] = 0.0
    ds = dx[9] / L[9, 9]                                         # (13)
    dL = np.zeros_like(L)                                        # (13)  shape (10, 10)
    dL[9, 9] -= dx[9] * s_7 / (L[9, 9] ** 2)                     # (13)
    dx = t1.copy()                                               # (13)  shape (10,)
    for j in reversed(range(9)):
        # backprop s_7 = s_7 - L[i, j] * x[j]
        dL[9, j] -= ds * xs[6][j]                                # (12)
        dx[j] -= ds * L[9, j]                                    # (12)
    # backprop s_6 = b[i]
    db = np.zeros_like(b)                                        # (11)  shape (10,)
    db[9] += ds                                                  # (11)
    for i in reversed(range(3, 9)):
        # backprop x[i] = s_7 / L[i, i]
        t1 = dx.copy()                                           # (13)  shape (10,)
        t1[i] = 0.0
        ds = dx[i] / L[i, i]                                     # (13)
        dL[i, i] -= dx[i] * s_7s[i - 3][i - 1] / (L[i, i] ** 2)  # (13)
        dx = t1.copy()                                           # (13)  shape (10,)
        for j in reversed(range(i)):
            # backprop s_7 = s_7 - L[i, j] * x[j]
            dL[i, j] -= ds * xs[i - 3][j]                        # (12)
            dx[j] -= ds * L[i, j]                                # (12)
        # backprop s_6 = b[i]
        db[i] += ds                                              # (11)
    # backprop x[2] = s_5 / L[2, 2]
    t1 = dx.copy()                                               # (10)  shape (10,)
    t1[2] = 0.0
    ds = dx[2] / L[2, 2]                                         # (10)
    dL[2, 2] -= dx[2] * s_5 / (L[2, 2] ** 2)                     # (10)
    dx = t1.copy()                                               # (10)  shape (10,)
    # backprop s_5 = s_4 - L[2, 1] * x_2[1]
    dL[2, 1] -= ds * x_2[1]                                      # (9)
    dx[1] -= ds * L[2, 1]                                        # (9)
    # backprop s_4 = s_3 - L[2, 0] * x_2[0]
    dL[2, 0] -= ds * x_2[0]                                      # (8)
    dx[0] -= ds * L[2, 0]                                        # (8)
    # backprop s_3 = b[2]
    db[2] += ds                                                  # (7)
    # backprop x_2[1] = s_2 / L[1, 1]
    t1 = dx.copy()                                               # (6)  shape (10,)
    t1[1] = 0.0
    ds = dx[1] / L[1, 1]                                         # (6)
    dL[1, 1] -= dx[1] * s_2 / (L[1, 1] ** 2)                     # (6)
    dx = t1.copy()                                               # (6)  shape (10,)
    # backprop s_2 = s_1 - L[1, 0] * x_1[0]
    dL[1, 0] -= ds * x_1[0]                                      # (5)
    dx[0] -= ds * L[1, 0]                                        # (5)
    # backprop s_1 = b[1]
    db[1] += ds                                                  # (4)
    # backprop x_1[0] = s / L[0, 0]
    ds = dx[0] / L[0, 0]                                         # (3)
    dL[0, 0] -= dx[0] * s / (L[0, 0] ** 2)                       # (3)
    dx = dx.copy()                                               # (3)  shape (10,)
    dx[0] = 0.0
    # backprop s = b[0]
    db[0] += ds                                                  # (2)
    return value, (dL, db)
