"""NumPy, as programs for autograd import it: its own functions, which Arrays answer.

What NumPy does not ask an Array about (``np.array``, ``np.zeros``) recorded functions see through
a view, as they do where they import NumPy itself.
"""

import numpy as _np

from chainrule.interop.autograd.numpy import fft, linalg, numpy_boxes, random
from chainrule.interop.autograd.numpy.own import WHOLE as _WHOLE
from chainrule.interop.autograd.numpy.own import make_diagonal, where

_OWN = {
    "fft": fft,
    "linalg": linalg,
    "make_diagonal": make_diagonal,
    "numpy_boxes": numpy_boxes,
    "random": random,
    "where": where,
    **_WHOLE,
}
_ALL = {name: value for name, value in vars(_np).items() if not name.startswith("_")}
globals().update({**_ALL, **_OWN})
__version__ = _np.__version__
