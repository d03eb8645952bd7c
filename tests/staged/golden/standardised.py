import numpy as np


def standardised_gradient(x):
    """Return standardised(x) and its gradient."""
    # forward pass
    z = (x - x.mean(axis=0)) / x.std(axis=0)  # (1)  shape (4, 3)
    value = np.sum(z**3)                      # (2)
    # backprop value = np.sum(z**3)
    dz = 3 * z**2                             # (2)  shape (4, 3)
    # backprop z = (x - x.mean(axis=0)) / x.std(axis=0)
    t1 = x.std(axis=0)                        # (1)  shape (3,)
    dx = (                                    # (1)  shape (4, 3)
        np.where(
            (t1 == 0) | (x.max(axis=0) == x.min(axis=0)),
            0.0,
            -np.sum(dz * z, axis=0) / (t1**2),
        )
        * (x - x.mean(axis=0))
        / 4
        + dz / t1
        - dz.sum(axis=0) / (4 * t1)
    )
    return value, (dx,)
