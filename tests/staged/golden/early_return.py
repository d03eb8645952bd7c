import numpy as np


def early_return_gradient(x):
    """Return early_return(x) and its gradient."""
    # forward pass
    assert not x > 1, "line 85 takes another branch (if x > 1); stage again"
    y = np.sqrt(x)        # (1)
    value = y * x         # (2)
    # backprop value = y * x
    dy = x                # (2)
    dx = y                # (2)
    # backprop y = np.sqrt(x)
    dx += (0.5 / y) * dy  # (1)
    return value, (dx,)
