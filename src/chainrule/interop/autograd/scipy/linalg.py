"""SciPy's module of that name, of whose functions recorded code sees others where it has to."""

from __future__ import annotations

from scipy import linalg as _linalg

globals().update({name: value for name, value in vars(_linalg).items() if not name.startswith("_")})
