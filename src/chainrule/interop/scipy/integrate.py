"""scipy.integrate: the solver that makes use of derivatives."""

from chainrule.interop.scipy.odes import solve_ivp

__all__ = ["solve_ivp"]
