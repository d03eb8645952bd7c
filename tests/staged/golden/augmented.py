import numpy as np


def augmented_gradient(x):
    """Return augmented(x) and its gradient."""
    # forward pass
    s = x[0] * x[1]        # (1)
    s_1 = s + x[2]         # (2)
    s_2 = s_1 * 2          # (3)
    # backprop s_2 = s_1 * 2
    ds_1 = 2.0             # (3)
    # backprop s_1 = s + x[2]
    ds = ds_1              # (2)
    dx = np.zeros_like(x)  # (2)  shape (4,)
    dx[2] += ds_1          # (2)
    # backprop s = x[0] * x[1]
    dx[1] += ds * x[0]     # (1)
    dx[0] += ds * x[1]     # (1)
    return s_2, (dx,)
