import numpy as np


def leaky_relu_gradient(x):
    """Return leaky_relu(x) and its gradient."""
    # forward pass
    value = np.sum(np.where(x > 0, x, 0.01 * x))  # (1)
    # backprop value = np.sum(np.where(x > 0, x, 0.01 * x))
    dx = np.where(x > 0, 1.0, 0.01)               # (1)  shape (3,)
    return value, (dx,)
