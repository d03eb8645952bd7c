import numpy as np


def one_hot_gradient(logits, labels):
    """Return one_hot(logits, labels) and its gradient."""
    # forward pass
    y = np.eye(3)[labels]                                               # (1)  shape (4, 3)
    p = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)  # (2)  shape (4, 3)
    value = -np.sum(y * np.log(p))                                      # (3)
    # backprop value = -np.sum(y * np.log(p))
    dp = -y / p                                                         # (3)  shape (4, 3)
    # backprop p = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)
    dlogits = p * (dp - np.sum(dp * p, axis=1, keepdims=True))          # (2)  shape (4, 3)
    return value, (dlogits,)
