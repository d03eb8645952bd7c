import numpy as np


def list_and_tuple_gradient(ws, ab):
    """Return list_and_tuple(ws, ab) and its gradient."""
    ws_0 = ws[0]
    ws_1 = ws[1]
    a = ab[0]
    b = ab[1]
    # forward pass
    value = a * np.sum(ws_0) + b * np.prod(ws_1)  # (1)
    # backprop value = a * np.sum(ws_0) + b * np.prod(ws_1)
    da = np.sum(ws_0)                             # (1)
    dws_0 = np.full_like(ws_0, a)                 # (1)  shape (2,)
    db = np.prod(ws_1)                            # (1)
    dws_1 = (                                     # (1)  shape (3,)
        b
        * np.concatenate((np.array([1.0]), np.cumprod(ws_1[:-1])))
        * np.concatenate((np.cumprod(ws_1[1:][::-1])[::-1], np.array([1.0])))
    )
    return value, ([dws_0, dws_1], (da, db))
