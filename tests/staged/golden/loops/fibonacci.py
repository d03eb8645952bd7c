import math


def fibonacci_gradient(x):
    """Return fibonacci(x) and its gradient."""
    # forward pass
    b = x * x                                # (1)
    bs = [x, b]
    for t in range(10):
        b = math.sin(bs[t]) + b              # (2)
        bs.append(b)
    # backprop b = math.sin(bs[t]) + b
    db = math.cos(bs[9])                     # (2)
    db_2 = 1.0                               # (2)
    dbs = [db_2]
    for t in reversed(range(1, 9)):
        # backprop b = math.sin(bs[t]) + b
        db += (1) * dbs[8 - t]               # (2)
        dbs.append(db)
        db = (math.cos(bs[t])) * dbs[8 - t]  # (2)
    # backprop b = math.sin(bs[t]) + b
    dx = (math.cos(x)) * dbs[8]              # (2)
    db += (1) * dbs[8]                       # (2)
    # backprop b = x * x
    dx += (2 * x) * db                       # (1)
    return b, (dx,)
