import numpy as np


def network_gradient(x, W1, b1, W2, b2, y):
    """Return network(x, W1, b1, W2, b2, y) and its gradient."""
    # forward pass
    h1 = x @ W1 + b1              # (1)  shape (4, 5)
    z1 = 1 / (1 + np.exp(-h1))    # (2)  shape (4, 5)
    z2 = z1 @ W2 + b2             # (3)  shape (4, 2)
    loss = np.sum((z2 - y) ** 2)  # (4)
    # backprop loss = np.sum((z2 - y) ** 2)
    dz2 = 2 * (z2 - y)            # (4)  shape (4, 2)
    dy = -dz2                     # (4)  shape (4, 2)
    # backprop z2 = z1 @ W2 + b2
    dz1 = dz2 @ W2.T              # (3)  shape (4, 5)
    dW2 = z1.T @ dz2              # (3)  shape (5, 2)
    db2 = dz2.sum(axis=0)         # (3)  shape (2,)
    # backprop z1 = 1 / (1 + np.exp(-h1))
    dh1 = dz1 * z1 * (1 - z1)     # (2)  shape (4, 5)
    # backprop h1 = x @ W1 + b1
    dx = dh1 @ W1.T               # (1)  shape (4, 3)
    dW1 = x.T @ dh1               # (1)  shape (3, 5)
    db1 = dh1.sum(axis=0)         # (1)  shape (5,)
    return loss, (dx, dW1, db1, dW2, db2, dy)
