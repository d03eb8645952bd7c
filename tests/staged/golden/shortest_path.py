import numpy as np


def shortest_path_gradient(cost):
    """Return shortest_path(cost) and its gradient."""
    # forward pass
    D = np.zeros((3, 3))
    D[1, 1] = cost[0, 0]                                         # (1)
    D[1, 2] = cost[0, 1] + np.minimum(D[0, 2], D[1, 1])          # (2)
    D[2, 1] = cost[1, 0] + np.minimum(D[1, 1], D[2, 0])          # (3)
    D[2, 2] = cost[1, 1] + np.minimum(D[1, 2], D[2, 1])          # (4)
    value = D[2, 2]                                              # (5)
    # backprop value = D[2, 2]
    dD = np.zeros_like(D)                                        # (5)  shape (3, 3)
    dD[2, 2] += 1.0                                              # (5)
    # backprop D[2, 2] = cost[1, 1] + np.minimum(D[1, 2], D[2, 1])
    t1 = D[1, 2] == D[2, 1]                                      # (4)
    dcost = np.zeros_like(cost)                                  # (4)  shape (2, 2)
    dcost[1, 1] += dD[2, 2]                                      # (4)
    dD[2, 1] += dD[2, 2] * np.where(t1, 0.5, D[2, 1] < D[1, 2])  # (4)
    dD[1, 2] += dD[2, 2] * np.where(t1, 0.5, D[1, 2] < D[2, 1])  # (4)
    dD[2, 2] = 0                                                 # (4)
    # backprop D[2, 1] = cost[1, 0] + np.minimum(D[1, 1], D[2, 0])
    t2 = D[1, 1] == D[2, 0]                                      # (3)
    dcost[1, 0] += dD[2, 1]                                      # (3)
    dD[2, 0] += dD[2, 1] * np.where(t2, 0.5, D[2, 0] < D[1, 1])  # (3)
    dD[1, 1] += dD[2, 1] * np.where(t2, 0.5, D[1, 1] < D[2, 0])  # (3)
    dD[2, 1] = 0                                                 # (3)
    # backprop D[1, 2] = cost[0, 1] + np.minimum(D[0, 2], D[1, 1])
    t3 = D[0, 2] == D[1, 1]                                      # (2)
    dcost[0, 1] += dD[1, 2]                                      # (2)
    dD[1, 1] += dD[1, 2] * np.where(t3, 0.5, D[1, 1] < D[0, 2])  # (2)
    dD[0, 2] += dD[1, 2] * np.where(t3, 0.5, D[0, 2] < D[1, 1])  # (2)
    dD[1, 2] = 0                                                 # (2)
    # backprop D[1, 1] = cost[0, 0]
    dcost[0, 0] += dD[1, 1]                                      # (1)
    return value, (dcost,)
