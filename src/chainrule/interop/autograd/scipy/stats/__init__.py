"""Distributions, each a module of functions: ``scipy.stats.norm.logpdf``; and what has samples."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import Any

from scipy import stats as _stats

from chainrule.numpy.scipy.table import MEANINGS, Made

__all__ = sorted(name for name in MEANINGS["scipy.stats"] if hasattr(_stats, name))


def _meaning(name: str) -> Any:
    original, meaning = getattr(_stats, name), MEANINGS["scipy.stats"][name]
    seen = meaning.make(original) if isinstance(meaning, Made) else meaning
    return seen if isinstance(original, FunctionType) else _module(name, original, seen)


def _module(name: str, original: Any, seen: Any) -> ModuleType:
    """Make a module of a distribution's methods, which ``import`` finds, too."""
    module = ModuleType(f"{__name__}.{name}", original.__doc__)
    for method in dir(original):
        if not method.startswith("_"):
            setattr(module, method, getattr(seen, method))
    sys.modules[module.__name__] = module
    return module


globals().update({name: _meaning(name) for name in __all__})
