import numpy as np


def cholesky_gradient(A):
    """Return cholesky(A) and its gradient."""
    # forward pass
    A_1 = A.copy()                                                              # (1)  shape (9, 9)
    A_1[0, 0] = A_1[0, 0] - A_1[0, :0] @ A_1[0, :0]
    A_2 = A_1.copy()                                                            # (2)  shape (9, 9)
    A_2[0, 0] = np.sqrt(A_2[0, 0])
    A_3 = A_2.copy()                                                            # (3)  shape (9, 9)
    A_3[1, 0] = A_3[1, 0] - A_3[1, :0] @ A_3[0, :0]
    A_4 = A_3.copy()                                                            # (4)  shape (9, 9)
    A_4[1, 0] = A_4[1, 0] / A_4[0, 0]
    A_5 = A_4.copy()                                                            # (5)  shape (9, 9)
    A_5[1, 1] = A_5[1, 1] - A_5[1, :1] @ A_5[1, :1]
    A_6 = A_5.copy()                                                            # (6)  shape (9, 9)
    A_6[1, 1] = np.sqrt(A_6[1, 1])
    A_7 = A_6.copy()                                                            # (7)  shape (9, 9)
    A_7[2, 0] = A_7[2, 0] - A_7[2, :0] @ A_7[0, :0]
    A_8 = A_7.copy()                                                            # (8)  shape (9, 9)
    A_8[2, 0] = A_8[2, 0] / A_8[0, 0]
    A_9 = A_8.copy()                                                            # (9)  shape (9, 9)
    A_9[2, 1] = A_9[2, 1] - A_9[2, :1] @ A_9[1, :1]
    A_10 = A_9.copy()                                                           # (10)  shape (9, 9)
    A_10[2, 1] = A_10[2, 1] / A_10[1, 1]
    A_11 = A_10.copy()                                                          # (11)  shape (9, 9)
    A_11[2, 2] = A_11[2, 2] - A_11[2, :2] @ A_11[2, :2]
    A_12 = A_11.copy()                                                          # (12)  shape (9, 9)
    A_12[2, 2] = np.sqrt(A_12[2, 2])
    A_20 = A_12
    A_13s = []
    A_14s = []
    A_19s = []
    for i in range(3, 9):
        A_14 = A_20
        A_13s.append([])
        A_14s.append([A_20])
        for j in range(i):
            A_13 = A_14.copy()                                                  # (13)  shape (9, 9)
            A_13[i, j] = A_13[i, j] - A_13[i, :j] @ A_13[j, :j]
            A_13s[-1].append(A_13)
            A_14 = A_13.copy()                                                  # (14)  shape (9, 9)
            A_14[i, j] = A_14[i, j] / A_14[j, j]
            A_14s[-1].append(A_14)
        A_19 = A_14.copy()                                                      # (15)  shape (9, 9)
        A_19[i, i] = A_19[i, i] - A_19[i, :i] @ A_19[i, :i]
        A_19s.append(A_19)
        A_20 = A_19.copy()                                                      # (16)  shape (9, 9)
        A_20[i, i] = np.sqrt(A_20[i, i])
    value = np.sum(A_20)                                                        # (17)
    # backprop value = np.sum(A_20)
    dA = np.ones_like(A_20)                                                     # (17)  shape (9, 9)
    dA_86 = dA
    for i in reversed(range(3, 9)):
        # backprop A_20[i, i] = np.sqrt(A_20[i, i])
        t1 = dA_86.copy()                                                       # (16)  shape (9, 9)
        t1[i, i] = 0.0
        dA = t1.copy()                                                          # (16)  shape (9, 9)
        dA[i, i] += 0.5 * dA_86[i, i] / np.sqrt(A_19s[i - 3][i, i])             # (16)
        # backprop A_19[i, i] = A_19[i, i] - A_19[i, :i] @ A_19[i, :i]
        t1 = dA.copy()                                                          # (15)  shape (9, 9)
        t1[i, i] = 0.0
        dA_88 = t1.copy()                                                       # (15)  shape (9, 9)
        dA_88[i, :i] -= 2 * dA[i, i] * A_14s[i - 3][i][i, :i]                   # (15)  shape (i,)
        dA_88[i, i] += dA[i, i]                                                 # (15)
        dA_86 = dA_88
        for j in reversed(range(i)):
            # backprop A_14[i, j] = A_14[i, j] / A_14[j, j]
            t1 = dA_86.copy()                                                   # (14)  shape (9, 9)
            t1[i, j] = 0.0
            dA = t1.copy()                                                      # (14)  shape (9, 9)
            dA[j, j] -= dA_86[i, j] * A_13s[i - 3][j][i, j] / (A_13s[i - 3][j][j, j] ** 2)  # (14)
            dA[i, j] += dA_86[i, j] / A_13s[i - 3][j][j, j]                     # (14)
            # backprop A_13[i, j] = A_13[i, j] - A_13[i, :j] @ A_13[j, :j]
            t1 = dA.copy()                                                      # (13)  shape (9, 9)
            t1[i, j] = 0.0
            dA_86 = t1.copy()                                                   # (13)  shape (9, 9)
            dA_86[j, :j] -= dA[i, j] * A_14s[i - 3][j][i, :j]                   # (13)  shape (j,)
            dA_86[i, :j] -= dA[i, j] * A_14s[i - 3][j][j, :j]                   # (13)  shape (j,)
            dA_86[i, j] += dA[i, j]                                             # (13)
    # backprop A_12[2, 2] = np.sqrt(A_12[2, 2])
    t1 = dA_86.copy()                                                           # (12)  shape (9, 9)
    t1[2, 2] = 0.0
    dA_11 = t1.copy()                                                           # (12)  shape (9, 9)
    dA_11[2, 2] += 0.5 * dA_86[2, 2] / np.sqrt(A_11[2, 2])                      # (12)
    # backprop A_11[2, 2] = A_11[2, 2] - A_11[2, :2] @ A_11[2, :2]
    t1 = dA_11.copy()                                                           # (11)  shape (9, 9)
    t1[2, 2] = 0.0
    dA_10 = t1.copy()                                                           # (11)  shape (9, 9)
    dA_10[2, :2] -= 2 * dA_11[2, 2] * A_10[2, :2]                               # (11)  shape (2,)
    dA_10[2, 2] += dA_11[2, 2]                                                  # (11)
    # backprop A_10[2, 1] = A_10[2, 1] / A_10[1, 1]
    t1 = dA_10.copy()                                                           # (10)  shape (9, 9)
    t1[2, 1] = 0.0
    dA_9 = t1.copy()                                                            # (10)  shape (9, 9)
    dA_9[1, 1] -= dA_10[2, 1] * A_9[2, 1] / (A_9[1, 1] ** 2)                    # (10)
    dA_9[2, 1] += dA_10[2, 1] / A_9[1, 1]                                       # (10)
    # backprop A_9[2, 1] = A_9[2, 1] - A_9[2, :1] @ A_9[1, :1]
    t1 = dA_9.copy()                                                            # (9)  shape (9, 9)
    t1[2, 1] = 0.0
    dA_8 = t1.copy()                                                            # (9)  shape (9, 9)
    dA_8[1, :1] -= dA_9[2, 1] * A_8[2, :1]                                      # (9)  shape (1,)
    dA_8[2, :1] -= dA_9[2, 1] * A_8[1, :1]                                      # (9)  shape (1,)
    dA_8[2, 1] += dA_9[2, 1]                                                    # (9)
    # backprop A_8[2, 0] = A_8[2, 0] / A_8[0, 0]
    t1 = dA_8.copy()                                                            # (8)  shape (9, 9)
    t1[2, 0] = 0.0
    dA_7 = t1.copy()                                                            # (8)  shape (9, 9)
    dA_7[0, 0] -= dA_8[2, 0] * A_7[2, 0] / (A_7[0, 0] ** 2)                     # (8)
    dA_7[2, 0] += dA_8[2, 0] / A_7[0, 0]                                        # (8)
    # backprop A_7[2, 0] = A_7[2, 0] - A_7[2, :0] @ A_7[0, :0]
    t1 = dA_7.copy()                                                            # (7)  shape (9, 9)
    t1[2, 0] = 0.0
    dA_6 = t1.copy()                                                            # (7)  shape (9, 9)
    dA_6[0, :0] -= dA_7[2, 0] * A_6[2, :0]                                      # (7)  shape (0,)
    dA_6[2, :0] -= dA_7[2, 0] * A_6[0, :0]                                      # (7)  shape (0,)
    dA_6[2, 0] += dA_7[2, 0]                                                    # (7)
    # backprop A_6[1, 1] = np.sqrt(A_6[1, 1])
    t1 = dA_6.copy()                                                            # (6)  shape (9, 9)
    t1[1, 1] = 0.0
    dA_5 = t1.copy()                                                            # (6)  shape (9, 9)
    dA_5[1, 1] += 0.5 * dA_6[1, 1] / np.sqrt(A_5[1, 1])                         # (6)
    # backprop A_5[1, 1] = A_5[1, 1] - A_5[1, :1] @ A_5[1, :1]
    t1 = dA_5.copy()                                                            # (5)  shape (9, 9)
    t1[1, 1] = 0.0
    dA_4 = t1.copy()                                                            # (5)  shape (9, 9)
    dA_4[1, :1] -= 2 * dA_5[1, 1] * A_4[1, :1]                                  # (5)  shape (1,)
    dA_4[1, 1] += dA_5[1, 1]                                                    # (5)
    # backprop A_4[1, 0] = A_4[1, 0] / A_4[0, 0]
    t1 = dA_4.copy()                                                            # (4)  shape (9, 9)
    t1[1, 0] = 0.0
    dA_3 = t1.copy()                                                            # (4)  shape (9, 9)
    dA_3[0, 0] -= dA_4[1, 0] * A_3[1, 0] / (A_3[0, 0] ** 2)                     # (4)
    dA_3[1, 0] += dA_4[1, 0] / A_3[0, 0]                                        # (4)
    # backprop A_3[1, 0] = A_3[1, 0] - A_3[1, :0] @ A_3[0, :0]
    t1 = dA_3.copy()                                                            # (3)  shape (9, 9)
    t1[1, 0] = 0.0
    dA_2 = t1.copy()                                                            # (3)  shape (9, 9)
    dA_2[0, :0] -= dA_3[1, 0] * A_2[1, :0]                                      # (3)  shape (0,)
    dA_2[1, :0] -= dA_3[1, 0] * A_2[0, :0]                                      # (3)  shape (0,)
    dA_2[1, 0] += dA_3[1, 0]                                                    # (3)
    # backprop A_2[0, 0] = np.sqrt(A_2[0, 0])
    t1 = dA_2.copy()                                                            # (2)  shape (9, 9)
    t1[0, 0] = 0.0
    dA_1 = t1.copy()                                                            # (2)  shape (9, 9)
    dA_1[0, 0] += 0.5 * dA_2[0, 0] / np.sqrt(A_1[0, 0])                         # (2)
    # backprop A_1[0, 0] = A_1[0, 0] - A_1[0, :0] @ A_1[0, :0]
    t1 = dA_1.copy()                                                            # (1)  shape (9, 9)
    t1[0, 0] = 0.0
    dA = t1.copy()                                                              # (1)  shape (9, 9)
    dA[0, :0] -= 2 * dA_1[0, 0] * A[0, :0]                                      # (1)  shape (0,)
    dA[0, 0] += dA_1[0, 0]                                                      # (1)
    return value, (dA,)
