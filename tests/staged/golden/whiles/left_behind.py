import numpy as np


def left_behind_gradient(a):
    """Return left_behind(a) and its gradient."""
    # forward pass
    x = a                               # (1)
    xs = []
    while x > 1.0:
        y = np.sin(x)                   # (2)
        x = x * 0.8                     # (3)
        xs.append(x)
    turns = len(xs)
    assert turns >= 2, "line 151 takes fewer than 2 turns; stage again"
    dx = 0.0
    dy = 1.0
    # backprop x = x * 0.8
    dx = (0.8) * dx                     # (3)
    # backprop y = np.sin(x)
    dx += (np.cos(xs[turns - 2])) * dy  # (2)
    for _ in reversed(range(turns - 1)):
        # backprop x = x * 0.8
        dx = (0.8) * dx                 # (3)
    # backprop x = a
    da = dx                             # (1)
    return y, (da,)
