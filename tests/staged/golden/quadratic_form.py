import numpy as np


def quadratic_form_gradient(M, v):
    """Return quadratic_form(M, v) and its gradient."""
    # forward pass
    value = v @ M @ v / 2     # (1)
    # backprop value = v @ M @ v / 2
    dv = (v @ M + M @ v) / 2  # (1)  shape (3,)
    dM = np.outer(v, v) / 2   # (1)  shape (3, 3)
    return value, (dM, dv)
