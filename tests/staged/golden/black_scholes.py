import math


def black_scholes_gradient(S, K, T, r, sigma):
    """Return black_scholes(S, K, T, r, sigma) and its gradient."""
    # forward pass
    d1 = (math.log(S / K) + (r + 0.5 * sigma**2) * T) / (sigma * math.sqrt(T))  # (1)
    d2 = d1 - sigma * math.sqrt(T)                                              # (2)
    t1 = K * math.exp(-r * T) * (0.5 * (1 + math.erf(d2 / math.sqrt(2))))       # (3)
    value = S * (0.5 * (1 + math.erf(d1 / math.sqrt(2)))) - t1                  # (4)
    # backprop value = S * (0.5 * (1 + math.erf(d1 / math.sqrt(2)))) - t1
    dS = 0.5 * (1 + math.erf(d1 / math.sqrt(2)))                                # (4)
    dd1 = math.exp(-d1**2 / 2) * S / math.sqrt(2 * math.pi)                     # (4)
    dt1 = -1.0                                                                  # (4)
    # backprop t1 = K * math.exp(-r * T) * (0.5 * (1 + math.erf(d2 / math.sqrt(2))))
    t2 = math.exp(-r * T)                                                       # (3)
    dK = (0.5 * t2 * (1 + math.erf(d2 / math.sqrt(2)))) * dt1                   # (3)
    dr = (-T * t1) * dt1                                                        # (3)
    dT = (-r * t1) * dt1                                                        # (3)
    dd2 = (math.exp(-d2**2 / 2) * K * t2 / math.sqrt(2 * math.pi)) * dt1        # (3)
    # backprop d2 = d1 - sigma * math.sqrt(T)
    t3 = math.sqrt(T)                                                           # (2)
    dd1 += (1) * dd2                                                            # (2)
    dsigma = (-t3) * dd2                                                        # (2)
    dT += (-0.5 * sigma / t3) * dd2                                             # (2)
    # backprop d1 = (math.log(S / K) + (r + 0.5 * sigma**2) * T) / (sigma * math.sqrt(T))
    t4 = sigma * t3                                                             # (1)
    dS += (1 / (S * t4)) * dd1                                                  # (1)
    dK += (-1 / (K * t4)) * dd1                                                 # (1)
    dr += (t3 / sigma) * dd1                                                    # (1)
    dsigma += (t3 - d1 / sigma) * dd1                                           # (1)
    dT += ((r + 0.5 * sigma**2) / t4 - 0.5 * d1 / T) * dd1                      # (1)
    return value, (dS, dK, dT, dr, dsigma)
