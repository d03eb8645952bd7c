import numpy as np


def batch_norm_gradient(x, gamma, beta):
    """Return batch_norm(x, gamma, beta) and its gradient."""
    # forward pass
    mu = x.mean(axis=0)                                         # (1)  shape (3,)
    var = x.var(axis=0)                                         # (2)  shape (3,)
    xhat = (x - mu) / np.sqrt(var + 1e-05)                      # (3)  shape (8, 3)
    y = gamma * xhat + beta                                     # (4)  shape (8, 3)
    value = np.sum(y**3)                                        # (5)
    # backprop value = np.sum(y**3)
    dy = 3 * y**2                                               # (5)  shape (8, 3)
    # backprop y = gamma * xhat + beta
    dgamma = np.sum(dy * xhat, axis=0)                          # (4)  shape (3,)
    dxhat = dy * gamma                                          # (4)  shape (8, 3)
    dbeta = dy.sum(axis=0)                                      # (4)  shape (3,)
    # backprop xhat = (x - mu) / np.sqrt(var + 1e-05)
    t1 = np.sqrt(var + 1e-05)                                   # (3)  shape (3,)
    dx = dxhat / t1                                             # (3)  shape (8, 3)
    dmu = -dxhat.sum(axis=0) / t1                               # (3)  shape (3,)
    dvar = -0.5 * np.sum(dxhat * xhat, axis=0) / (var + 1e-05)  # (3)  shape (3,)
    # backprop var = x.var(axis=0)
    dx += 2 * dvar * (x - x.mean(axis=0)) / 8                   # (2)  shape (8, 3)
    # backprop mu = x.mean(axis=0)
    dx += dmu / 8                                               # (1)  shape (8, 3)
    return value, (dx, dgamma, dbeta)
