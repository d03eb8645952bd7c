import numpy as np


def added_at_gradient(x, v):
    """Return added_at(x, v) and its gradient."""
    # forward pass
    out = np.sin(x)                  # (1)  shape (3,)
    np.add.at(out, [0, 0, 2, 1], v)  # (2)
    out_1 = out * x                  # (3)  shape (3,)
    value = np.sum(out_1**2)         # (4)
    # backprop value = np.sum(out_1**2)
    dout_1 = 2 * out_1               # (4)  shape (3,)
    # backprop out_1 = out * x
    dout = dout_1 * x                # (3)  shape (3,)
    dx = dout_1 * out                # (3)  shape (3,)
    # backprop np.add.at(out, [0, 0, 2, 1], v)
    dv = dout[[0, 0, 2, 1]]          # (2)  shape (4,)
    # backprop out = np.sin(x)
    dx += dout * np.cos(x)           # (1)  shape (3,)
    return value, (dx, dv)
