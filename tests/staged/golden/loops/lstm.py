import numpy as np

# series: float64 (12, 2, 4), captured by the function


def lstm_gradient(W, U, b, h, c):
    """Return lstm(W, U, b, h, c) and its gradient."""
    # forward pass
    zs = []
    is_ = []
    fs = []
    os = []
    cs = [c]
    hs = [h]
    for t in range(8):
        z = series[t] @ W + h @ U + b            # (1)  shape (2, 12)
        zs.append(z)
        i = 1 / (1 + np.exp(-z[:, :3]))          # (2)  shape (2, 3)
        is_.append(i)
        f = 1 / (1 + np.exp(-z[:, 3:6]))         # (3)  shape (2, 3)
        fs.append(f)
        o = 1 / (1 + np.exp(-z[:, 6:9]))         # (4)  shape (2, 3)
        os.append(o)
        c = f * c + i * np.tanh(z[:, 9:])        # (5)  shape (2, 3)
        cs.append(c)
        h = o * np.tanh(c)                       # (6)  shape (2, 3)
        hs.append(h)
    value = np.sum(h)                            # (7)
    # backprop value = np.sum(h)
    dh = np.ones_like(h)                         # (7)  shape (2, 3)
    dc = np.zeros_like(c)
    dW = np.zeros_like(W)
    dU = np.zeros_like(U)
    db = np.zeros_like(b)
    for t in reversed(range(8)):
        # backprop h = o * np.tanh(c)
        t1 = np.tanh(cs[t + 1])                  # (6)  shape (2, 3)
        do = dh * t1                             # (6)  shape (2, 3)
        dc += dh * os[t] * (1 - t1**2)           # (6)  shape (2, 3)
        # backprop c = f * c + i * np.tanh(z[:, 9:])
        t1 = np.tanh(zs[t][:, 9:])               # (5)  shape (2, 3)
        df = dc * cs[t]                          # (5)  shape (2, 3)
        di = dc * t1                             # (5)  shape (2, 3)
        dz = np.zeros_like(zs[t])                # (5)  shape (2, 12)
        dz[:, 9:] += dc * is_[t] * (1 - t1**2)   # (5)  shape (2, 3)
        dc = dc * fs[t]                          # (5)  shape (2, 3)
        # backprop o = 1 / (1 + np.exp(-z[:, 6:9]))
        dz[:, 6:9] += do * os[t] * (1 - os[t])   # (4)  shape (2, 3)
        # backprop f = 1 / (1 + np.exp(-z[:, 3:6]))
        dz[:, 3:6] += df * fs[t] * (1 - fs[t])   # (3)  shape (2, 3)
        # backprop i = 1 / (1 + np.exp(-z[:, :3]))
        dz[:, :3] += di * is_[t] * (1 - is_[t])  # (2)  shape (2, 3)
        # backprop z = series[t] @ W + h @ U + b
        dW += series[t].T @ dz                   # (1)  shape (4, 12)
        dh = dz @ U.T                            # (1)  shape (2, 3)
        dU += hs[t].T @ dz                       # (1)  shape (3, 12)
        db += dz.sum(axis=0)                     # (1)  shape (12,)
    return value, (dW, dU, db, dh, dc)
