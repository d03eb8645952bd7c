import numpy as np


def cholesky_gradient(A):
    """Return cholesky(A) and its gradient."""
    # forward pass
    As = []
    As_1 = []
    As_2 = []
    for i in range(9):
        As.append([])
        As_1.append([A])
        for j in range(i):
            A = A.copy()                                                     # (1)  shape (9, 9)
            A[i, j] = A[i, j] - A[i, :j] @ A[j, :j]
            As[-1].append(A)
            A = A.copy()                                                     # (2)  shape (9, 9)
            A[i, j] = A[i, j] / A[j, j]
            As_1[-1].append(A)
        A = A.copy()                                                         # (3)  shape (9, 9)
        A[i, i] = A[i, i] - A[i, :i] @ A[i, :i]
        As_2.append(A)
        A = A.copy()                                                         # (4)  shape (9, 9)
        A[i, i] = np.sqrt(A[i, i])
    value = np.sum(A)                                                        # (5)
    # backprop value = np.sum(A)
    dA = np.ones_like(A)                                                     # (5)  shape (9, 9)
    dA_2 = dA
    for i in reversed(range(9)):
        # backprop A[i, i] = np.sqrt(A[i, i])
        t1 = dA_2.copy()                                                     # (4)  shape (9, 9)
        t1[i, i] = 0.0
        dA = t1.copy()                                                       # (4)  shape (9, 9)
        dA[i, i] += 0.5 * dA_2[i, i] / np.sqrt(As_2[i][i, i])                # (4)
        # backprop A[i, i] = A[i, i] - A[i, :i] @ A[i, :i]
        t1 = dA.copy()                                                       # (3)  shape (9, 9)
        t1[i, i] = 0.0
        dA_1 = t1.copy()                                                     # (3)  shape (9, 9)
        dA_1[i, :i] -= 2 * dA[i, i] * As_1[i][i][i, :i]                      # (3)  shape (i,)
        dA_1[i, i] += dA[i, i]                                               # (3)
        dA_2 = dA_1
        for j in reversed(range(i)):
            # backprop A[i, j] = A[i, j] / A[j, j]
            t1 = dA_2.copy()                                                 # (2)  shape (9, 9)
            t1[i, j] = 0.0
            dA = t1.copy()                                                   # (2)  shape (9, 9)
            dA[j, j] -= dA_2[i, j] * As[i][j][i, j] / (As[i][j][j, j] ** 2)  # (2)
            dA[i, j] += dA_2[i, j] / As[i][j][j, j]                          # (2)
            # backprop A[i, j] = A[i, j] - A[i, :j] @ A[j, :j]
            t1 = dA.copy()                                                   # (1)  shape (9, 9)
            t1[i, j] = 0.0
            dA_2 = t1.copy()                                                 # (1)  shape (9, 9)
            dA_2[j, :j] -= dA[i, j] * As_1[i][j][i, :j]                      # (1)  shape (j,)
            dA_2[i, :j] -= dA[i, j] * As_1[i][j][j, :j]                      # (1)  shape (j,)
            dA_2[i, j] += dA[i, j]                                           # (1)
    return value, (dA_1,)
