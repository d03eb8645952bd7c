import numpy as np


def heat_in_place_gradient(u):
    """Return heat_in_place(u) and its gradient."""
    # forward pass
    u = u.copy()
    for _ in range(30):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])  # (1)
    value = np.sum(u * u)                                # (2)
    # backprop value = np.sum(u * u)
    du = 2 * u                                           # (2)  shape (12,)
    for _ in reversed(range(30)):
        # backprop u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        t1 = 0.1 * du[1:-1]                              # (1)  shape (10,)
        t2 = 0.2 * du[1:-1]                              # (1)  shape (10,)
        du[:-2] += t1                                    # (1)  shape (10,)
        du[1:-1] -= t2                                   # (1)  shape (10,)
        du[2:] += t1                                     # (1)  shape (10,)
    return value, (du,)
