import math

import numpy as np


def gelu_gradient(x):
    """Return gelu(x) and its gradient."""
    # forward pass
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)  # (1)  shape (5,)
    y = 0.5 * x * (1 + np.tanh(inner))                      # (2)  shape (5,)
    value = np.sum(y)                                       # (3)
    # backprop value = np.sum(y)
    dy = np.ones_like(y)                                    # (3)  shape (5,)
    # backprop y = 0.5 * x * (1 + np.tanh(inner))
    t1 = np.tanh(inner)                                     # (2)  shape (5,)
    dx = 0.5 * dy * (1 + t1)                                # (2)  shape (5,)
    dinner = 0.5 * dy * x * (1 - t1**2)                     # (2)  shape (5,)
    # backprop inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    dx += (                                                 # (1)  shape (5,)
        math.sqrt(2 / math.pi) * dinner
        + 0.134145 * math.sqrt(2 / math.pi) * dinner * x**2
    )
    return value, (dx,)
