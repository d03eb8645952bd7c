import numpy as np

y = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])


def one_hot_gradient(logits, labels):
    """Return one_hot(logits, labels) and its gradient."""
    # forward pass
    assert np.array_equal(labels, np.array([0, 2, 1, 1])), (
        "line 205 sees another value (y = np.eye(3)[labels]); stage again"
    )
    p = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)  # (1)  shape (4, 3)
    value = -np.sum(y * np.log(p))                                      # (2)
    # backprop value = -np.sum(y * np.log(p))
    dp = -y / p                                                         # (2)  shape (4, 3)
    # backprop p = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)
    dlogits = p * (dp - np.sum(dp * p, axis=1, keepdims=True))          # (1)  shape (4, 3)
    return value, (dlogits,)
