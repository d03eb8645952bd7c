import numpy as np


def helper_gradient(w, lam):
    """Return helper(w, lam) and its gradient."""
    # forward pass
    value = np.sum(w * w) + lam * np.sum((w + 1) * (w + 1))  # (1)
    # backprop value = np.sum(w * w) + lam * np.sum((w + 1) * (w + 1))
    dw = 2 * lam * (w + 1) + 2 * w                           # (1)  shape (3,)
    dlam = np.sum((w + 1) ** 2)                              # (1)
    return value, (dw, dlam)
