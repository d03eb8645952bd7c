import numpy as np


def built_in_gradient(x, activation, power):
    """Return built_in(x, activation, power) and its gradient."""
    assert activation == "relu", "activation is built into the code; stage again"
    assert power == 2, "power is built into the code; stage again"
    # forward pass
    y = np.zeros(4) + np.maximum(x, 0)      # (1)  shape (4,)
    value = np.sum(y**2)                    # (2)
    # backprop value = np.sum(y**2)
    dy = 2 * y                              # (2)  shape (4,)
    # backprop y = np.zeros(4) + np.maximum(x, 0)
    dx = dy * np.where(x == 0, 0.5, x > 0)  # (1)  shape (4,)
    return value, (dx,)
