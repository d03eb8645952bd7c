import numpy as np


def power_iteration_gradient(A):
    """Return power_iteration(A) and its gradient."""
    # forward pass
    v_1 = np.ones(3)                                                # (1)  shape (3,)
    w_1 = A @ v_1                                                   # (2)  shape (3,)
    w_2 = w_1 / np.sqrt(w_1 @ w_1)                                  # (3)  shape (3,)
    err = np.max(np.abs(w_2 - v_1))                                 # (4)
    v = w_2                                                         # (5)  shape (3,)
    ws = []
    ws_1 = []
    vs = []
    for t in range(100):
        if err < 0.001:
            break
        vs.append(v)
        w = A @ v                                                   # (6)  shape (3,)
        ws.append(w)
        w = w / np.sqrt(w @ w)                                      # (7)  shape (3,)
        ws_1.append(w)
        err = np.max(np.abs(w - v))                                 # (8)
        v = w                                                       # (9)  shape (3,)
    else:
        raise AssertionError("line 40 does not end the loop; stage again")
    turns = len(ws)
    value = v @ A @ v                                               # (10)
    # backprop value = v @ A @ v
    dv = v @ A + A @ v                                              # (10)  shape (3,)
    dA = np.outer(v, v)                                             # (10)  shape (3, 3)
    for t in reversed(range(1, turns + 1)):
        # backprop v = w
        dw = dv                                                     # (9)  shape (3,)
        # backprop w = w / np.sqrt(w @ w)
        t1 = np.sqrt(ws[t - 1] @ ws[t - 1])                         # (7)
        t2 = -0.5 * np.sum(dw * ws_1[t - 1]) * ws[t - 1] / (t1**2)  # (7)  shape (3,)
        dw = dw / t1 + t2 + t2                                      # (7)  shape (3,)
        # backprop w = A @ v
        dA += np.outer(dw, vs[t - 1])                               # (6)  shape (3, 3)
        dv = A.T @ dw                                               # (6)  shape (3,)
    # backprop v = w_2
    dw = dv                                                         # (5)  shape (3,)
    # backprop w_2 = w_1 / np.sqrt(w_1 @ w_1)
    t1 = np.sqrt(w_1 @ w_1)                                         # (3)
    t2 = -0.5 * np.sum(dw * w_2) * w_1 / (t1**2)                    # (3)  shape (3,)
    dw = dw / t1 + t2 + t2                                          # (3)  shape (3,)
    # backprop w_1 = A @ v_1
    dA += np.outer(dw, v_1)                                         # (2)  shape (3, 3)
    dv = A.T @ dw                                                   # (2)  shape (3,)
    return value, (dA,)
