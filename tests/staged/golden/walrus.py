import math


def walrus_gradient(x):
    """Return walrus(x) and its gradient."""
    # forward pass
    y = x * x                # (1)
    value = y + math.exp(y)  # (2)
    # backprop value = y + math.exp(y)
    dy = 1.0 + math.exp(y)   # (2)
    # backprop y = x * x
    dx = (2 * x) * dy        # (1)
    return value, (dx,)
