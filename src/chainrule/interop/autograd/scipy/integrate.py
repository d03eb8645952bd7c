"""SciPy's module of that name."""

from scipy.integrate import odeint as odeint
