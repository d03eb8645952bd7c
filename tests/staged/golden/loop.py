import numpy as np


def loop_gradient(a, x):
    """Return loop(a, x) and its gradient."""
    # forward pass
    h = np.tanh(a * x + x)      # (1)  shape (3,)
    h_1 = np.tanh(a * h + x)    # (2)  shape (3,)
    h_2 = np.tanh(a * h_1 + x)  # (3)  shape (3,)
    value = h_2 @ h_2           # (4)
    # backprop value = h_2 @ h_2
    dh_2 = 2 * h_2              # (4)  shape (3,)
    # backprop h_2 = np.tanh(a * h_1 + x)
    t1 = dh_2 * (1 - h_2**2)    # (3)  shape (3,)
    dx = t1.copy()              # (3)  shape (3,)
    da = np.sum(t1 * h_1)       # (3)
    dh_1 = t1 * a               # (3)  shape (3,)
    # backprop h_1 = np.tanh(a * h + x)
    t2 = dh_1 * (1 - h_1**2)    # (2)  shape (3,)
    dx += t2                    # (2)  shape (3,)
    da += np.sum(t2 * h)        # (2)
    dh = t2 * a                 # (2)  shape (3,)
    # backprop h = np.tanh(a * x + x)
    t3 = dh * (1 - h**2)        # (1)  shape (3,)
    da += np.sum(t3 * x)        # (1)
    dx += t3 + t3 * a           # (1)  shape (3,)
    return value, (da, dx)
