"""A call of a user's function as one node of the graph, which knows how to pull back.

`checkpoint` and `custom_gradient` are made of it. The node keeps the arguments, and not what the
function has made on the way: its pullback runs the function again (`checkpoint`), or what the user
gave in its place (`custom_gradient`). It is recorded like any rule where its result may be
differentiated further.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.apply import Given, apply, apply_unary
from chainrule.core.array import Array, dtype_of, is_complex, is_inexact, shape_of, value_of
from chainrule.core.callables import name_of
from chainrule.core.captured import hold
from chainrule.core.joint import Joint
from chainrule.core.kinds import astype, conform, identity, real
from chainrule.core.node import Leaf, Node
from chainrule.core.placeholder import Placeholder
from chainrule.core.recording import Recording, has_ended
from chainrule.core.source import where_am_i
from chainrule.errors import UnsupportedError
from chainrule.numpy.creation import result_leaves
from chainrule.numpy.view import UserFunction
from chainrule.operations import shape as shapes
from chainrule.transforms.inputs import lent
from chainrule.transforms.results import own

__all__ = [
    "Arguments",
    "Call",
    "CallOperation",
    "Form",
    "Result",
    "closed_over",
    "is_observed",
    "is_seen_through",
    "now",
]

_ndarray = np.ndarray


class CallOperation(Joint):
    """The calls of one function.

    The first operand is what the function gave, with the history that it had (a placeholder where
    it had none), and has no gradient; then come the arguments that are differentiated by. The
    parameter ``call`` is the `Call`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(
            name,
            lambda result, *operands, call: call.value(operands),
            formula=lambda result, *operands, call: result,
            dtypes="fc",
        )

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
        call = params["call"]
        found = call.gradients(sums[1:], asked[1:], g, operands[1:], output, guarded)
        pairs = zip(found, operands[1:], strict=True)
        return [None, *(conform(part, operand) for part, operand in pairs)]

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        return frozenset(range(1, arity)), True


