import numpy as np


def gaussian_gradient(x, mu, sigma):
    """Return gaussian(x, mu, sigma) and its gradient."""
    # forward pass
    z = (x - mu) / sigma                        # (1)  shape (6,)
    value = np.sum(0.5 * z**2 + np.log(sigma))  # (2)
    # backprop value = np.sum(0.5 * z**2 + np.log(sigma))
    dz = z                                      # (2)  shape (6,)
    dsigma = 6.0 / sigma                        # (2)
    # backprop z = (x - mu) / sigma
    dx = dz / sigma                             # (1)  shape (6,)
    dmu = -np.sum(dz) / sigma                   # (1)
    dsigma -= np.sum(dz * z) / sigma            # (1)
    return value, (dx, dmu, dsigma)
