"""Which function of SciPy is which operation: one module here for each of SciPy's.

SciPy's functions ask nobody what an Array means, so recorded code sees those here in their place
(`chainrule.numpy.view`). They are entered by name, for SciPy is loaded by user code alone.
"""

from chainrule.numpy.scipy import (
    decompositions,
    distances,
    edges,
    fits,
    fourier,
    images,
    integration,
    interpolation,
    linear_algebra,
    minima,
    odes,
    quadrature,
    roots,
    samples,
    signals,
    sparse,
    special,
    statistics,
    structured,
)

__all__ = [
    "decompositions",
    "distances",
    "edges",
    "fits",
    "fourier",
    "images",
    "integration",
    "interpolation",
    "linear_algebra",
    "minima",
    "odes",
    "quadrature",
    "roots",
    "samples",
    "signals",
    "sparse",
    "special",
    "statistics",
    "structured",
]
