import math


def branch_gradient(x):
    """Return branch(x) and its gradient."""
    # forward pass
    assert x > 0, "line 76 takes another branch (if x > 0); stage again"
    y = math.sin(x)           # (1)
    value = y * x             # (2)
    # backprop value = y * x
    dy = x                    # (2)
    dx = y                    # (2)
    # backprop y = math.sin(x)
    dx += (math.cos(x)) * dy  # (1)
    return value, (dx,)
