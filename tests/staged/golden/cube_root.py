def cube_root_gradient(x):
    """Return cube_root(x) and its gradient."""
    # forward pass
    value = x ** (1 / 3)        # (1)
    # backprop value = x ** (1 / 3)
    dx = 1 / 3 * x ** (-2 / 3)  # (1)
    return value, (dx,)
