import numpy as np


def growing_gradient(x):
    """Return growing(x) and its gradient."""
    # forward pass
    xs = [x]
    for t in range(8):
        x = np.concatenate((x, np.sin(x[-1:])))              # (1)  shape (t + 4,)
        xs.append(x)
    value = np.sum(x)                                        # (2)
    # backprop value = np.sum(x)
    dx = np.ones_like(x)                                     # (2)  shape (11,)
    for t in reversed(range(8)):
        dx_old = dx
        # backprop x = np.concatenate((x, np.sin(x[-1:])))
        dx = dx[:t + 3].copy()                               # (1)  shape (t + 3,)
        dx[-1:] += dx_old[t + 3:t + 4] * np.cos(xs[t][-1:])  # (1)  shape (1,)
    return value, (dx,)
