def bounded_gradient(a, tol):
    """Return bounded(a, tol) and its gradient."""
    # forward pass
    x = a                                       # (1)
    xs = []
    k = 0
    while abs(x * x - a) > tol and k < 12:
        xs.append(x)
        x = 0.5 * (x + a / x)                   # (2)
        k += 1
    turns = len(xs)
    da = 0.0
    dx = 1.0
    for k in reversed(range(turns)):
        # backprop x = 0.5 * (x + a / x)
        da += (0.5 / xs[k]) * dx                # (2)
        dx = (0.5 - 0.5 * a / (xs[k]**2)) * dx  # (2)
    # backprop x = a
    da += dx                                    # (1)
    return x, (da, 0.0)
