import numpy as np


def masked_gradient(x):
    """Return masked(x) and its gradient."""
    # forward pass
    positive = x > 0                                                 # (1)  shape (3,)
    assert x[positive].shape == (2,), (
        "line 424 sees another shape (return np.sum(np.log(x[positive])) + np....); stage again"
    )
    assert x[~positive].shape == (1,), "line 424 sees another shape; stage again"
    value = np.sum(np.log(x[positive])) + np.sum(x[~positive] ** 3)  # (2)
    # backprop value = np.sum(np.log(x[positive])) + np.sum(x[~positive] ** 3)
    dx = np.zeros_like(x)                                            # (2)  shape (3,)
    dx[~positive] += 3 * x[~positive] ** 2                           # (2)  shape (1,)
    dx[positive] += 1 / x[positive]                                  # (2)  shape (2,)
    return value, (dx,)
