import numpy as np


def seidel_gradient(A):
    """Return seidel(A) and its gradient."""
    # forward pass
    for _ in range(5):
        for i in range(1, 5):
            A = A.copy()                      # (1)  shape (6, 6)
            A[i, 1:-1] = A[i, 1:-1] + (A[i - 1, :-2] + A[i - 1, 2:] + A[i + 1, 1:-1])
            for j in range(1, 5):
                A = A.copy()                  # (2)  shape (6, 6)
                A[i, j] = A[i, j] + A[i, j - 1]
                A = A.copy()                  # (3)  shape (6, 6)
                A[i, j] = A[i, j] / 9.0
    for i in range(1, 4):
        A = A.copy()                          # (4)  shape (6, 6)
        A[i, 1:-1] = A[i, 1:-1] + (A[i - 1, :-2] + A[i - 1, 2:] + A[i + 1, 1:-1])
        for j in range(1, 5):
            A = A.copy()                      # (5)  shape (6, 6)
            A[i, j] = A[i, j] + A[i, j - 1]
            A = A.copy()                      # (6)  shape (6, 6)
            A[i, j] = A[i, j] / 9.0
    A = A.copy()                              # (7)  shape (6, 6)
    A[4, 1:-1] = A[4, 1:-1] + (A[3, :-2] + A[3, 2:] + A[5, 1:-1])
    for j in range(1, 4):
        A = A.copy()                          # (8)  shape (6, 6)
        A[4, j] = A[4, j] + A[4, j - 1]
        A = A.copy()                          # (9)  shape (6, 6)
        A[4, j] = A[4, j] / 9.0
    A = A.copy()                              # (10)  shape (6, 6)
    A[4, 4] = A[4, 4] + A[4, 3]
    t1 = A.copy()
    t1[4, 4] = t1[4, 4] / 9.0
    value = np.sum(t1)                        # (11)
    # backprop value = np.sum(t1)
    t1 = np.ones((6, 6)).copy()               # (11)  shape (6, 6)
    t1[4, 4] = 0.0
    dA_1 = t1.copy()                          # (11)  shape (6, 6)
    dA_1[4, 4] += 1 / 9.0                     # (11)
    # backprop A[4, 4] = A[4, 4] + A[4, 3]
    t1 = dA_1.copy()                          # (10)  shape (6, 6)
    t1[4, 4] = 0.0
    dA = t1.copy()                            # (10)  shape (6, 6)
    dA[4, 3] += dA_1[4, 4]                    # (10)
    dA[4, 4] += dA_1[4, 4]                    # (10)
    dA_2 = dA
    for j in reversed(range(1, 4)):
        # backprop A[4, j] = A[4, j] / 9.0
        t1 = dA_2.copy()                      # (9)  shape (6, 6)
        t1[4, j] = 0.0
        dA = t1.copy()                        # (9)  shape (6, 6)
        dA[4, j] += dA_2[4, j] / 9.0          # (9)
        # backprop A[4, j] = A[4, j] + A[4, j - 1]
        t1 = dA.copy()                        # (8)  shape (6, 6)
        t1[4, j] = 0.0
        dA_2 = t1.copy()                      # (8)  shape (6, 6)
        dA_2[4, j - 1] += dA[4, j]            # (8)
        dA_2[4, j] += dA[4, j]                # (8)
    # backprop A[4, 1:-1] = A[4, 1:-1] + (A[3, :-2] + A[3, 2:] + A[5, 1:-1])
    t1 = dA_2.copy()                          # (7)  shape (6, 6)
    t1[4, 1:-1] = 0.0
    dA = t1.copy()                            # (7)  shape (6, 6)
    dA[5, 1:-1] += dA_2[4, 1:-1]              # (7)  shape (4,)
    dA[3, 2:] += dA_2[4, 1:-1]                # (7)  shape (4,)
    dA[3, :-2] += dA_2[4, 1:-1]               # (7)  shape (4,)
    dA[4, 1:-1] += dA_2[4, 1:-1]              # (7)  shape (4,)
    for i in reversed(range(1, 4)):
        dA_3 = dA
        for j in reversed(range(1, 5)):
            # backprop A[i, j] = A[i, j] / 9.0
            t1 = dA_3.copy()                  # (6)  shape (6, 6)
            t1[i, j] = 0.0
            dA = t1.copy()                    # (6)  shape (6, 6)
            dA[i, j] += dA_3[i, j] / 9.0      # (6)
            # backprop A[i, j] = A[i, j] + A[i, j - 1]
            t1 = dA.copy()                    # (5)  shape (6, 6)
            t1[i, j] = 0.0
            dA_3 = t1.copy()                  # (5)  shape (6, 6)
            dA_3[i, j - 1] += dA[i, j]        # (5)
            dA_3[i, j] += dA[i, j]            # (5)
        # backprop A[i, 1:-1] = A[i, 1:-1] + (A[i - 1, :-2] + A[i - 1, 2:] + A[i + 1, 1:-1])
        t1 = dA_3.copy()                      # (4)  shape (6, 6)
        t1[i, 1:-1] = 0.0
        dA = t1.copy()                        # (4)  shape (6, 6)
        dA[i + 1, 1:-1] += dA_3[i, 1:-1]      # (4)  shape (4,)
        dA[i - 1, 2:] += dA_3[i, 1:-1]        # (4)  shape (4,)
        dA[i - 1, :-2] += dA_3[i, 1:-1]       # (4)  shape (4,)
        dA[i, 1:-1] += dA_3[i, 1:-1]          # (4)  shape (4,)
    for _ in reversed(range(5)):
        for i in reversed(range(1, 5)):
            dA_4 = dA
            for j in reversed(range(1, 5)):
                # backprop A[i, j] = A[i, j] / 9.0
                t1 = dA_4.copy()              # (3)  shape (6, 6)
                t1[i, j] = 0.0
                dA = t1.copy()                # (3)  shape (6, 6)
                dA[i, j] += dA_4[i, j] / 9.0  # (3)
                # backprop A[i, j] = A[i, j] + A[i, j - 1]
                t1 = dA.copy()                # (2)  shape (6, 6)
                t1[i, j] = 0.0
                dA_4 = t1.copy()              # (2)  shape (6, 6)
                dA_4[i, j - 1] += dA[i, j]    # (2)
                dA_4[i, j] += dA[i, j]        # (2)
            # backprop A[i, 1:-1] = A[i, 1:-1] + (A[i - 1, :-2] + A[i - 1, 2:] + A[i + 1, 1:-1])
            t1 = dA_4.copy()                  # (1)  shape (6, 6)
            t1[i, 1:-1] = 0.0
            dA = t1.copy()                    # (1)  shape (6, 6)
            dA[i + 1, 1:-1] += dA_4[i, 1:-1]  # (1)  shape (4,)
            dA[i - 1, 2:] += dA_4[i, 1:-1]    # (1)  shape (4,)
            dA[i - 1, :-2] += dA_4[i, 1:-1]   # (1)  shape (4,)
            dA[i, 1:-1] += dA_4[i, 1:-1]      # (1)  shape (4,)
    return value, (dA,)
