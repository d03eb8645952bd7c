import math


def nested_gradient(x, w):
    """Return nested(x, w) and its gradient."""
    # forward pass
    ss = []
    xs = [x]
    for _ in range(6):
        s = x
        ss.append([])
        for _ in range(5):
            s = math.sin(s * w)              # (1)
            ss[-1].append(s)
        x = x + s                            # (2)
        xs.append(x)
    dw = 0.0
    # backprop x = x + s
    ds = 1.0                                 # (2)
    dx = 1.0                                 # (2)
    for t in reversed(range(1, 5)):
        # backprop s = math.sin(s * w)
        t1 = math.cos(ss[5][t - 1] * w)      # (1)
        dw += (ss[5][t - 1] * t1) * ds       # (1)
        ds = (w * t1) * ds                   # (1)
    # backprop s = math.sin(s * w)
    t1 = math.cos(xs[5] * w)                 # (1)
    dx += (w * t1) * ds                      # (1)
    dw += (xs[5] * t1) * ds                  # (1)
    for t in reversed(range(5)):
        # backprop x = x + s
        ds = (1) * dx                        # (2)
        for k in reversed(range(1, 5)):
            # backprop s = math.sin(s * w)
            t1 = math.cos(ss[t][k - 1] * w)  # (1)
            dw += (ss[t][k - 1] * t1) * ds   # (1)
            ds = (w * t1) * ds               # (1)
        # backprop s = math.sin(s * w)
        t1 = math.cos(xs[t] * w)             # (1)
        dx += (w * t1) * ds                  # (1)
        dw += (xs[t] * t1) * ds              # (1)
    return x, (dx, dw)
