"""Python's containers and questions: they are what they are, for Arrays live in them as they do."""

from __future__ import annotations

import builtins
from builtins import dict, isinstance, list, tuple  # noqa: UP029  # for others to import
from typing import Any

from chainrule.core.array import value_of

__all__ = ["dict", "isinstance", "list", "tuple", "type"]


def type(x: Any) -> Any:
    """Return the type that a value has when nobody differentiates by it."""
    return builtins.type(value_of(x))
