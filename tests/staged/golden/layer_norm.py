import numpy as np


def layer_norm_gradient(x, gamma, beta):
    """Return layer_norm(x, gamma, beta) and its gradient."""
    # forward pass
    mu = x.mean(axis=1, keepdims=True)                         # (1)  shape (4, 1)
    xc = x - mu                                                # (2)  shape (4, 3)
    var = np.mean(xc**2, axis=1, keepdims=True)                # (3)  shape (4, 1)
    std = np.sqrt(var + 1e-05)                                 # (4)  shape (4, 1)
    xhat = xc / std                                            # (5)  shape (4, 3)
    out = gamma * xhat + beta                                  # (6)  shape (4, 3)
    value = np.sum(out**2)                                     # (7)
    # backprop value = np.sum(out**2)
    dout = 2 * out                                             # (7)  shape (4, 3)
    # backprop out = gamma * xhat + beta
    dgamma = np.sum(dout * xhat, axis=0)                       # (6)  shape (3,)
    dxhat = dout * gamma                                       # (6)  shape (4, 3)
    dbeta = dout.sum(axis=0)                                   # (6)  shape (3,)
    # backprop xhat = xc / std
    dxc = dxhat / std                                          # (5)  shape (4, 3)
    dstd = -np.sum(dxhat * xhat, axis=1, keepdims=True) / std  # (5)  shape (4, 1)
    # backprop std = np.sqrt(var + 1e-05)
    dvar = 0.5 * dstd / std                                    # (4)  shape (4, 1)
    # backprop var = np.mean(xc**2, axis=1, keepdims=True)
    dxc += 2 * dvar * xc / 3                                   # (3)  shape (4, 3)
    # backprop xc = x - mu
    dx = dxc.copy()                                            # (2)  shape (4, 3)
    dmu = -dxc.sum(axis=1, keepdims=True)                      # (2)  shape (4, 1)
    # backprop mu = x.mean(axis=1, keepdims=True)
    dx += dmu / 3                                              # (1)  shape (4, 3)
    return value, (dx, dgamma, dbeta)
