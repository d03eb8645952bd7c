import math


def call_price_gradient(S, K, r, sigma, T):
    """Return call_price(S, K, r, sigma, T) and its gradient."""
    # forward pass
    d1 = (math.log(S / K) + (r + sigma**2 / 2) * T) / (sigma * math.sqrt(T))  # (1)
    d2 = d1 - sigma * math.sqrt(T)                                            # (2)
    price = (                                                                 # (3)
        S * (0.5 * math.erfc(-d1 / math.sqrt(2)))
        - K * math.exp(-r * T) * (0.5 * math.erfc(-d2 / math.sqrt(2)))
    )
    # backprop price = S * (0.5 * math.erfc(-d1 / math.sqrt(2))) - K * math.exp(-r * T) * (0.5 * ...
    t1 = math.exp(-r * T)                                                     # (3)
    t2 = t1 * (0.5 * math.erfc(-d2 / math.sqrt(2)))                           # (3)
    dS = 0.5 * math.erfc(-d1 / math.sqrt(2))                                  # (3)
    dd1 = math.exp(-0.5 * d1**2) * S / math.sqrt(2 * math.pi)                 # (3)
    dK = -t2                                                                  # (3)
    dr = T * K * t2                                                           # (3)
    dT = r * K * t2                                                           # (3)
    dd2 = -math.exp(-0.5 * d2**2) * K * t1 / math.sqrt(2 * math.pi)           # (3)
    # backprop d2 = d1 - sigma * math.sqrt(T)
    t3 = math.sqrt(T)                                                         # (2)
    dd1 += (1) * dd2                                                          # (2)
    dsigma = (-t3) * dd2                                                      # (2)
    dT += (-0.5 * sigma / t3) * dd2                                           # (2)
    # backprop d1 = (math.log(S / K) + (r + sigma**2 / 2) * T) / (sigma * math.sqrt(T))
    t4 = sigma * t3                                                           # (1)
    dS += (1 / (S * t4)) * dd1                                                # (1)
    dK += (-1 / (K * t4)) * dd1                                               # (1)
    dr += (t3 / sigma) * dd1                                                  # (1)
    dsigma += (t3 - d1 / sigma) * dd1                                         # (1)
    dT += ((r + sigma**2 / 2) / t4 - 0.5 * d1 / T) * dd1                      # (1)
    return price, (dS, dK, dr, dsigma, dT)
