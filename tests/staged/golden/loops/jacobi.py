import numpy as np


def jacobi_gradient(A, B):
    """Return jacobi(A, B) and its gradient."""
    # forward pass
    for _ in range(20):
        B = B.copy()          # (1)  shape (9,)
        B[1:-1] = 0.33 * (A[:-2] + A[1:-1] + A[2:])
        A = A.copy()          # (2)  shape (9,)
        A[1:-1] = 0.33 * (B[:-2] + B[1:-1] + B[2:])
    value = np.sum(A * A)     # (3)
    # backprop value = np.sum(A * A)
    dA = 2 * A                # (3)  shape (9,)
    dB = np.zeros_like(B)
    for _ in reversed(range(1, 20)):
        # backprop A[1:-1] = 0.33 * (B[:-2] + B[1:-1] + B[2:])
        t1 = dA.copy()        # (2)  shape (9,)
        t1[1:-1] = 0.0
        t2 = 0.33 * dA[1:-1]  # (2)  shape (7,)
        dA = t1.copy()        # (2)  shape (9,)
        dB[2:] += t2          # (2)  shape (7,)
        dB[1:-1] += t2        # (2)  shape (7,)
        dB[:-2] += t2         # (2)  shape (7,)
        # backprop B[1:-1] = 0.33 * (A[:-2] + A[1:-1] + A[2:])
        t1 = dB.copy()        # (1)  shape (9,)
        t1[1:-1] = 0.0
        t2 = 0.33 * dB[1:-1]  # (1)  shape (7,)
        dB = t1.copy()        # (1)  shape (9,)
        dA[2:] += t2          # (1)  shape (7,)
        dA[1:-1] += t2        # (1)  shape (7,)
        dA[:-2] += t2         # (1)  shape (7,)
    # backprop A[1:-1] = 0.33 * (B[:-2] + B[1:-1] + B[2:])
    t1 = dA.copy()            # (2)  shape (9,)
    t1[1:-1] = 0.0
    t2 = 0.33 * dA[1:-1]      # (2)  shape (7,)
    dA = t1.copy()            # (2)  shape (9,)
    dB[2:] += t2              # (2)  shape (7,)
    dB[1:-1] += t2            # (2)  shape (7,)
    dB[:-2] += t2             # (2)  shape (7,)
    # backprop B[1:-1] = 0.33 * (A[:-2] + A[1:-1] + A[2:])
    t1 = 0.33 * dB[1:-1]      # (1)  shape (7,)
    dB = dB.copy()            # (1)  shape (9,)
    dB[1:-1] = 0.0
    dA[2:] += t1              # (1)  shape (7,)
    dA[1:-1] += t1            # (1)  shape (7,)
    dA[:-2] += t1             # (1)  shape (7,)
    return value, (dA, dB)
