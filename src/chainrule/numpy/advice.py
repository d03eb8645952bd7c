"""What to write instead, where Python and NumPy raise errors when they meet an Array."""

from __future__ import annotations

import re

__all__ = ["advice", "instead_of"]

#: What NumPy or Python says when it meets Arrays where it cannot use them -> what to write instead.
_CURES = {
    r"not supported for the input types|which has no callable|dtype\('O'\)|"
    r"'(float|int)' object has no attribute '(hypot|arctan2|logaddexp\w*|copysign|\w*mod)'": (
        "If it met an array that np.array made of numbers under differentiation, where chainrule "
        "does not see it (in a library, or in an object that is made in C): write "
        "np.stack([a, b]) in place of np.array([a, b])."
    ),
    r"unhashable type: 'Array'": (
        "A number under differentiation is no key for a dict or a set: use "
        "float(chainrule.stop_gradient(x)) as the key."
    ),
    r"Error setting single item of array": (
        "A number under differentiation cannot be written into an ndarray: write "
        "np.array([a, b]), or start from np.zeros_like(x) and fill it entry by entry."
    ),
}


def advice(error: Exception) -> str:
    """Return what to write instead where Arrays are the reason of an error, '' if unknown."""
    return next((cure for said, cure in _CURES.items() if re.search(said, str(error))), "")


_ROOT = (
    "Find the root with plain numbers and take one step of Newton's from it, which changes the "
    "gradient alone, to -f_p / f_x (the implicit function theorem): with q = "
    "chainrule.stop_gradient(p), "
)
#: What is called -> what to write instead: the first that fits.
_INSTEAD = {
    r"scipy\.stats|\.(log)?p[dm]f\b|\.(log)?cdf\b": (
        "Write its formula, which its documentation gives, with NumPy and scipy.special."
    ),
    r"optimize\.(brent[qh]|bisect|ridder|toms748|root_scalar|newton|fixed_point)": (
        f"{_ROOT}x = brentq(lambda t: f(t, q), a, b) and then "
        "x - f(x, p) / chainrule.grad(f)(x, q)."
    ),
    r"optimize\.(root|fsolve)": (
        f"{_ROOT}x = fsolve(lambda t: f(t, q), start) and then "
        "x - np.linalg.solve(chainrule.jacobian(f)(x, q), f(x, p))."
    ),
    r"optimize\.(minimize|least_squares)": (
        f"{_ROOT}x = minimize(lambda t: f(t, q), start).x and then "
        "x - np.linalg.solve(chainrule.hessian(f)(x, q), chainrule.grad(f)(x, p))."
    ),
    r"integrate\.(quad|fixed_quad|romberg)": (
        "Sum it up in NumPy: t, w = np.polynomial.legendre.leggauss(50), h = (b - a) / 2, and the "
        "integral is h * np.sum(w * f(a + h * (t + 1)))."
    ),
    r"integrate\.(solve_ivp|odeint)": (
        "Write the steps as a loop in NumPy (four lines for Runge and Kutta's method), which is "
        "differentiated, compiled and printed as any loop is."
    ),
}


def instead_of(called: str) -> str:
    """Return what to write instead of a function of a library, '' if unknown."""
    return next((cure for name, cure in _INSTEAD.items() if re.search(name, called)), "")
