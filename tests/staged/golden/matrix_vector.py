import numpy as np


def matrix_vector_gradient(W, x, b):
    """Return matrix_vector(W, x, b) and its gradient."""
    # forward pass
    h = np.tanh(W @ x + b)  # (1)  shape (3,)
    value = np.sum(h)       # (2)
    # backprop value = np.sum(h)
    dh = np.ones_like(h)    # (2)  shape (3,)
    # backprop h = np.tanh(W @ x + b)
    db = dh * (1 - h**2)    # (1)  shape (3,)
    dW = np.outer(db, x)    # (1)  shape (3, 4)
    dx = W.T @ db           # (1)  shape (4,)
    return value, (dW, dx, db)
