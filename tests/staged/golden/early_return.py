import numpy as np


def early_return_gradient(x):
    """Return early_return(x) and its gradient."""
    # forward pass
    # here x > 1 was False (line 89: if x > 1:); for other values stage again
    assert not x > 1
    y = np.sqrt(x)        # (1)
    value = y * x         # (2)
    # backprop value = y * x
    dy = x                # (2)
    dx = y                # (2)
    # backprop y = np.sqrt(x)
    dx += (0.5 / y) * dy  # (1)
    return value, (dx,)
