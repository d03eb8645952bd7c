"""`stop_gradient`: a value without its history."""

from __future__ import annotations

from typing import Any

from chainrule.core.array import Array
from chainrule.core.kinds import stopped
from chainrule.numpy.creation import result_leaves
from chainrule.transforms.results import own

__all__ = ["stop_gradient"]


def stop_gradient(x: Any) -> Any:
    """Return the plain value of x (an array or a tree of them): no gradient flows through it.

    >>> import chainrule as cr
    >>> cr.grad(lambda x: x * cr.stop_gradient(x))(3.0)
    3.0
    """
    leaves, build = result_leaves(x)
    return build([own(stopped(leaf)) if type(leaf) is Array else leaf for leaf in leaves])