class Arguments:
    """The arguments of a call: those with a history, and what is constant to it.

    Attributes:
        leaves: all of them, of ``args`` and then of ``kwargs``.
        at: which of them have a history, and a derivative.
    """

    def __init__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.leaves, self._build = trees.flatten([list(args), dict(kwargs)])
        self.at = [
            k
            for k, x in enumerate(self.leaves)
            if type(x) is Array and x.node is not None and x.dtype.kind in "fc"
        ]

    @property
    def active(self) -> list[Array]:
        """The leaves that have a history."""
        return [self.leaves[k] for k in self.at]

    def rebuilt(self, active: Iterable[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return args and kwargs with other leaves in the place of those that have a history."""
        leaves = list(self.leaves)
        for k, x in zip(self.at, active, strict=True):
            leaves[k] = x
        args, kwargs = self._build(leaves)
        return args, kwargs

    def plain(self) -> tuple[list[Any], dict[str, Any]]:
        """Return args and kwargs without a history, lent: writing into an array raises."""
        args, kwargs = self._build(lent(value_of(x)) for x in self.leaves)
        return args, kwargs

    def hold(self, recording: Recording) -> None:
        """Keep the constants among them for a backward pass."""
        for k, x in enumerate(self.leaves):
            if type(x) is _ndarray and not x.dtype.hasobject:
                self.leaves[k] = hold(x, recording)

    def forget(self) -> None:
        """Let go of the leaves that have a history, which are given to `rebuilt`."""
        for k in self.at:
            self.leaves[k] = None


class Form:
    """How the floating-point leaves of a result lie in one array, one after the other."""

    def __init__(
        self, leaves: Sequence[Any], build: Callable[[Iterable[Any]], Any], at: Sequence[int]
    ) -> None:
        self._count = len(leaves)
        self._build = build
        self._at = at
        self._parts = [(leaves[k].__class__, shape_of(leaves[k]), dtype_of(leaves[k])) for k in at]

    def rebuilt(self, packed: Any, others: Sequence[Any] | None = None) -> Any:
        """Return the tree of the leaves that an array holds.

        Args:
            packed: one array; the leaf itself where there is one.
            others: what is in the place of the other leaves; None if not given.
        """
        leaves = [None] * self._count if others is None else list(others)
        for k, x in zip(self._at, self._unpacked(packed), strict=True):
            leaves[k] = x
        return self._build(leaves)

    def _unpacked(self, packed: Any) -> list[Any]:
        if len(self._parts) == 1:
            return [packed]
        leaves, start = [], 0
        for kind, shape, dtype in self._parts:
            end = start + math.prod(shape)
            part = packed[start:end]
            if dtype_of(part) != dtype:
                part = real(part) if is_complex(part) and dtype.kind == "f" else part
                part = astype(part, dtype=dtype)
            leaves.append(_as(kind, part, shape))
            start = end
        return leaves


class Result:
    """What a function gave.

    Attributes:
        arrays: its floating-point leaves, which can have a history.
        form: how they lie in one array.
    """

    def __init__(self, result: Any) -> None:
        self._leaves, build = result_leaves(result)
        at = [k for k, x in enumerate(self._leaves) if is_inexact(x)]
        self.arrays = [self._leaves[k] for k in at]
        self.form = Form(self._leaves, build, at)

    def packed(self) -> Any:
        """Return the arrays as one; the array itself where there is one."""
        if len(self.arrays) == 1:
            return own(self.arrays[0])
        parts = [shapes.reshape(x, shape=(math.prod(shape_of(x)),)) for x in self.arrays]
        return shapes.concatenate(*parts, axis=0) if parts else np.zeros(0)

    def of_node(self, operation: CallOperation, call: Call, packed: Any) -> Any:
        """Return the result as that of one node, whose operands have a history."""
        first, value = packed, packed
        if type(packed) is Array:
            value = packed.held
        else:
            first = Placeholder(shape_of(packed), dtype_of(packed))
        operands = [first, *call.arguments.active, *call.closed]
        made = apply(operation, Given(value), operands, {"call": call})
        call.arguments.forget()
        return self.form.rebuilt(made, self._leaves)


class Call:
    """One call of a function, and its pullback.

    Attributes:
        arguments: what it was given.
        closed: what else it used that has a history, as arrays; these are its last operands.
    """

    def __init__(self, run: UserFunction, arguments: Arguments, closed: Sequence[Array]) -> None:
        self.run = run
        self.arguments = arguments
        self.closed = closed

    def __repr__(self) -> str:
        return f"<call of {name_of(self.run.f)}>"

    def value(self, operands: Sequence[Any]) -> Any:
        """Run the function, and return what it gives as one array."""
        args, kwargs = self.arguments.rebuilt(operands[: len(self.arguments.at)])
        return self.result(self.run(args, kwargs)).packed()

    @abstractmethod
    def result(self, returned: Any) -> Result:
        """Return the result of the function, given what it returned."""

    @abstractmethod
    def gradients(
        self,
        sums: Sequence[Any],
        asked: Sequence[bool],
        g: Any,
        operands: Sequence[Any],
        output: Any,
        guarded: bool,
    ) -> Sequence[Any]:
        """Do what `Operation.pull_together` does, for the arguments and then what is closed over.

        The result, the upstream gradient too, is one array: see `Result.packed`.
        """


def writes(f: Callable[..., Any], what: str) -> UnsupportedError:
    """Make the error for a function that writes into its arguments, for it will get them again."""
    return UnsupportedError(
        f"{name_of(f)} {what}, and writes into an array that it was given, at {where_am_i()}: let "
        "it write into a copy, x = x.copy(), or make a new array, x = x + y in place of x += y"
    )


def is_observed(arrays: Iterable[Array]) -> bool:
    """Tell whether arrays belong to a run that is printed, explained or compiled."""
    recordings = {x.node.recording for x in arrays}
    return any(x.note is not None and not has_ended(x) for x in recordings)


def is_seen_through(arrays: Iterable[Array]) -> bool:
    """Tell whether arrays belong to a run that records what is done in calls, not the calls."""
    arrays = list(arrays)
    return is_observed(arrays) or any(x.node.recording.sees_through for x in arrays)


def now() -> int:
    """Return the birth of a node that is made now."""
    return Leaf(Recording()).birth


def closed_over(results: Iterable[Any], since: int, but: Iterable[Array] = ()) -> list[Array]:
    """Return the arrays from before a call that its results were computed from.

    Args:
        results: what the call gave.
        since: the birth of the first node that the call may have made.
        but: what is not asked for: the arguments.
    """
    found: dict[Node, Array] = {}
    ends = {x.node for x in but}
    stack = [(x, x.node) for x in results if type(x) is Array and x.node is not None]
    seen: set[Node] = set()
    while stack:
        x, node = stack.pop()
        if node in seen or node in ends:
            continue
        seen.add(node)
        if node.birth < since:
            found[node] = Array(Placeholder(shape_of(x), dtype_of(x)), node)
        else:
            pairs = zip(node.operands, node.parents, strict=True)
            stack += [(x, parent) for x, parent in pairs if parent is not None]
    return list(found.values())


def _as(kind: Callable[..., Any], part: Any, shape: tuple[int, ...]) -> Any:
    """Return entries as a value of a certain type and shape."""
    if kind is _ndarray:
        return part.reshape(shape)
    number = part[0]
    if type(number) is Array:
        return number if kind is number.__class__ else apply_unary(identity, kind, number)
    return kind(number)
