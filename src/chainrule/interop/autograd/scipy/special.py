"""SciPy's module of that name, of whose functions recorded code sees others where it has to."""

from __future__ import annotations

from scipy import special as _special

globals().update(
    {name: value for name, value in vars(_special).items() if not name.startswith("_")}
)
