import numpy as np


def jacobi_gradient(A, B):
    """Return jacobi(A, B) and its gradient."""
    # forward pass
    B = B.copy()
    A = A.copy()
    for _ in range(20):
        B[1:-1] = 0.33 * (A[:-2] + A[1:-1] + A[2:])  # (1)
        A[1:-1] = 0.33 * (B[:-2] + B[1:-1] + B[2:])  # (2)
    value = np.sum(A * A)                            # (3)
    # backprop value = np.sum(A * A)
    dA = 2 * A                                       # (3)  shape (9,)
    dB = np.zeros_like(B)
    for _ in reversed(range(20)):
        # backprop A[1:-1] = 0.33 * (B[:-2] + B[1:-1] + B[2:])
        dB[2:] += 0.33 * dA[1:-1]                    # (2)  shape (7,)
        dB[1:-1] += 0.33 * dA[1:-1]                  # (2)  shape (7,)
        dB[:-2] += 0.33 * dA[1:-1]                   # (2)  shape (7,)
        dA[1:-1] = 0                                 # (2)
        # backprop B[1:-1] = 0.33 * (A[:-2] + A[1:-1] + A[2:])
        dA[2:] += 0.33 * dB[1:-1]                    # (1)  shape (7,)
        dA[1:-1] += 0.33 * dB[1:-1]                  # (1)  shape (7,)
        dA[:-2] += 0.33 * dB[1:-1]                   # (1)  shape (7,)
        dB[1:-1] = 0                                 # (1)
    return value, (dA, dB)
