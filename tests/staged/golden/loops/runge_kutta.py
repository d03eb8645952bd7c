import numpy as np


def runge_kutta_gradient(y, k):
    """Return runge_kutta(y, k) and its gradient."""
    # forward pass
    k1s = []
    k2s = []
    k3s = []
    ys = [y]
    for _ in range(20):
        k1 = -k * y                                                 # (1)  shape (5,)
        k1s.append(k1)
        k2 = -k * (y + 0.05 * k1)                                   # (2)  shape (5,)
        k2s.append(k2)
        k3 = -k * (y + 0.05 * k2)                                   # (3)  shape (5,)
        k3s.append(k3)
        k4 = -k * (y + 0.1 * k3)                                    # (4)  shape (5,)
        y = y + 0.016666666666666666 * (k1 + 2 * k2 + 2 * k3 + k4)  # (5)  shape (5,)
        ys.append(y)
    value = np.sum(y)                                               # (6)
    # backprop value = np.sum(y)
    dy = np.ones_like(y)                                            # (6)  shape (5,)
    dk = 0.0
    for t in reversed(range(20)):
        # backprop y = y + 0.016666666666666666 * (k1 + 2 * k2 + 2 * k3 + k4)
        dk4 = 0.016666666666666666 * dy                             # (5)  shape (5,)
        dk1 = dk4.copy()                                            # (5)  shape (5,)
        dk2 = 0.03333333333333333 * dy                              # (5)  shape (5,)
        dk3 = 0.03333333333333333 * dy                              # (5)  shape (5,)
        dy = dy.copy()                                              # (5)  shape (5,)
        # backprop k4 = -k * (y + 0.1 * k3)
        t1 = -dk4 * k                                               # (4)  shape (5,)
        dk -= np.sum(dk4 * (ys[t] + 0.1 * k3s[t]))                  # (4)
        dy += t1                                                    # (4)  shape (5,)
        dk3 += 0.1 * t1                                             # (4)  shape (5,)
        # backprop k3 = -k * (y + 0.05 * k2)
        t1 = -dk3 * k                                               # (3)  shape (5,)
        dk -= np.sum(dk3 * (ys[t] + 0.05 * k2s[t]))                 # (3)
        dy += t1                                                    # (3)  shape (5,)
        dk2 += 0.05 * t1                                            # (3)  shape (5,)
        # backprop k2 = -k * (y + 0.05 * k1)
        t1 = -dk2 * k                                               # (2)  shape (5,)
        dk -= np.sum(dk2 * (ys[t] + 0.05 * k1s[t]))                 # (2)
        dy += t1                                                    # (2)  shape (5,)
        dk1 += 0.05 * t1                                            # (2)  shape (5,)
        # backprop k1 = -k * y
        dk -= np.sum(dk1 * ys[t])                                   # (1)
        dy -= dk1 * k                                               # (1)  shape (5,)
    return value, (dy, dk)
