import numpy as np

weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0])


def concatenated_gradient(a, b):
    """Return concatenated(a, b) and its gradient."""
    # forward pass
    c = np.concatenate((a, b))      # (1)  shape (5,)
    value = np.sum(weights * c**2)  # (2)
    # backprop value = np.sum(weights * c**2)
    dc = 2 * c * weights            # (2)  shape (5,)
    # backprop c = np.concatenate((a, b))
    da = dc[:3].copy()              # (1)  shape (3,)
    db = dc[3:5].copy()             # (1)  shape (2,)
    return value, (da, db)
