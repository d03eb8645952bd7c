"""Backpropagation that shows its work.

Write a function in plain NumPy; get its gradient as a number, as code you can read, as a picture of
the graph, and as a check of your own hand-written backward pass.

>>> import numpy as np, chainrule as cr
>>> cr.grad(lambda x: np.sum(np.sin(x) ** 2))(np.array([0.0, 0.5]))
array([0.        , 0.84147098])
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from chainrule import errors
from chainrule.core.array import Array, array
from chainrule.core.declare import elementwise, linear, operation
from chainrule.errors import ChainruleError
from chainrule.transforms import define_by_run  # noqa: F401  # gives Array its backward()
from chainrule.transforms.checkpoint import checkpoint
from chainrule.transforms.control_flow import cond, fori_loop, scan, while_loop
from chainrule.transforms.custom_gradient import custom_gradient
from chainrule.transforms.elementwise import elementwise_grad, holomorphic_grad
from chainrule.transforms.forward import jvp
from chainrule.transforms.jacobians import hessian, jacobian
from chainrule.transforms.linearize import linearize
from chainrule.transforms.products import ggnvp, hvp, vhp
from chainrule.transforms.ravel import ravel
from chainrule.transforms.reverse import grad, value_and_grad, vjp
from chainrule.transforms.sparse import sparse_hessian, sparse_jacobian, sparsity
from chainrule.transforms.stop import stop_gradient
from chainrule.transforms.taylor import taylor
from chainrule.transforms.vmap import vmap

if TYPE_CHECKING:
    from chainrule.check import GradientReport, check_gradient
    from chainrule.explain import Explanation, Failure, Review, explain, explain_failure, review
    from chainrule.native import Compiled, compile
    from chainrule.staged import Staged, stage

__all__ = [
    "Array",
    "ChainruleError",
    "Compiled",
    "Explanation",
    "Failure",
    "GradientReport",
    "Review",
    "Staged",
    "array",
    "check_gradient",
    "checkpoint",
    "compile",
    "cond",
    "custom_gradient",
    "elementwise",
    "elementwise_grad",
    "errors",
    "explain",
    "explain_failure",
    "fori_loop",
    "ggnvp",
    "grad",
    "hessian",
    "holomorphic_grad",
    "hvp",
    "jacobian",
    "jvp",
    "linear",
    "linearize",
    "operation",
    "ravel",
    "review",
    "scan",
    "sparse_hessian",
    "sparse_jacobian",
    "sparsity",
    "stage",
    "stop_gradient",
    "taylor",
    "value_and_grad",
    "vhp",
    "vjp",
    "vmap",
    "while_loop",
]
__version__ = "0.1.0"

# Loaded on first use, so that `import chainrule` costs little more than NumPy.
_LAZY = {
    "Compiled": "chainrule.native",
    "Explanation": "chainrule.explain",
    "Failure": "chainrule.explain",
    "GradientReport": "chainrule.check",
    "Review": "chainrule.explain",
    "Staged": "chainrule.staged",
    "check_gradient": "chainrule.check",
    "compile": "chainrule.native",
    "explain": "chainrule.explain",
    "explain_failure": "chainrule.explain",
    "review": "chainrule.explain",
    "stage": "chainrule.staged",
}


class _Face(ModuleType):
    """This module, in which ``explain`` is the function even when the package is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _LAZY and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it by name, as other modules are, with functions that refer to it."""
        return importlib.import_module, (__name__,)


sys.modules[__name__].__class__ = _Face


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        value = getattr(importlib.import_module(_LAZY[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
