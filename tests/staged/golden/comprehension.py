def comprehension_gradient(x):
    """Return comprehension(x) and its gradient."""
    # forward pass
    value = x**0 / 1 + x**1 / 2 + x**2 / 3 + x**3 / 4  # (1)
    # backprop value = x**0 / 1 + x**1 / 2 + x**2 / 3 + x**3 / 4
    dx = 3 * x**2 / 4 + 2 * x / 3 + 1 / 2              # (1)
    return value, (dx,)
