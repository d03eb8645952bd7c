"""SciPy's solvers, given exact derivatives of plain NumPy functions.

Each is called as SciPy's own is, so that a program changes its import alone::

    from chainrule.interop.scipy.optimize import minimize

Derivatives are compiled, and kept for the next call with the same function (the last 64 functions).
Parameters may be trees.
"""

from chainrule.interop.scipy.integrate import solve_ivp
from chainrule.interop.scipy.optimize import curve_fit, least_squares, minimize, root

__all__ = ["curve_fit", "least_squares", "minimize", "root", "solve_ivp"]
