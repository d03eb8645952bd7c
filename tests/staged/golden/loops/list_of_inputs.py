import math


def list_of_inputs_gradient(xs, w):
    """Return list_of_inputs(xs, w) and its gradient."""
    x = xs[0]
    x_1 = xs[1]
    x_2 = xs[2]
    x_3 = xs[3]
    x_4 = xs[4]
    x_5 = xs[5]
    x_6 = xs[6]
    # forward pass
    h = 0.0
    hs = []
    cs = [x, x_1, x_2, x_3, x_4, x_5, x_6]
    for t in range(7):
        h = math.tanh(h + cs[t] * w)                 # (1)
        hs.append(h)
    # backprop h = math.tanh(h + cs[t] * w)
    dh = 1 - h**2                                    # (1)
    dx_1 = w * dh                                    # (1)
    dw = x_6 * dh                                    # (1)
    dxs = []
    for t in reversed(range(5)):
        # backprop h = math.tanh(h + cs[t] * w)
        dx = (w * (1 - hs[t + 1]**2)) * dh           # (1)
        dxs.append(dx)
        dw += (cs[t + 1] * (1 - hs[t + 1]**2)) * dh  # (1)
        dh = (1 - hs[t + 1]**2) * dh                 # (1)
    # backprop h = math.tanh(h + cs[t] * w)
    dx = (w * (1 - hs[0]**2)) * dh                   # (1)
    dw += (x * (1 - hs[0]**2)) * dh                  # (1)
    return h, ([dx, dxs[4], dxs[3], dxs[2], dxs[1], dxs[0], dx_1], dw)
