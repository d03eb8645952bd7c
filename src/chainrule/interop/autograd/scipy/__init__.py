"""SciPy's modules, as programs for autograd import them."""

from chainrule.interop.autograd.scipy import integrate, linalg, signal, special, stats

__all__ = ["integrate", "linalg", "signal", "special", "stats"]
