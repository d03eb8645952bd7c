"""What may stand in the place of an operand where an operation is noted and not computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.core.operation import Operation

__all__ = ["Symbolic"]


class Symbolic:
    """An operand without a value: whoever applies an operation to it asks it what comes of that.

    `chainrule.graph.formula` traces formulas with such operands.
    """

    __slots__ = ()

    def applied(
        self, operation: Operation, operands: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Return the result of an operation, of which this is one of the operands."""
        raise NotImplementedError
