def newton_gradient(a):
    """Return newton(a) and its gradient."""
    # forward pass
    x = a                                       # (1)
    xs = [x]
    while abs(x * x - a) > 1e-06:
        x = 0.5 * (x + a / x)                   # (2)
        xs.append(x)
    turns = len(xs) - 1
    da = 0.0
    dx = 1.0
    for t in reversed(range(turns)):
        # backprop x = 0.5 * (x + a / x)
        da += (0.5 / xs[t]) * dx                # (2)
        dx = (0.5 - 0.5 * a / (xs[t]**2)) * dx  # (2)
    # backprop x = a
    da += dx                                    # (1)
    return x, (da,)
