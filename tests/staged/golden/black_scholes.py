import math


def black_scholes_gradient(S, K, T, r, sigma):
    """Return black_scholes(S, K, T, r, sigma) and its gradient."""
    # forward pass
    d1 = (math.log(S / K) + (r + 0.5 * sigma**2) * T) / (sigma * math.sqrt(T))                 # (1)
    d2 = d1 - sigma * math.sqrt(T)                                                             # (2)
    t1 = K * math.exp(-r * T) * (0.5 * (1 + math.erf(d2 / 1.4142135623730951)))                # (3)
    value = S * (0.5 * (1 + math.erf(d1 / 1.4142135623730951))) - t1                           # (4)
    # backprop value = S * (0.5 * (1 + math.erf(d1 / 1.4142135623730951))) - t1
    dS = 0.5 * (1 + math.erf(d1 / 1.4142135623730951))                                         # (4)
    dd1 = 0.5641895835477563 * math.exp(-d1**2 / 2.0000000000000004) * S / 1.4142135623730951  # (4)
    dt1 = -1.0                                                                                 # (4)
    # backprop t1 = K * math.exp(-r * T) * (0.5 * (1 + math.erf(d2 / 1.4142135623730951)))
    t2 = math.exp(-r * T)                                                                      # (3)
    t3 = 0.5 * (1 + math.erf(d2 / 1.4142135623730951))                                         # (3)
    dK = (t2 * t3) * dt1                                                                       # (3)
    dr = (-T * t2 * K * t3) * dt1                                                              # (3)
    dT = (-r * t2 * K * t3) * dt1                                                              # (3)
    dd2 = (                                                                                    # (3)
        (
            0.5641895835477563
            * math.exp(-d2**2 / 2.0000000000000004)
            * K
            * t2
            / 1.4142135623730951
        )
        * dt1
    )
    # backprop d2 = d1 - sigma * math.sqrt(T)
    t4 = math.sqrt(T)                                                                          # (2)
    dd1 += (1) * dd2                                                                           # (2)
    dsigma = (-t4) * dd2                                                                       # (2)
    dT += (-0.5 * sigma / t4) * dd2                                                            # (2)
    # backprop d1 = (math.log(S / K) + (r + 0.5 * sigma**2) * T) / (sigma * math.sqrt(T))
    t5 = math.sqrt(T)                                                                          # (1)
    dS += (1 / (S * sigma * t5)) * dd1                                                         # (1)
    dK += (-1 / (K * sigma * t5)) * dd1                                                        # (1)
    dr += (T / (sigma * t5)) * dd1                                                             # (1)
    dsigma += (T / t5 - d1 / sigma) * dd1                                                      # (1)
    dT += ((r + 0.5 * sigma**2) / (sigma * t5) - 0.5 * d1 / (t5**2)) * dd1                     # (1)
    return value, (dS, dK, dT, dr, dsigma)
