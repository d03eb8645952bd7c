def newton_gradient(a, tol):
    """Return newton(a, tol) and its gradient."""
    # forward pass
    x = a                                                # (1)
    xs = []
    while abs(x * x - a) > tol:
        xs.append(x)
        x = x - (x * x - a) / (2 * x)                    # (2)
    turns = len(xs)
    da = 0.0
    dx = 1.0
    for t in reversed(range(turns)):
        # backprop x = x - (x * x - a) / (2 * x)
        da += (1 / (2 * xs[t])) * dx                     # (2)
        dx = (2 * (xs[t]**2 - a) / (4 * xs[t]**2)) * dx  # (2)
    # backprop x = a
    da += dx                                             # (1)
    return x, (da, 0.0)
