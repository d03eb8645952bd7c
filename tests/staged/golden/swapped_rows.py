import numpy as np


def swapped_rows_gradient(A):
    """Return swapped_rows(A) and its gradient."""
    # forward pass
    B = 2 * A                    # (1)  shape (3, 2)
    B[[0, 2]] = B[[2, 0]]        # (2)
    value = np.sum(B[0] * B[1])  # (3)
    # backprop value = np.sum(B[0] * B[1])
    dB = np.zeros_like(B)        # (3)  shape (3, 2)
    dB[1] += B[0]                # (3)  shape (2,)
    dB[0] += B[1]                # (3)  shape (2,)
    # backprop B[[0, 2]] = B[[2, 0]]
    t1 = dB[[0, 2]]              # (2)  shape (2, 2)
    dB[[0, 2]] = 0               # (2)
    dB[[2, 0]] += t1             # (2)  shape (2, 2)
    # backprop B = 2 * A
    dA = 2 * dB                  # (1)  shape (3, 2)
    return value, (dA,)
