import numpy as np


def rnn_of_arguments_gradient(W_h, W_x, h, xs):
    """Return rnn_of_arguments(W_h, W_x, h, xs) and its gradient."""
    # forward pass
    h_1 = np.tanh(h @ W_h + xs[0] @ W_x)        # (1)  shape (2, 3)
    loss = np.sum(h_1 * h_1)                    # (2)
    h_2 = h_1
    h_2s = [h_1]
    for t in range(1, 12):
        h_2 = np.tanh(h_2 @ W_h + xs[t] @ W_x)  # (3)  shape (2, 3)
        h_2s.append(h_2)
        loss = loss + np.sum(h_2 * h_2)         # (4)
    # backprop loss = loss + np.sum(h_2 * h_2)
    dloss = 1.0                                 # (4)
    dh = 2 * h_2                                # (4)  shape (2, 3)
    # backprop h_2 = np.tanh(h_2 @ W_h + xs[t] @ W_x)
    t1 = dh * (1 - h_2**2)                      # (3)  shape (2, 3)
    dh = t1 @ W_h.T                             # (3)  shape (2, 3)
    dW_h = h_2s[10].T @ t1                      # (3)  shape (3, 3)
    dxs = np.zeros_like(xs)                     # (3)  shape (12, 2, 4)
    dxs[11] += t1 @ W_x.T                       # (3)  shape (2, 4)
    dW_x = xs[11].T @ t1                        # (3)  shape (4, 3)
    for t in reversed(range(1, 11)):
        # backprop loss = loss + np.sum(h_2 * h_2)
        dh += 2 * dloss * h_2s[t]               # (4)  shape (2, 3)
        # backprop h_2 = np.tanh(h_2 @ W_h + xs[t] @ W_x)
        t1 = dh * (1 - h_2s[t]**2)              # (3)  shape (2, 3)
        dh = t1 @ W_h.T                         # (3)  shape (2, 3)
        dW_h += h_2s[t - 1].T @ t1              # (3)  shape (3, 3)
        dxs[t] += t1 @ W_x.T                    # (3)  shape (2, 4)
        dW_x += xs[t].T @ t1                    # (3)  shape (4, 3)
    # backprop loss = np.sum(h_1 * h_1)
    dh += 2 * dloss * h_2s[0]                   # (2)  shape (2, 3)
    # backprop h_1 = np.tanh(h @ W_h + xs[0] @ W_x)
    t1 = dh * (1 - h_2s[0]**2)                  # (1)  shape (2, 3)
    dh = t1 @ W_h.T                             # (1)  shape (2, 3)
    dW_h += h.T @ t1                            # (1)  shape (3, 3)
    dxs[0] += t1 @ W_x.T                        # (1)  shape (2, 4)
    dW_x += xs[0].T @ t1                        # (1)  shape (4, 3)
    return loss, (dW_h, dW_x, dh, dxs)
