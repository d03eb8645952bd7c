"""Which operation a function of NumPy, `math` or SciPy is: read off the names in the rows."""

from __future__ import annotations

import sys
from typing import Any

from chainrule.core.operation import OPERATIONS, Operation

__all__ = ["named_in", "operation_of"]


def named_in(module: str) -> dict[str, Operation]:
    """Return the operations that a module has a function for, by the names that it gives them.

    >>> named_in("math")["acos"]
    <operation arccos>
    """
    prefix = f"{module}."
    return {
        name.removeprefix(prefix): operation
        for operation in OPERATIONS.values()
        for name in operation.names
        if name.startswith(prefix) and "." not in name.removeprefix(prefix)
    }


def operation_of(function: Any) -> Operation | None:
    """Look up the operation that a function is, whatever module it is from, if that is loaded."""
    for operation in OPERATIONS.values():
        for full in operation.names:
            module, _, name = full.rpartition(".")
            if getattr(sys.modules.get(module), name, None) is function:
                return operation
    return None
