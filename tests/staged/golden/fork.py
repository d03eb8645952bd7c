def fork_gradient(x, y):
    """Return fork(x, y) and its gradient."""
    # forward pass
    a = x * y        # (1)
    b = a + x        # (2)
    c = a * b        # (3)
    value = c / y    # (4)
    # backprop value = c / y
    dc = 1 / y       # (4)
    dy = -value / y  # (4)
    # backprop c = a * b
    da = (b) * dc    # (3)
    db = (a) * dc    # (3)
    # backprop b = a + x
    da += (1) * db   # (2)
    dx = (1) * db    # (2)
    # backprop a = x * y
    dx += (y) * da   # (1)
    dy += (x) * da   # (1)
    return value, (dx, dy)
