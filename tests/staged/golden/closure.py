import math


def decayed_gradient(x, t):
    """Return decayed(x, t) and its gradient."""
    # forward pass
    value = x * math.exp(-0.1 * t)  # (1)
    # backprop value = x * math.exp(-0.1 * t)
    dx = math.exp(-0.1 * t)         # (1)
    dt = -0.1 * value               # (1)
    return value, (dx, dt)
