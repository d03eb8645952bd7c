import math


def prompt_gradient(x):
    """Return prompt(x) and its gradient."""
    # forward pass
    y = math.tanh(x)      # (1)
    value = y * y         # (2)
    # backprop value = y * y
    dy = 2 * y            # (2)
    # backprop y = math.tanh(x)
    dx = (1 - y**2) * dy  # (1)
    return value, (dx,)
