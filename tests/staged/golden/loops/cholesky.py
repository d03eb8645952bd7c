import numpy as np


def cholesky_gradient(A):
    """Return cholesky(A) and its gradient."""
    # forward pass
    A = A.copy()
    for i in range(9):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[j, :j]            # (1)
            A[i, j] /= A[j, j]                        # (2)
        A[i, i] -= A[i, :i] @ A[i, :i]                # (3)
        A[i, i] = np.sqrt(A[i, i])                    # (4)
    value = np.sum(A)                                 # (5)
    # backprop value = np.sum(A)
    dA = np.ones_like(A)                              # (5)  shape (9, 9)
    for i in reversed(range(9)):
        # backprop A[i, i] = np.sqrt(A[i, i])
        dA[i, i] = 0.5 * dA[i, i] / A[i, i]           # (4)
        # backprop A[i, i] -= A[i, :i] @ A[i, :i]
        dA[i, :i] -= 2 * dA[i, i] * A[i, :i]          # (3)  shape (i,)
        for j in reversed(range(i)):
            # backprop A[i, j] /= A[j, j]
            dA[j, j] -= dA[i, j] * A[i, j] / A[j, j]  # (2)
            dA[i, j] /= A[j, j]                       # (2)
            # backprop A[i, j] -= A[i, :j] @ A[j, :j]
            dA[j, :j] -= dA[i, j] * A[i, :j]          # (1)  shape (j,)
            dA[i, :j] -= dA[i, j] * A[j, :j]          # (1)  shape (j,)
    return value, (dA,)
