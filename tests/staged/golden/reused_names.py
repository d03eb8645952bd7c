import math


def reused_names_gradient(x):
    """Return reused_names(x) and its gradient."""
    # forward pass
    h = math.sin(x)           # (1)
    h_1 = h * h               # (2)
    h_2 = h_1 + x             # (3)
    # backprop h_2 = h_1 + x
    dh_1 = 1.0                # (3)
    dx = 1.0                  # (3)
    # backprop h_1 = h * h
    dh = (2 * h) * dh_1       # (2)
    # backprop h = math.sin(x)
    dx += (math.cos(x)) * dh  # (1)
    return h_2, (dx,)
