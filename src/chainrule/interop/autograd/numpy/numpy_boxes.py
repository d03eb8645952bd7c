"""What autograd calls an array under differentiation."""

from chainrule.core.array import Array as ArrayBox

__all__ = ["ArrayBox"]
