def newton_gradient(a):
    """Return newton(a) and its gradient."""
    # forward pass
    x = a
    xs = []
    for _ in range(8):
        x = 0.5 * (x + a / x)                       # (1)
        xs.append(x)
    # backprop x = 0.5 * (x + a / x)
    dx = 0.5 - 0.5 * a / (xs[6]**2)                 # (1)
    da = 0.5 / xs[6]                                # (1)
    for t in reversed(range(1, 7)):
        # backprop x = 0.5 * (x + a / x)
        da += (0.5 / xs[t - 1]) * dx                # (1)
        dx = (0.5 - 0.5 * a / (xs[t - 1]**2)) * dx  # (1)
    # backprop x = 0.5 * (x + a / x)
    da += (0.5) * dx                                # (1)
    return x, (da,)
