import numpy as np


def independent_argument_gradient(x, y):
    """Return independent_argument(x, y) and its gradient."""
    # forward pass
    value = y @ y  # (1)
    # backprop value = y @ y
    dy = 2 * y     # (1)  shape (3,)
    return value, (np.zeros_like(x), dy)
