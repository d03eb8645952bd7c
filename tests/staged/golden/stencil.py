import numpy as np


def stencil_gradient(u):
    """Return stencil(u) and its gradient."""
    # forward pass
    u = u.copy()
    u[1:-1] = (u[:-2] + u[2:]) / 2  # (1)
    value = np.sum(u**2)            # (2)
    # backprop value = np.sum(u**2)
    du = 2 * u                      # (2)  shape (4,)
    # backprop u[1:-1] = (u[:-2] + u[2:]) / 2
    t1 = du[1:-1] / 2               # (1)  shape (2,)
    du[1:-1] = 0                    # (1)
    du[2:] += t1                    # (1)  shape (2,)
    du[:-2] += t1                   # (1)  shape (2,)
    return value, (du,)
