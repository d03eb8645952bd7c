import math


def tuple_assignment_gradient(x, y):
    """Return tuple_assignment(x, y) and its gradient."""
    # forward pass
    a = x * y                  # (1)
    b = x + y                  # (2)
    x_1 = b * a                # (3)
    value = x_1 - math.log(a)  # (4)
    # backprop value = x_1 - math.log(a)
    dx_1 = 1.0                 # (4)
    da = -1 / a                # (4)
    # backprop x_1 = b * a
    db = (a) * dx_1            # (3)
    da += (b) * dx_1           # (3)
    # backprop b = x + y
    dx = (1) * db              # (2)
    dy = (1) * db              # (2)
    # backprop a = x * y
    dx += (y) * da             # (1)
    dy += (x) * da             # (1)
    return value, (dx, dy)
