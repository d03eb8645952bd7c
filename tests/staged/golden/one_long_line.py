import math


def one_long_line_gradient(a, b):
    """Return one_long_line(a, b) and its gradient."""
    # forward pass
    t1 = (a * math.sin(b) + b * math.cos(a)) * math.exp(-a * b) / (1 + a**2)                # (1)
    value = t1 + math.log(1 + b**2)                                                         # (2)
    # backprop value = t1 + math.log(1 + b**2)
    dt1 = 1.0                                                                               # (2)
    db = 2 * b / (1 + b**2)                                                                 # (2)
    # backprop t1 = (a * math.sin(b) + b * math.cos(a)) * math.exp(-a * b) / (1 + a**2)
    t2 = math.exp(-a * b)                                                                   # (1)
    t3 = math.sin(b)                                                                        # (1)
    t4 = math.cos(a)                                                                        # (1)
    t5 = a * t3 + b * t4                                                                    # (1)
    da = ((-2 * a * t1 - b * t2 * t5 - math.sin(a) * b * t2 + t3 * t2) / (1 + a**2)) * dt1  # (1)
    db += ((t4 * t2 - a * t2 * t5 + math.cos(b) * a * t2) / (1 + a**2)) * dt1               # (1)
    return value, (da, db)
