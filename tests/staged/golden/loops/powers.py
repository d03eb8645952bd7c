import math


def powers_gradient(x):
    """Return powers(x) and its gradient."""
    # forward pass
    s = x**0 * math.sin(0.0 * x)                                             # (1)
    cs = [0.1, 0.2, 0.30000000000000004, 0.4, 0.5, 0.6000000000000001, 0.7000000000000001, 0.8, 0.9]
    for t in range(1, 10):
        s = s + x**t * math.sin(cs[t - 1] * x)                               # (2)
    # backprop s = s + x**t * math.sin(cs[t - 1] * x)
    ds = 1.0                                                                 # (2)
    dx = 0.9 * math.cos(0.9 * x) * x**9 + 9 * x**8 * math.sin(0.9 * x)       # (2)
    for t in reversed(range(3, 9)):
        # backprop s = s + x**t * math.sin(cs[t - 1] * x)
        dx += (                                                              # (2)
            (
                cs[t - 1] * math.cos(cs[t - 1] * x) * x**t
                + t * x**(t - 1) * math.sin(cs[t - 1] * x)
            )
            * ds
        )
    # backprop s = s + x**t * math.sin(cs[t - 1] * x)
    dx += (0.2 * math.cos(0.2 * x) * x**2 + 2 * x * math.sin(0.2 * x)) * ds  # (2)
    dx += (0.1 * math.cos(0.1 * x) * x + math.sin(0.1 * x)) * ds             # (2)
    # backprop s = x**0 * math.sin(0.0 * x)
    dx += (0.0) * ds                                                         # (1)
    return s, (dx,)
