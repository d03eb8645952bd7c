import math


def list_of_inputs_gradient(xs, w):
    """Return list_of_inputs(xs, w) and its gradient."""
    x_6 = xs[6]
    # forward pass
    h = 0.0
    hs = []
    for t in range(7):
        h = math.tanh(h + xs[t] * w)         # (1)
        hs.append(h)
    # backprop h = math.tanh(h + xs[t] * w)
    dh = 1 - h**2                            # (1)
    dx_1 = w * dh                            # (1)
    dw = x_6 * dh                            # (1)
    dxs = []
    for t in reversed(range(6)):
        # backprop h = math.tanh(h + xs[t] * w)
        dx = (w * (1 - hs[t]**2)) * dh       # (1)
        dxs.append(dx)
        dw += (xs[t] * (1 - hs[t]**2)) * dh  # (1)
        dh = (1 - hs[t]**2) * dh             # (1)
    return h, ([*dxs[::-1], dx_1], dw)
