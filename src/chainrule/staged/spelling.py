"""The table of all spellings, and the speller that uses it."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.graph.graph import Vertex
from chainrule.staged.constants import Constants
from chainrule.staged.speller import Speller, Spellings
from chainrule.staged.spelling_arrays import ARRAYS
from chainrule.staged.spelling_elementwise import ELEMENTWISE
from chainrule.staged.spelling_indexing import INDEXING

__all__ = ["speller_for"]

_SPELLINGS = Spellings({**ELEMENTWISE, **ARRAYS, **INDEXING})


def speller_for(constants: Constants, variables: Mapping[Vertex, str]) -> Speller:
    """Return a speller that knows every operation, for code that has these names."""
    return Speller(constants, _SPELLINGS, variables)
