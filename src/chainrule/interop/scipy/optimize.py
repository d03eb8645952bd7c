"""scipy.optimize: the solvers that make use of derivatives."""

from chainrule.interop.scipy.minima import minimize
from chainrule.interop.scipy.residuals import curve_fit, least_squares
from chainrule.interop.scipy.roots import root

__all__ = ["curve_fit", "least_squares", "minimize", "root"]
