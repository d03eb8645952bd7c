import math


def fixed_point_gradient(a):
    """Return fixed_point(a) and its gradient."""
    # forward pass
    x = 1.0                         # (1)
    xs = []
    while True:
        new = math.cos(a * x)       # (2)
        if abs(new - x) < 1e-08:
            break
        xs.append(x)
        x = new                     # (3)
    turns = len(xs)
    da = 0.0
    dnew = 1.0
    # backprop new = math.cos(a * x)
    t1 = math.sin(a * x)            # (2)
    da += (-x * t1) * dnew          # (2)
    dx = (-a * t1) * dnew           # (2)
    for t in reversed(range(turns)):
        # backprop x = new
        dnew = dx                   # (3)
        # backprop new = math.cos(a * x)
        t1 = math.sin(a * xs[t])    # (2)
        da += (-xs[t] * t1) * dnew  # (2)
        dx = (-a * t1) * dnew       # (2)
    return new, (da,)
