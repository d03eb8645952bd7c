import numpy as np


def lstm_cell_gradient(x, h, c, Wx, Wh, b):
    """Return lstm_cell(x, h, c, Wx, Wh, b) and its gradient."""
    # forward pass
    a = x @ Wx + h @ Wh + b            # (1)  shape (2, 16)
    i = 1 / (1 + np.exp(-a[:, :4]))    # (2)  shape (2, 4)
    f = 1 / (1 + np.exp(-a[:, 4:8]))   # (3)  shape (2, 4)
    o = 1 / (1 + np.exp(-a[:, 8:12]))  # (4)  shape (2, 4)
    g = np.tanh(a[:, 12:16])           # (5)  shape (2, 4)
    c_1 = f * c + i * g                # (6)  shape (2, 4)
    h_1 = o * np.tanh(c_1)             # (7)  shape (2, 4)
    value = np.sum(h_1)                # (8)
    # backprop value = np.sum(h_1)
    dh_1 = np.ones_like(h_1)           # (8)  shape (2, 4)
    # backprop h_1 = o * np.tanh(c_1)
    t1 = np.tanh(c_1)                  # (7)  shape (2, 4)
    do = dh_1 * t1                     # (7)  shape (2, 4)
    dc_1 = dh_1 * o * (1 - t1**2)      # (7)  shape (2, 4)
    # backprop c_1 = f * c + i * g
    df = dc_1 * c                      # (6)  shape (2, 4)
    dc = dc_1 * f                      # (6)  shape (2, 4)
    di = dc_1 * g                      # (6)  shape (2, 4)
    dg = dc_1 * i                      # (6)  shape (2, 4)
    # backprop g = np.tanh(a[:, 12:16])
    da = np.zeros_like(a)              # (5)  shape (2, 16)
    da[:, 12:16] += dg * (1 - g**2)    # (5)  shape (2, 4)
    # backprop o = 1 / (1 + np.exp(-a[:, 8:12]))
    da[:, 8:12] += do * o * (1 - o)    # (4)  shape (2, 4)
    # backprop f = 1 / (1 + np.exp(-a[:, 4:8]))
    da[:, 4:8] += df * f * (1 - f)     # (3)  shape (2, 4)
    # backprop i = 1 / (1 + np.exp(-a[:, :4]))
    da[:, :4] += di * i * (1 - i)      # (2)  shape (2, 4)
    # backprop a = x @ Wx + h @ Wh + b
    dx = da @ Wx.T                     # (1)  shape (2, 3)
    dWx = x.T @ da                     # (1)  shape (3, 16)
    dh = da @ Wh.T                     # (1)  shape (2, 4)
    dWh = h.T @ da                     # (1)  shape (4, 16)
    db = da.sum(axis=0)                # (1)  shape (16,)
    return value, (dx, dh, dc, dWx, dWh, db)
