import numpy as np


def seidel_gradient(A):
    """Return seidel(A) and its gradient."""
    # forward pass
    A = A.copy()
    for _ in range(6):
        for i in range(1, 5):
            A[i, 1:-1] += A[i - 1, :-2] + A[i - 1, 2:] + A[i + 1, 1:-1]  # (1)
            for j in range(1, 5):
                A[i, j] += A[i, j - 1]                                   # (2)
                A[i, j] /= 9.0                                           # (3)
    value = np.sum(A)                                                    # (4)
    # backprop value = np.sum(A)
    dA = np.ones_like(A)                                                 # (4)  shape (6, 6)
    for _ in reversed(range(6)):
        for i in reversed(range(1, 5)):
            for j in reversed(range(1, 5)):
                # backprop A[i, j] /= 9.0
                dA[i, j] /= 9.0                                          # (3)
                # backprop A[i, j] += A[i, j - 1]
                dA[i, j - 1] += dA[i, j]                                 # (2)
            # backprop A[i, 1:-1] += A[i - 1, :-2] + A[i - 1, 2:] + A[i + 1, 1:-1]
            dA[i + 1, 1:-1] += dA[i, 1:-1]                               # (1)  shape (4,)
            dA[i - 1, 2:] += dA[i, 1:-1]                                 # (1)  shape (4,)
            dA[i - 1, :-2] += dA[i, 1:-1]                                # (1)  shape (4,)
    return value, (dA,)
