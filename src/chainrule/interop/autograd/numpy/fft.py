"""NumPy's module of that name, whose functions Arrays answer."""

from __future__ import annotations

from numpy import fft as _fft

globals().update({name: value for name, value in vars(_fft).items() if not name.startswith("_")})
