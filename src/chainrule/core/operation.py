"""An operation: a function that the graph knows, declared once by a row of data.

The kinds of operation, which turn a row's rules into a backward and a forward pass, are in
`chainrule.core.kinds`. An operation is called, and nodes are made, in `chainrule.core.apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

__all__ = ["OPERATIONS", "Operation"]

#: Every operation by name. Filled by declaring it.
OPERATIONS: dict[str, Operation] = {}


class Operation:
    """A function of numbers and arrays whose derivative is known.

    Args:
        name: what it is called in graphs, messages and printed code.
        compute: plain values -> plain value. Keyword arguments are static parameters.
        differentiable: False for operations such as comparisons, whose output carries no gradient.
        singular: the local gradient can be infinite, so a zero upstream gradient must stop there.
        scalar: a faster ``compute`` for Python floats, from `math`.
        symbol: the Python operator that means this operation, if there is one.
        source: how a call prints, for example ``"np.exp({0})"``; ``np.<name>(...)`` if not given.
        scatter: for indexing, ``(buffer, g, *indices, **params)`` adds the pullback of the first
            operand into a buffer in place.
        domain: where the tests draw operands from; see `chainrule.core.domain`.

    The kinds (`chainrule.core.kinds`) add the rules: ``pull``, from the upstream gradient to the
    gradient of operand k, and ``push``, from the operands' tangents to the output's.
    """

    differentiable = True

    def __init__(
        self,
        name: str,
        compute: Callable[..., Any],
        *,
        singular: bool = False,
        scalar: Callable[..., Any] | None = None,
        symbol: str | None = None,
        source: str | None = None,
        scatter: Callable[..., Any] | None = None,
        domain: Any = None,
    ) -> None:
        self.name = name
        self.compute = compute
        self.singular = singular
        self.scalar = scalar
        self.symbol = symbol
        self.source = source
        self.scatter = scatter
        self.domain = domain
        self.dropped_for: dict[int, tuple[int, ...]] = {}
        OPERATIONS[name] = self

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    if TYPE_CHECKING:  # installed by chainrule.core.apply, where nodes are made

        def __call__(self, *operands: Any, **params: Any) -> Any:
            """Compute the operation, and record it where an operand is an Array."""

    def pull(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        """Return the gradient of operand k, given the upstream gradient g; None for zero.

        A zero upstream gradient stops here even where the local gradient is infinite.
        """
        raise NotImplementedError

    def pull_fast(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        """Return what `pull` does, except that 0 * inf may come out as NaN."""
        return self.pull(k, g, operands, output, params)

    def push(
        self,
        tangents: Sequence[Any],
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
    ) -> Any:
        """Return the tangent of the output; a tangent that is None is zero."""
        raise NotImplementedError

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        """Tell which operands' values the rule of operand k reads, and whether the output's."""
        raise NotImplementedError

    def dropped(self, active: int, arity: int) -> tuple[int, ...]:
        """Return the operands (``arity`` for the output) whose values no rule will read.

        ``active`` has bit k set where operand k has a node, and thus a rule that may be asked for.
        The answer is remembered in ``dropped_for``, by the active operands and their number.
        """
        read: set[int] = set()
        for k in range(arity):
            if active >> k & 1:
                operands, output = self.needs(k, arity)
                read |= operands
                if output:
                    read.add(arity)
        dropped = tuple(k for k in range(arity + 1) if k not in read)
        self.dropped_for[active | 1 << arity] = dropped
        return dropped
