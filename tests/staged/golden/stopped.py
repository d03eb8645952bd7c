import numpy as np


def stopped_gradient(x):
    """Return stopped(x) and its gradient."""
    # forward pass
    value = np.sum(x * x**2)  # (1)
    # backprop value = np.sum(x * x**2)
    dx = x**2                 # (1)  shape (4,)
    return value, (dx,)
