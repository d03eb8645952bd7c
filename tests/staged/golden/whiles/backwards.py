import math

import numpy as np


def backwards_gradient(xs, most):
    """Return backwards(xs, most) and its gradient."""
    # forward pass
    s = 0.0                                              # (1)
    ss = [s]
    for i in range(29, -1, -1):
        s = 0.9 * s + xs[i] * math.sin(s)                # (2)
        s = s + 0.5 * xs[i]                              # (3)
        if s > most:
            break
        ss.append(s)
    else:
        raise AssertionError("line 162 does not end the loop; stage again")
    turns = len(ss) - 1
    value = s * s                                        # (4)
    # backprop value = s * s
    ds = 2 * s                                           # (4)
    dxs = np.zeros_like(xs)
    for i in range(29 - turns, 29):
        # backprop s = s + 0.5 * xs[i]
        dxs[i] += 0.5 * ds                               # (3)
        # backprop s = 0.9 * s + xs[i] * math.sin(s)
        dxs[i] += ds * np.sin(ss[29 - i])                # (2)
        ds = ds * np.cos(ss[29 - i]) * xs[i] + 0.9 * ds  # (2)
    # backprop s = s + 0.5 * xs[i]
    dxs[29] += 0.5 * ds                                  # (3)
    # backprop s = 0.9 * s + xs[i] * math.sin(s)
    dxs[29] += ds * math.sin(ss[0])                      # (2)
    ds = ds * math.cos(ss[0]) * xs[29] + 0.9 * ds        # (2)
    return value, (dxs, 0.0)
