import numpy as np


def rnn_of_arguments_gradient(W_h, W_x, h, xs):
    """Return rnn_of_arguments(W_h, W_x, h, xs) and its gradient."""
    # forward pass
    loss = 0.0
    hs = [h]
    for t in range(12):
        h = np.tanh(h @ W_h + xs[t] @ W_x)  # (1)  shape (2, 3)
        hs.append(h)
        loss = loss + np.sum(h * h)         # (2)
    dW_h = np.zeros_like(W_h)
    dxs = np.zeros_like(xs)
    dW_x = np.zeros_like(W_x)
    # backprop loss = loss + np.sum(h * h)
    dloss = 1.0                             # (2)
    dh = 2 * h                              # (2)  shape (2, 3)
    # backprop h = np.tanh(h @ W_h + xs[t] @ W_x)
    t1 = dh * (1 - h**2)                    # (1)  shape (2, 3)
    dh = t1 @ W_h.T                         # (1)  shape (2, 3)
    dW_h += hs[11].T @ t1                   # (1)  shape (3, 3)
    dxs[11] += t1 @ W_x.T                   # (1)  shape (2, 4)
    dW_x += xs[11].T @ t1                   # (1)  shape (4, 3)
    for t in reversed(range(11)):
        # backprop loss = loss + np.sum(h * h)
        dh += 2 * dloss * hs[t + 1]         # (2)  shape (2, 3)
        # backprop h = np.tanh(h @ W_h + xs[t] @ W_x)
        t1 = dh * (1 - hs[t + 1]**2)        # (1)  shape (2, 3)
        dh = t1 @ W_h.T                     # (1)  shape (2, 3)
        dW_h += hs[t].T @ t1                # (1)  shape (3, 3)
        dxs[t] += t1 @ W_x.T                # (1)  shape (2, 4)
        dW_x += xs[t].T @ t1                # (1)  shape (4, 3)
    return loss, (dW_h, dW_x, dh, dxs)
