import numpy as np


def jacobi_gradient(A, B):
    """Return jacobi(A, B) and its gradient."""
    # forward pass
    B = B.copy()
    B[1:-1] = 0.33 * (A[:-2] + A[1:-1] + A[2:])      # (1)
    A = A.copy()
    A[1:-1] = 0.33 * (B[:-2] + B[1:-1] + B[2:])      # (2)
    for _ in range(1, 20):
        B[1:-1] = 0.33 * (A[:-2] + A[1:-1] + A[2:])  # (3)
        A[1:-1] = 0.33 * (B[:-2] + B[1:-1] + B[2:])  # (4)
    value = np.sum(A * A)                            # (5)
    # backprop value = np.sum(A * A)
    dA = 2 * A                                       # (5)  shape (9,)
    dB = np.zeros_like(B)
    for _ in reversed(range(20)):
        # backprop A[1:-1] = 0.33 * (B[:-2] + B[1:-1] + B[2:])
        dB[2:] += 0.33 * dA[1:-1]                    # (4)  shape (7,)
        dB[1:-1] += 0.33 * dA[1:-1]                  # (4)  shape (7,)
        dB[:-2] += 0.33 * dA[1:-1]                   # (4)  shape (7,)
        dA[1:-1] = 0                                 # (4)
        # backprop B[1:-1] = 0.33 * (A[:-2] + A[1:-1] + A[2:])
        dA[2:] += 0.33 * dB[1:-1]                    # (3)  shape (7,)
        dA[1:-1] += 0.33 * dB[1:-1]                  # (3)  shape (7,)
        dA[:-2] += 0.33 * dB[1:-1]                   # (3)  shape (7,)
        dB[1:-1] = 0                                 # (3)
    return value, (dA, dB)
