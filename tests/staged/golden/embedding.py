import numpy as np


def embedding_gradient(E, ids):
    """Return embedding(E, ids) and its gradient."""
    # forward pass
    e = E[ids]              # (1)  shape (3, 4)
    value = np.sum(e * e)   # (2)
    # backprop value = np.sum(e * e)
    de = 2 * e              # (2)  shape (3, 4)
    # backprop e = E[ids]
    dE = np.zeros_like(E)   # (1)  shape (5, 4)
    np.add.at(dE, ids, de)  # (1)  shape (3, 4)
    return value, (dE,)
