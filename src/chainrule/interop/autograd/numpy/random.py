"""NumPy's module of that name, whose functions Arrays answer."""

from __future__ import annotations

from numpy import random as _random

globals().update({name: value for name, value in vars(_random).items() if not name.startswith("_")})
