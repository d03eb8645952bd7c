import numpy as np


def running_sum_gradient(x):
    """Return running_sum(x) and its gradient."""
    # forward pass
    y_t = x[0]                       # (1)
    y = [y_t]
    for t in range(1, 9):
        y_t = y_t + x[t] * x[t - 1]  # (2)
        y.append(y_t)
    value = np.sum(np.stack(y))      # (3)
    dx = np.zeros_like(x)
    dy_t = 1.0
    for t in reversed(range(1, 9)):
        # backprop y_t = y_t + x[t] * x[t - 1]
        dx[t - 1] += dy_t * x[t]     # (2)
        dx[t] += dy_t * x[t - 1]     # (2)
        dy_t = 1.0 + dy_t            # (2)
    # backprop y_t = x[0]
    dx[0] += dy_t                    # (1)
    return value, (dx,)
