import math


def one_long_line_gradient(a, b):
    """Return one_long_line(a, b) and its gradient."""
    # forward pass
    t1 = (a * math.sin(b) + b * math.cos(a)) * math.exp(-a * b) / (1 + a**2)                  # (1)
    value = t1 + math.log(1 + b**2)                                                           # (2)
    # backprop value = t1 + math.log(1 + b**2)
    dt1 = 1.0                                                                                 # (2)
    db = 2 * b / (1 + b**2)                                                                   # (2)
    # backprop t1 = (a * math.sin(b) + b * math.cos(a)) * math.exp(-a * b) / (1 + a**2)
    t2 = math.exp(-a * b) / (1 + a**2)                                                        # (1)
    da = (-2 * a * t1 / (1 + a**2) - b * t1 - math.sin(a) * b * t2 + math.sin(b) * t2) * dt1  # (1)
    db += (math.cos(a) * t2 - a * t1 + math.cos(b) * a * t2) * dt1                            # (1)
    return value, (da, db)
