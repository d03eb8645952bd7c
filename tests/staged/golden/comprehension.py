def comprehension_gradient(x):
    """Return comprehension(x) and its gradient."""
    # forward pass
    t1 = x**0 / 1 + x**1 / 2 + x**2 / 3  # (1)
    value = t1 + x**3 / 4                # (2)
    # backprop value = t1 + x**3 / 4
    dt1 = 1.0                            # (2)
    dx = 3 * x**2 / 4                    # (2)
    # backprop t1 = x**0 / 1 + x**1 / 2 + x**2 / 3
    dx += (2 * x / 3 + 1 / 2) * dt1      # (1)
    return value, (dx,)
