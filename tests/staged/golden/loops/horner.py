def horner_gradient(x):
    """Return horner(x) and its gradient."""
    # forward pass
    y = -1.2386449327880176
    ys = [y]
    cs = [
        -2.270643234553666,
        0.2972390620755206,
        0.8884705315099355,
        2.469564213913771,
        -0.6682649167578469,
        0.4901525821400375,
        -0.11585572773690406,
        -2.368403063976702,
        0.3748061805284154
    ]
    for t in range(9):
        y = y * x + cs[t]   # (1)
        ys.append(y)
    # backprop y = y * x + cs[t]
    dy = x                  # (1)
    dx = ys[8]              # (1)
    for t in reversed(range(8)):
        # backprop y = y * x + cs[t]
        dx += (ys[t]) * dy  # (1)
        dy = (x) * dy       # (1)
    return y, (dx,)
