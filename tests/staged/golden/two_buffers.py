import numpy as np


def two_buffers_gradient(u):
    """Return two_buffers(u) and its gradient."""
    # forward pass
    v = np.zeros_like(u)            # (1)  shape (6,)
    v[1:-1] = (u[:-2] + u[2:]) / 2  # (2)
    u = u.copy()
    u[1:-1] = (v[:-2] + v[2:]) / 2  # (3)
    v[1:-1] = (u[:-2] + u[2:]) / 2  # (4)
    u[1:-1] = (v[:-2] + v[2:]) / 2  # (5)
    value = np.sum(u**2)            # (6)
    # backprop value = np.sum(u**2)
    du = 2 * u                      # (6)  shape (6,)
    # backprop u[1:-1] = (v[:-2] + v[2:]) / 2
    dv = np.zeros_like(v)           # (5)  shape (6,)
    dv[2:] += du[1:-1] / 2          # (5)  shape (4,)
    dv[:-2] += du[1:-1] / 2         # (5)  shape (4,)
    du[1:-1] = 0                    # (5)
    # backprop v[1:-1] = (u[:-2] + u[2:]) / 2
    du[2:] += dv[1:-1] / 2          # (4)  shape (4,)
    du[:-2] += dv[1:-1] / 2         # (4)  shape (4,)
    dv[1:-1] = 0                    # (4)
    # backprop u[1:-1] = (v[:-2] + v[2:]) / 2
    dv[2:] += du[1:-1] / 2          # (3)  shape (4,)
    dv[:-2] += du[1:-1] / 2         # (3)  shape (4,)
    du[1:-1] = 0                    # (3)
    # backprop v[1:-1] = (u[:-2] + u[2:]) / 2
    du[2:] += dv[1:-1] / 2          # (2)  shape (4,)
    du[:-2] += dv[1:-1] / 2         # (2)  shape (4,)
    return value, (du,)
