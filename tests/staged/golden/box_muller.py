import math


def box_muller_gradient(u, v):
    """Return box_muller(u, v) and its gradient."""
    # forward pass
    r = math.sqrt(-2 * math.log(u))  # (1)
    angle = 2 * math.pi * v          # (2)
    value = r * math.cos(angle)      # (3)
    # backprop value = r * math.cos(angle)
    dr = math.cos(angle)             # (3)
    dangle = -math.sin(angle) * r    # (3)
    # backprop angle = 2 * math.pi * v
    dv = (2 * math.pi) * dangle      # (2)
    # backprop r = math.sqrt(-2 * math.log(u))
    du = (-1.0 / (r * u)) * dr       # (1)
    return value, (du, dv)
