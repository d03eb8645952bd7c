import numpy as np


def single_precision_gradient(x, w):
    """Return single_precision(x, w) and its gradient."""
    # forward pass
    h = x @ w                                                             # (1)  shape (2,)
    value = np.sum(np.maximum(h, 0) ** 2)                                 # (2)
    # backprop value = np.sum(np.maximum(h, 0) ** 2)
    dh = 2 * np.maximum(h, 0) * np.where(h == 0, np.float32(0.5), h > 0)  # (2)  shape (2,)
    # backprop h = x @ w
    dx = np.outer(dh, w)                                                  # (1)  shape (2, 3)
    dw = x.T @ dh                                                         # (1)  shape (3,)
    return value, (dx, dw)
