import numpy as np


def outer_product_gradient(a, b):
    """Return outer_product(a, b) and its gradient."""
    # forward pass
    o = np.outer(a, b)         # (1)  shape (3, 4)
    value = np.sum(np.sin(o))  # (2)
    # backprop value = np.sum(np.sin(o))
    do = np.cos(o)             # (2)  shape (3, 4)
    # backprop o = np.outer(a, b)
    da = do @ b                # (1)  shape (3,)
    db = a @ do                # (1)  shape (4,)
    return value, (da, db)
