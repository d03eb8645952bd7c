import numpy as np


def running_sum_gradient(x):
    """Return running_sum(x) and its gradient."""
    # forward pass
    t1 = x[0] + x[1] * x[0]                                                        # (1)
    t2 = t1 + x[2] * x[1]                                                          # (2)
    t3 = t2 + x[3] * x[2]                                                          # (3)
    t4 = t3 + x[4] * x[3]                                                          # (4)
    t5 = t4 + x[5] * x[4]                                                          # (5)
    t6 = t5 + x[6] * x[5]                                                          # (6)
    t7 = t6 + x[7] * x[6]                                                          # (7)
    value = np.sum(np.stack((x[0], t1, t2, t3, t4, t5, t6, t7, t7 + x[8] * x[7])))  # (8)
    # backprop value = np.sum(np.stack((x[0], t1, t2, t3, t4, t5, t6, t7, t7 + x[8] * x[7])))
    dt1 = 1.0                                                                      # (8)
    dt2 = 1.0                                                                      # (8)
    dt3 = 1.0                                                                      # (8)
    dt4 = 1.0                                                                      # (8)
    dt5 = 1.0                                                                      # (8)
    dt6 = 1.0                                                                      # (8)
    dx = np.zeros_like(x)                                                          # (8)  shape (9,)
    dx[7] += x[8]                                                                  # (8)
    dx[8] += x[7]                                                                  # (8)
    dx[0] += 1.0                                                                   # (8)
    dt7 = 2.0                                                                      # (8)
    # backprop t7 = t6 + x[7] * x[6]
    dt6 += dt7                                                                     # (7)
    dx[6] += dt7 * x[7]                                                            # (7)
    dx[7] += dt7 * x[6]                                                            # (7)
    # backprop t6 = t5 + x[6] * x[5]
    dt5 += dt6                                                                     # (6)
    dx[5] += dt6 * x[6]                                                            # (6)
    dx[6] += dt6 * x[5]                                                            # (6)
    # backprop t5 = t4 + x[5] * x[4]
    dt4 += dt5                                                                     # (5)
    dx[4] += dt5 * x[5]                                                            # (5)
    dx[5] += dt5 * x[4]                                                            # (5)
    # backprop t4 = t3 + x[4] * x[3]
    dt3 += dt4                                                                     # (4)
    dx[3] += dt4 * x[4]                                                            # (4)
    dx[4] += dt4 * x[3]                                                            # (4)
    # backprop t3 = t2 + x[3] * x[2]
    dt2 += dt3                                                                     # (3)
    dx[2] += dt3 * x[3]                                                            # (3)
    dx[3] += dt3 * x[2]                                                            # (3)
    # backprop t2 = t1 + x[2] * x[1]
    dt1 += dt2                                                                     # (2)
    dx[1] += dt2 * x[2]                                                            # (2)
    dx[2] += dt2 * x[1]                                                            # (2)
    # backprop t1 = x[0] + x[1] * x[0]
    dx[1] += dt1 * x[0]                                                            # (1)
    dx[0] += dt1 + dt1 * x[1]                                                      # (1)
    return value, (dx,)
