import numpy as np


def kalman_gradient(x, P, z, H, R):
    """Return kalman(x, P, z, H, R) and its gradient."""
    # forward pass
    y = z - H @ x                    # (1)  shape (2,)
    S = H @ P @ H.T + R              # (2)  shape (2, 2)
    K = P @ H.T                      # (3)  shape (3, 2)
    xn = x + K @ y                   # (4)  shape (3,)
    value = xn @ xn + np.trace(S)    # (5)
    # backprop value = xn @ xn + np.trace(S)
    dxn = 2 * xn                     # (5)  shape (3,)
    dS = np.eye(2)                   # (5)  shape (2, 2)
    # backprop xn = x + K @ y
    dx = dxn.copy()                  # (4)  shape (3,)
    dK = np.outer(dxn, y)            # (4)  shape (3, 2)
    dy = K.T @ dxn                   # (4)  shape (2,)
    # backprop K = P @ H.T
    dP = dK @ H                      # (3)  shape (3, 3)
    dH = dK.T @ P                    # (3)  shape (2, 3)
    # backprop S = H @ P @ H.T + R
    t1 = dS @ H                      # (2)  shape (2, 3)
    dR = dS                          # (2)  shape (2, 2)
    dH += dS.T @ (H @ P) + t1 @ P.T  # (2)  shape (2, 3)
    dP += H.T @ t1                   # (2)  shape (3, 3)
    # backprop y = z - H @ x
    dz = dy                          # (1)  shape (2,)
    dH -= np.outer(dy, x)            # (1)  shape (2, 3)
    dx -= H.T @ dy                   # (1)  shape (3,)
    return value, (dx, dP, dz, dH, dR)
