import math


def powers_gradient(x):
    """Return powers(x) and its gradient."""
    # forward pass
    s = 0.0
    cs = [
        0.0,
        0.1,
        0.2,
        0.30000000000000004,
        0.4,
        0.5,
        0.6000000000000001,
        0.7000000000000001,
        0.8,
        0.9
    ]
    for t in range(10):
        s = s + x**t * math.sin(cs[t] * x)                                   # (1)
    # backprop s = s + x**t * math.sin(cs[t] * x)
    ds = 1.0                                                                 # (1)
    dx = 0.9 * math.cos(0.9 * x) * x**9 + 9 * x**8 * math.sin(0.9 * x)       # (1)
    for t in reversed(range(3, 9)):
        # backprop s = s + x**t * math.sin(cs[t] * x)
        dx += (                                                              # (1)
            (cs[t] * math.cos(cs[t] * x) * x**t + t * x**(t - 1) * math.sin(cs[t] * x)) * ds
        )
    # backprop s = s + x**t * math.sin(cs[t] * x)
    dx += (0.2 * math.cos(0.2 * x) * x**2 + 2 * x * math.sin(0.2 * x)) * ds  # (1)
    dx += (0.1 * math.cos(0.1 * x) * x + math.sin(0.1 * x)) * ds             # (1)
    dx += (0.0) * ds                                                         # (1)
    return s, (dx,)
