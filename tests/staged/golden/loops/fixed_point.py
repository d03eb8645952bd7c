import math


def fixed_point_gradient(a):
    """Return fixed_point(a) and its gradient."""
    # forward pass
    x = 1.0
    xs = []
    for _ in range(30):
        x = math.cos(a * x)           # (1)
        xs.append(x)
    # backprop x = math.cos(a * x)
    t1 = math.sin(a * xs[28])         # (1)
    da = -xs[28] * t1                 # (1)
    dx = -a * t1                      # (1)
    for t in reversed(range(1, 29)):
        # backprop x = math.cos(a * x)
        t1 = math.sin(a * xs[t - 1])  # (1)
        da += (-xs[t - 1] * t1) * dx  # (1)
        dx = (-a * t1) * dx           # (1)
    # backprop x = math.cos(a * x)
    da += (-math.sin(a)) * dx         # (1)
    return x, (da,)
