import math


def call_price_in_stages_gradient(S, K, r, sigma, T):
    """Return call_price_in_stages(S, K, r, sigma, T) and its gradient."""
    # forward pass
    vol = sigma * math.sqrt(T)                                                        # (1)
    d1 = (math.log(S / K) + (r + sigma**2 / 2) * T) / vol                             # (2)
    d2 = d1 - vol                                                                     # (3)
    discount = math.exp(-r * T)                                                       # (4)
    strike = K * discount * (0.5 * math.erfc(-d2 / math.sqrt(2)))                     # (5)
    price = S * (0.5 * math.erfc(-d1 / math.sqrt(2))) - strike                        # (6)
    # backprop price = S * (0.5 * math.erfc(-d1 / math.sqrt(2))) - strike
    dS = 0.5 * math.erfc(-d1 / math.sqrt(2))                                          # (6)
    dd1 = math.exp(-0.5 * d1**2) * S / math.sqrt(2 * math.pi)                         # (6)
    dstrike = -1.0                                                                    # (6)
    # backprop strike = K * discount * (0.5 * math.erfc(-d2 / math.sqrt(2)))
    t1 = 0.5 * math.erfc(-d2 / math.sqrt(2))                                          # (5)
    dK = (discount * t1) * dstrike                                                    # (5)
    ddiscount = (K * t1) * dstrike                                                    # (5)
    dd2 = (math.exp(-0.5 * d2**2) * K * discount / math.sqrt(2 * math.pi)) * dstrike  # (5)
    # backprop discount = math.exp(-r * T)
    dr = (-T * discount) * ddiscount                                                  # (4)
    dT = (-r * discount) * ddiscount                                                  # (4)
    # backprop d2 = d1 - vol
    dd1 += (1) * dd2                                                                  # (3)
    dvol = (-1.0) * dd2                                                               # (3)
    # backprop d1 = (math.log(S / K) + (r + sigma**2 / 2) * T) / vol
    dS += (1 / (S * vol)) * dd1                                                       # (2)
    dK += (-1 / (K * vol)) * dd1                                                      # (2)
    dr += (T / vol) * dd1                                                             # (2)
    dsigma = (sigma * T / vol) * dd1                                                  # (2)
    dT += ((r + sigma**2 / 2) / vol) * dd1                                            # (2)
    dvol += (-d1 / vol) * dd1                                                         # (2)
    # backprop vol = sigma * math.sqrt(T)
    t2 = math.sqrt(T)                                                                 # (1)
    dsigma += (t2) * dvol                                                             # (1)
    dT += (0.5 * sigma / t2) * dvol                                                   # (1)
    return price, (dS, dK, dr, dsigma, dT)
