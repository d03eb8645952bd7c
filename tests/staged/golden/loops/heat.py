import numpy as np


def heat_gradient(u):
    """Return heat(u) and its gradient."""
    # forward pass
    fluxes = []
    for _ in range(30):
        flux = u[1:] - u[:-1]             # (1)  shape (11,)
        fluxes.append(flux)
        u = (                             # (2)  shape (12,)
            u
            + 0.1 * np.concatenate((flux[:1], flux[1:] - flux[:-1], -flux[-1:]))
        )
    value = np.sum(u * u)                 # (3)
    # backprop value = np.sum(u * u)
    du = 2 * u                            # (3)  shape (12,)
    for t in reversed(range(30)):
        # backprop u = u + 0.1 * np.concatenate((flux[:1], flux[1:] - flux[:-1], -flux[-1:]))
        t1 = (0.1 * du)[1:11]             # (2)  shape (10,)
        dflux = np.zeros_like(fluxes[t])  # (2)  shape (11,)
        dflux[-1:] -= (0.1 * du)[11:12]   # (2)  shape (1,)
        dflux[:-1] -= t1                  # (2)  shape (10,)
        dflux[1:] += t1                   # (2)  shape (10,)
        dflux[:1] += (0.1 * du)[:1]       # (2)  shape (1,)
        du = du.copy()                    # (2)  shape (12,)
        # backprop flux = u[1:] - u[:-1]
        du[1:] += dflux                   # (1)  shape (11,)
        du[:-1] -= dflux                  # (1)  shape (11,)
    return value, (du,)
