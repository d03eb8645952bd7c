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


#: What is called -> what to write instead: the first that fits.
_INSTEAD = {
    r"scipy\.stats|\.(log)?p[dm]f\b|\.(log)?cdf\b": (
        "Write its formula, which its documentation gives, with NumPy and scipy.special."
    ),
    r"integrate\.\w*quad": (
        "Sum it up in NumPy: t, w = np.polynomial.legendre.leggauss(50), h = (b - a) / 2, and the "
        "integral is h * np.sum(w * f(a + h * (t + 1)))."
    ),
}


def instead_of(called: str) -> str:
    """Return what to write instead of a function of a library, '' if unknown."""
    return next((cure for name, cure in _INSTEAD.items() if re.search(name, called)), "")
