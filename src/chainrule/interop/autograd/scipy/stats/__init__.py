"""Distributions, each a module of functions: ``scipy.stats.norm.logpdf``."""

from __future__ import annotations

import sys
from types import ModuleType

from scipy import stats as _stats

from chainrule.numpy.scipy.table import MEANINGS

__all__ = sorted(name for name in MEANINGS["scipy.stats"] if hasattr(_stats, name))


def _module(name: str) -> ModuleType:
    """Make a module of a distribution's methods, which ``import`` finds, too."""
    original = getattr(_stats, name)
    seen = MEANINGS["scipy.stats"][name].make(original)
    module = ModuleType(f"{__name__}.{name}", original.__doc__)
    for method in dir(original):
        if not method.startswith("_"):
            setattr(module, method, getattr(seen, method))
    sys.modules[module.__name__] = module
    return module


globals().update({name: _module(name) for name in __all__})
