"""An operation: a function that the graph knows, declared once by a row of data.

The kinds of operation, which turn a row's rules into a backward and a forward pass, are in
`chainrule.core.kinds`. An operation is called, and nodes are made, in `chainrule.core.apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack

from chainrule.core.traits import NAMES, Traits

__all__ = ["OPERATIONS", "Operation", "rows_of"]

_P = ParamSpec("_P")
_Row = TypeVar("_Row", bound="Operation")

#: The library's own operations by name; a user's may not take one of these names.
OPERATIONS: dict[str, Operation] = {}


class Operation:
    """A function of numbers and arrays whose derivative is known.

    Args:
        name: what it is called in graphs, messages and printed code.
        compute: plain values -> plain value. Keyword arguments are static parameters.
        traits: what else there is to know of it: see `chainrule.core.traits.Traits`. Each is an
            attribute of the operation.

    Attributes:
        differentiable: False for operations such as comparisons, whose output carries no gradient.
        in_place: a pullback of the first operand can be made in place: ``scatter``, ``clear``.
        unknown: the operands by which nobody knows its derivative, so it refuses to have one.
        real_only: its rules are not known to be right for complex numbers, so it refuses them.
        refuses: there are operands that it refuses: it is ``real_only``, or some are ``unknown``.

    The kinds (`chainrule.core.kinds`) add the rules: ``pull``, from the upstream gradient to the
    gradient of operand k, and ``push``, from the operands' tangents to the output's.
    """

    differentiable = True
    #: Its operands are pulled back to at once, by `pull_together`.
    together = False

    def __init__(self, name: str, compute: Callable[..., Any], **traits: Unpack[Traits]) -> None:
        unknown = traits.keys() - NAMES
        if unknown:
            raise TypeError(f"the operation {name!r} has no trait {', '.join(sorted(unknown))}")
        self.name = name
        self.compute = compute
        numpy = traits.get("numpy", f"numpy.{name}")
        self.numpy = (numpy,) if isinstance(numpy, str) else numpy
        self.scalar = traits.get("scalar")
        self.symbol = traits.get("symbol")
        self.source = traits.get("source")
        self.unprinted = traits.get("unprinted")
        self.formula = traits.get("formula")
        self.cartesian = traits.get("cartesian")
        self.by_parts = traits.get("by_parts", False)
        self.glyph = traits.get("glyph")
        self.singular = traits.get("singular", False)
        self.scatter = traits.get("scatter")
        self.clear: Callable[..., Any] | None = traits.get("clear")
        self.in_place = self.scatter is not None or self.clear is not None
        self.kinked = traits.get("kinked", False)
        self.entrywise = traits.get("entrywise", False)
        self.moves = traits.get("moves", False)
        self.view = traits.get("view", False)
        self.selects = traits.get("selects", False)
        self.same_dtype = traits.get("same_dtype", False)
        self.parts: bool = traits.get("parts", False)
        self.reduces = traits.get("reduces", False)
        self.shape = traits.get("shape")
        self.shaped_by = traits.get("shaped_by")
        self.depends = traits.get("depends")
        self.annihilates = traits.get("annihilates", False)
        self.commutes = traits.get("commutes", False)
        self.batch = traits.get("batch")
        self.series = traits.get("series")
        self.advice = traits.get("advice")
        self.domain = traits.get("domain")
        self.examples = traits.get("examples", ())
        self.order = traits.get("order", 2)
        self.tolerance = traits.get("tolerance", 1e-7)
        self.dtypes = traits.get("dtypes", "f")
        self.real_only = self.differentiable and "c" not in self.dtypes
        self.unknown: tuple[int, ...] = ()
        self.refuses = self.real_only
        self.dropped_for: dict[int, tuple[int, ...]] = {}

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> Any:
        """Pickle (and copy) the library's own by name: an operation is told by its identity."""
        if OPERATIONS.get(self.name) is self:
            return _named, (self.name,)
        return super().__reduce__()

    if TYPE_CHECKING:  # installed by chainrule.core.apply, where nodes are made

        def __call__(self, *operands: Any, **params: Any) -> Any:
            """Compute the operation, and record it where an operand is an Array."""

    @property
    def names(self) -> tuple[str, ...]:
        """The full names of the functions that it is: ``numpy.exp`` and ``math.exp``."""
        if self.scalar is None:
            return self.numpy
        return (*self.numpy, f"math.{self.scalar.__name__}")

    def shaping(self, operands: Sequence[Any]) -> tuple[int, ...]:
        """Return the operands whose values decide the shape of the result."""
        if self.shaped_by == "values":
            return tuple(range(len(operands)))
        if self.shaped_by == "masks":  # what is indexed may hold booleans, too
            return tuple(k for k, x in enumerate(operands) if k and _is_mask(x))
        return ()

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

    def pull_together(
        self,
        sums: Sequence[Any],
        asked: Sequence[bool],
        g: Any,
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
        guarded: bool,
    ) -> Sequence[Any]:
        """Return what the gradients of all operands are with this node's share; None for zero.

        Args:
            sums: what they are without it; None for zero.
            asked: those that are asked for; the others may be anything.
            g: the upstream gradient.
            operands: values, or Arrays where the derivative is recorded; likewise output.
            output: the node's own.
            params: the node's.
            guarded: whether a zero upstream gradient stops even an infinite local one.
        """
        raise NotImplementedError

    def push(
        self,
        tangents: Sequence[Any],
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
    ) -> Any:
        """Return the tangent of the output; a tangent that is None is zero."""
        raise NotImplementedError

    def flows(self, k: int) -> bool:
        """Tell whether the result has a derivative by operand k."""
        return self.differentiable

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        """Tell which operands' values the rule of operand k reads, and whether the output's."""
        raise NotImplementedError

    def dropped(self, active: int, arity: int) -> tuple[int, ...]:
        """Return the operands (``arity`` for the output) whose values no rule will read.

        ``active`` has bit k set where operand k has a node, and thus a rule that may be asked for.
        The answer is remembered in ``dropped_for``, by the active operands and their number.
        """
        known = self.dropped_for.get(active | 1 << arity)
        if known is not None:
            return known
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


def _named(name: str) -> Operation:
    return OPERATIONS[name]


def _is_mask(x: Any) -> bool:
    return hasattr(x, "dtype") and bool(x.dtype.kind == "b")


def rows_of(kind: Callable[_P, _Row]) -> Callable[_P, _Row]:
    """Return the function that makes operations of the library's own, entered by their names."""

    def row(*args: _P.args, **kwargs: _P.kwargs) -> _Row:
        operation = kind(*args, **kwargs)
        OPERATIONS[operation.name] = operation
        return operation

    return row
