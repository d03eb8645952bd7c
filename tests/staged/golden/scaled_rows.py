import numpy as np


def scaled_rows_gradient(A, factors):
    """Return scaled_rows(A, factors) and its gradient."""
    # forward pass
    A_1 = A.copy()
    A_1[0] *= factors[0]                 # (1)
    A_1[1] *= factors[1]                 # (2)
    A_1[2] *= factors[2]                 # (3)
    value = np.sum(A_1**2)               # (4)
    # backprop value = np.sum(A_1**2)
    dA = 2 * A_1                         # (4)  shape (3, 2)
    # backprop A_1[2] *= factors[2]
    dfactors = np.zeros_like(factors)    # (3)  shape (3,)
    dfactors[2] += np.sum(dA[2] * A[2])  # (3)
    dA[2] *= factors[2]                  # (3)
    # backprop A_1[1] *= factors[1]
    dfactors[1] += np.sum(dA[1] * A[1])  # (2)
    dA[1] *= factors[1]                  # (2)
    # backprop A_1[0] *= factors[0]
    dfactors[0] += np.sum(dA[0] * A[0])  # (1)
    dA[0] *= factors[0]                  # (1)
    return value, (dA, dfactors)
