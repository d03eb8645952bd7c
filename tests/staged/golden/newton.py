def newton_gradient(a):
    """Return newton(a) and its gradient."""
    # forward pass
    x = a                                       # (1)
    xs = []
    while abs(x * x - a) > 1e-06:
        xs.append(x)
        x = 0.5 * (x + a / x)                   # (2)
    turns = len(xs)
    da = 0.0
    dx = 1.0
    for t in reversed(range(turns)):
        # backprop x = 0.5 * (x + a / x)
        da += (0.5 / xs[t]) * dx                # (2)
        dx = (0.5 - 0.5 * a / (xs[t]**2)) * dx  # (2)
    # backprop x = a
    da += dx                                    # (1)
    return x, (da,)
