import numpy as np


def masked_gradient(x):
    """Return masked(x) and its gradient."""
    # forward pass
    positive = x > 0                                                 # (1)  shape (3,)
    # here the shape was as below (line 339: return np.sum(np.log(...); for other values stage again
    assert x[positive].shape == (2,)
    # line 339 again
    assert x[~positive].shape == (1,)
    value = np.sum(np.log(x[positive])) + np.sum(x[~positive] ** 3)  # (2)
    # backprop value = np.sum(np.log(x[positive])) + np.sum(x[~positive] ** 3)
    t1 = ~positive                                                   # (2)  shape (3,)
    dx = np.zeros_like(x)                                            # (2)  shape (3,)
    dx[t1] += 3 * x[t1] ** 2                                         # (2)  shape (1,)
    dx[positive] += 1 / x[positive]                                  # (2)  shape (2,)
    return value, (dx,)
