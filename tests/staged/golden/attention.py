import math

import numpy as np


def attention_gradient(Q, K, V):
    """Return attention(Q, K, V) and its gradient."""
    # forward pass
    scores = Q @ K.T / math.sqrt(3)       # (1)  shape (4, 5)
    e = np.exp(scores)                    # (2)  shape (4, 5)
    A = e / e.sum(axis=1, keepdims=True)  # (3)  shape (4, 5)
    out = A @ V                           # (4)  shape (4, 2)
    value = np.sum(out**2)                # (5)
    # backprop value = np.sum(out**2)
    dout = 2 * out                        # (5)  shape (4, 2)
    # backprop out = A @ V
    dA = dout @ V.T                       # (4)  shape (4, 5)
    dV = A.T @ dout                       # (4)  shape (5, 2)
    # backprop A = e / e.sum(axis=1, keepdims=True)
    de = (                                # (3)  shape (4, 5)
        (dA - np.sum(dA * A, axis=1, keepdims=True))
        / e.sum(axis=1, keepdims=True)
    )
    # backprop e = np.exp(scores)
    dscores = de * e                      # (2)  shape (4, 5)
    # backprop scores = Q @ K.T / math.sqrt(3)
    dQ = dscores @ K / math.sqrt(3)       # (1)  shape (4, 3)
    dK = dscores.T @ Q / math.sqrt(3)     # (1)  shape (5, 3)
    return value, (dQ, dK, dV)
