import math


def bell_curve_gradient(x, mu, sigma):
    """Return bell_curve(x, mu, sigma) and its gradient."""
    # forward pass
    z = (x - mu) / sigma                                              # (1)
    density = math.exp(-z**2 / 2) / (sigma * math.sqrt(2 * math.pi))  # (2)
    # backprop density = math.exp(-z**2 / 2) / (sigma * math.sqrt(2 * math.pi))
    dz = -z * density                                                 # (2)
    dsigma = -density / sigma                                         # (2)
    # backprop z = (x - mu) / sigma
    dx = (1 / sigma) * dz                                             # (1)
    dmu = (-1 / sigma) * dz                                           # (1)
    dsigma += (-z / sigma) * dz                                       # (1)
    return density, (dx, dmu, dsigma)
