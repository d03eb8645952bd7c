"""autograd's module of that name; the operators are in `operators`."""

from chainrule.interop.autograd.operators import *  # noqa: F403
from chainrule.interop.autograd.operators import __all__ as __all__
