import numpy as np


def dict_of_weights_gradient(params, x, y):
    """Return dict_of_weights(params, x, y) and its gradient."""
    W1 = params["W1"]
    W2 = params["W2"]
    b1 = params["b1"]
    b2 = params["b2"]
    # forward pass
    t1 = x @ W1 + b1                           # (1)  shape (5, 4)
    h = np.maximum(t1, 0)                      # (2)  shape (5, 4)
    p = h @ W2 + b2                            # (3)  shape (5, 2)
    value = np.mean((p - y) ** 2)              # (4)
    # backprop value = np.mean((p - y) ** 2)
    dp = 2 * (p - y) / 10                      # (4)  shape (5, 2)
    dy = -dp                                   # (4)  shape (5, 2)
    # backprop p = h @ W2 + b2
    dh = dp @ W2.T                             # (3)  shape (5, 4)
    dW2 = h.T @ dp                             # (3)  shape (4, 2)
    db2 = dp.sum(axis=0)                       # (3)  shape (2,)
    # backprop h = np.maximum(t1, 0)
    dt1 = dh * np.where(t1 == 0, 0.5, t1 > 0)  # (2)  shape (5, 4)
    # backprop t1 = x @ W1 + b1
    dx = dt1 @ W1.T                            # (1)  shape (5, 3)
    dW1 = x.T @ dt1                            # (1)  shape (3, 4)
    db1 = dt1.sum(axis=0)                      # (1)  shape (4,)
    return value, ({"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}, dx, dy)
