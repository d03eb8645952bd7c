import numpy as np


def dataclass_of_numbers_gradient(line, x, y):
    """Return dataclass_of_numbers(line, x, y) and its gradient."""
    slope = line.slope
    offset = line.offset
    # forward pass
    value = np.sum((slope * x + offset - y) ** 2)  # (1)
    # backprop value = np.sum((slope * x + offset - y) ** 2)
    t1 = 2 * (slope * x + offset - y)              # (1)  shape (3,)
    dslope = np.sum(x * t1)                        # (1)
    dx = slope * t1                                # (1)  shape (3,)
    doffset = np.sum(t1)                           # (1)
    dy = -t1                                       # (1)  shape (3,)
    return value, ({"slope": dslope, "offset": doffset}, dx, dy)
