import numpy as np

# series: float64 (12, 2, 4), captured by the function


def rnn_gradient(W_h, W_x, h):
    """Return rnn(W_h, W_x, h) and its gradient."""
    # forward pass
    hs = [h]
    for t in range(12):
        h = np.tanh(h @ W_h + series[t] @ W_x)  # (1)  shape (2, 3)
        hs.append(h)
    value = np.sum(h * h)                       # (2)
    # backprop value = np.sum(h * h)
    dh = 2 * h                                  # (2)  shape (2, 3)
    dW_h = np.zeros_like(W_h)
    dW_x = np.zeros_like(W_x)
    for t in reversed(range(12)):
        # backprop h = np.tanh(h @ W_h + series[t] @ W_x)
        t1 = dh * (1 - hs[t + 1]**2)            # (1)  shape (2, 3)
        dh = t1 @ W_h.T                         # (1)  shape (2, 3)
        dW_h += hs[t].T @ t1                    # (1)  shape (3, 3)
        dW_x += series[t].T @ t1                # (1)  shape (4, 3)
    return value, (dW_h, dW_x, dh)
