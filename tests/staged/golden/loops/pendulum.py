import math


def swing_gradient(th, om, dt):
    """Return swing(th, om, dt) and its gradient."""
    # forward pass
    ths = []
    oms = [om]
    for _ in range(60):
        th = th + dt * om                      # (1)
        ths.append(th)
        om = om - dt * math.sin(th)            # (2)
        oms.append(om)
    # backprop th = th + dt * om
    dth = 1.0                                  # (1)
    ddt = oms[59]                              # (1)
    dom = dt                                   # (1)
    for t in reversed(range(59)):
        # backprop om = om - dt * math.sin(th)
        ddt += (-math.sin(ths[t])) * dom       # (2)
        dth += (-math.cos(ths[t]) * dt) * dom  # (2)
        # backprop th = th + dt * om
        ddt += (oms[t]) * dth                  # (1)
        dom += (dt) * dth                      # (1)
    return th, (dth, dom, ddt)
