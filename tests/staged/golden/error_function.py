import math

import numpy as np


def error_function_gradient(x):
    """Return error_function(x) and its gradient."""
    # forward pass
    value = math.erf(x)                          # (1)
    # backprop value = math.erf(x)
    dx = 2 / math.sqrt(math.pi) * np.exp(-x**2)  # (1)
    return value, (dx,)
