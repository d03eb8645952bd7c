"""Optimisers, trees as vectors, fixed points."""

from chainrule.interop.autograd.misc.flatten import flatten
from chainrule.interop.autograd.misc.tracers import const_graph

__all__ = ["const_graph", "flatten"]
