"""`taylor`: all Taylor coefficients along a line, by power series in the place of numbers.

The function is run once, at the point. As its recording is told of each node, the node gets the
series of its value along the line. A linear operation is applied to each coefficient, a product is
a convolution, and for anything else the operation's own derivative is the recurrence: its
pushforward, ``y' = (1 - y * y) * x'`` for a hyperbolic tangent, is recorded once, with series for
the operand, its tangent and the output, and gives coefficient k of y from the k before it. What the
pushforward is made of has derivatives of its own, which are found when they are asked for; equal
ones are one, as sine and cosine are each other's. So the cost grows with the square of the order,
and not with 2 to that power, as that of nested derivatives does.

See A. Griewank and A. Walther, Evaluating Derivatives, 2008, chapter 13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from operator import index
from typing import Any

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of, value_of
from chainrule.core.kinds import Linear
from chainrule.core.node import Leaf, Node
from chainrule.core.operation import Operation
from chainrule.core.recording import Recording, has_ended
from chainrule.core.saved import lift
from chainrule.errors import ArgumentError
from chainrule.numpy.creation import result_leaves
from chainrule.numpy.view import UserFunction
from chainrule.transforms.examples import sees
from chainrule.transforms.inputs import Inputs, Overwritten
from chainrule.transforms.results import finish, plain
from chainrule.transforms.reverse import seeds_like

__all__ = ["taylor"]


def taylor(f: Callable[..., Any], x: Any, v: Any, order: int) -> tuple[Any, ...]:
    """Return the Taylor coefficients of f at x in the direction v.

    They are the c of ``f(x + t * v) = c[0] + c[1] * t + c[2] * t**2 + ...``: the value, the
    pushforward, and ``c[k]`` the k-th derivative along v over k factorial. All of them are found in
    one run, at a cost that grows with the square of the order.

    Args:
        f: a function of one argument, which may be a tree; its output may be, too.
        x: the point: floats and floating-point arrays.
        v: the direction, like x.
        order: up to which power of t.

    Returns:
        ``order + 1`` coefficients, each like f's output.

    Raises:
        ArgumentError: x is not made of floating-point numbers, or the order is no natural number.
        ValueError: v has not the shapes of x.

    >>> import numpy as np, chainrule as cr
    >>> cr.taylor(np.exp, 0.0, 1.0, 4)
    (1.0, 1.0, 0.5, 0.16666666666666666, 0.041666666666666664)
    >>> *_, fourth = cr.taylor(lambda x: np.sum(np.sin(x)), np.array([0.5, 1.0]), np.ones(2), 4)
    >>> fourth * 24  # the sum of the fourth derivatives, sin(0.5) + sin(1)
    1.3208...
    """
    try:
        count = index(order)
    except TypeError:
        count = -1
    if count < 0:
        raise ArgumentError(f"order is {order!r}: it is a natural number, 0, 1, 2 ...")
    run, directions = UserFunction(f), seeds_like(v, x, "the point")
    while True:
        with suppress(Overwritten):
            return _coefficients(run, x, directions, count)


def _coefficients(
    run: UserFunction, x: Any, directions: Sequence[Any], count: int
) -> tuple[Any, ...]:
    outside = Recording()
    with _Jets(count) as jets:
        inputs = Inputs(run.f, (x,), (0,), outside)
        fresh = [
            jets.fresh(start, direction)
            for start, direction in zip(inputs.values, directions, strict=True)
        ]
        inputs.args = list(inputs.build(fresh))
        try:
            leaves, build = result_leaves(inputs.run(run, {}))
            series = [jets.of(leaf) for leaf in leaves]
            values = [plain(s[0], outside) for s in series]
            rest = [finish([s[k] for s in series], values, outside) for k in range(1, count + 1)]
            return (build(values), *(build(coefficients) for coefficients in rest))
        finally:
            outside.end()


class _Series:
    """The Taylor coefficients of a value, each found when it is first asked for; None is zero.

    ``then(k)`` gives coefficient k, once all before it are known, and those that ``needs(k)``
    lists: pairs of a series and a number. So they can be found one after the other, not one within
    the other, however long the chain.
    """

    __slots__ = ("_known", "_needs", "_then", "is_constant")

    def __init__(
        self,
        first: Any,
        then: Callable[[int], Any] | None = None,
        needs: Callable[[int], Sequence[tuple[_Series, int]]] = lambda k: (),
    ) -> None:
        self._known = [first]
        self._then = then
        self._needs = needs
        self.is_constant = then is None

    def __getitem__(self, k: int) -> Any:
        if self._lacks(k):
            stack = [(self, k)]
            while stack:
                series, wanted = stack[-1]
                if not series._lacks(wanted):
                    stack.pop()
                    continue
                n = len(series._known)
                missing = [(x, i) for x, i in series._needs(n) if x._lacks(i)]
                if missing:
                    stack += missing
                else:
                    series._known.append(series._then(n))  # type: ignore[misc]
        return None if self.is_constant and k else self._known[k]

    def _lacks(self, k: int) -> bool:
        return len(self._known) <= k and not self.is_constant


class _Jets:
    """A run at a point, and the series of its values; a context in which it is done."""

    def __init__(self, order: int) -> None:
        self._order = order
        self.recording = Recording(self._note, self._looked, every_guard=True, outermost=True)
        self.recording.converted = self._looked
        self.recording.unseen = False
        self._series: dict[Node, _Series] = {}
        self._derivatives: dict[_Series, _Series] = {}
        self._alike: dict[Any, tuple[_Series, Sequence[_Series]]] = {}
        self._is_inside = False  # of a rule, whose series wait

    def __enter__(self) -> _Jets:
        return self

    def __exit__(self, *error: object) -> None:
        self.recording.guard = self.recording.converted = None
        self.recording.end()
        self._series.clear()

    def fresh(self, start: Any, direction: Any) -> Array:
        """Return the Array of a point that moves in a direction."""
        if type(direction) is Array and direction.node is None:
            direction = direction.value
        return self._standing(_Series(start, lambda k: direction if k == 1 else None))

    def of(self, value: Any) -> _Series:
        """Return the series of a value."""
        if type(value) is Array and value.node is not None and value.node in self._series:
            return self._series[value.node]
        return _Series(value)

    def _standing(self, series: _Series) -> Array:
        """Return an Array that stands for a series, in a run or a rule."""
        node = Leaf(self.recording)
        self._series[node] = series
        value = value_of(series[0])
        return Array(np.array(value) if type(value) is np.ndarray else value, node)

    # What the recording tells.

    def _note(self, node: Node, value: Any) -> None:
        operands = []
        for x, parent in zip(node.operands, node.parents, strict=True):
            if parent is not None and parent.recording is self.recording:
                operands.append(self._series[parent])
            elif parent is not None and parent.recording.age < self.recording.age:
                operands.append(_Series(lift(x, parent)))
            else:
                operands.append(_Series(x))
        series = self._series[node] = self._applied(node, operands, value)
        if not self._is_inside:
            series[self._order]  # now, so that no chain of series waits for it

    def _looked(self, node: Node, outcome: Any) -> None:
        """Let whoever records around it know what was seen."""
        value = self._series[node][0]
        if type(value) is Array:
            np.all(sees(value, outcome)).__bool__()

    # Series of operations.

    def _applied(self, node: Node, operands: Sequence[_Series], value: Any) -> _Series:
        row, params = node.operation, node.params
        key = (row, tuple(map(_identity, operands)), tuple(map(_static, params.items())))
        known = self._alike.get(key)
        if known is not None:
            return known[0]
        first = value
        firsts = [x[0] for x in operands]
        if any(type(x) is Array and not has_ended(x.node.recording) for x in firsts):
            first = row(*firsts, **params)
        series = self._recurrence(row, operands, first, params)
        self._alike[key] = series, operands
        return series

    def _recurrence(
        self, row: Operation, operands: Sequence[_Series], first: Any, params: Mapping[str, Any]
    ) -> _Series:
        if not row.differentiable or all(x.is_constant for x in operands):
            return _Series(first)
        rule = row.series
        if rule is None and isinstance(row, Linear):
            rule = _linear
        if rule is not None:
            series = _Series(
                first,
                lambda k: rule(row, k, operands, series, params),
                lambda k: [(x, k) for x in operands],
            )
            return series
        found: list[_Series] = []

        def slope() -> _Series:
            if not found:
                found.append(self._pushed(row, operands, series, params))
            return found[0]

        series = _Series(first, lambda k: _over(slope()[k - 1], k), lambda k: [(slope(), k - 1)])
        return series

    def _pushed(
        self,
        row: Operation,
        operands: Sequence[_Series],
        output: _Series,
        params: Mapping[str, Any],
    ) -> _Series:
        """Return the series of an output's derivative, as the operation's pushforward says it."""
        was_inside, self._is_inside = self._is_inside, True
        try:
            with np.errstate(all="ignore"):
                tangents = [None if x.is_constant else self._tangent(x) for x in operands]
                values = [x[0] if x.is_constant else self._standing(x) for x in operands]
                return self.of(row.push(tangents, values, self._standing(output), params))
        finally:
            self._is_inside = was_inside

    def _tangent(self, x: _Series) -> Array:
        derivative = self._derivatives.get(x)
        if derivative is None:
            first = x[1]
            if first is None:  # a rule reads numbers
                first = np.zeros(shape_of(x[0]), dtype_of(x[0]))[()]
            derivative = self._derivatives[x] = _Series(
                first, lambda k: _times(x[k + 1], k + 1), lambda k: [(x, k + 1)]
            )
        return self._standing(derivative)


def _linear(
    row: Operation, k: int, operands: Sequence[_Series], output: _Series, params: Mapping[str, Any]
) -> Any:
    firsts = [x[0] for x in operands]
    return row.push([x[k] for x in operands], firsts, output[0], params)


def _over(x: Any, k: int) -> Any:
    return None if x is None else x / k


def _times(x: Any, k: int) -> Any:
    return None if x is None else x * k


def _identity(x: _Series) -> Any:
    """Return what tells a series from others: of a constant number, its value does."""
    if not x.is_constant:
        return id(x)
    return repr(x[0]) if isinstance(x[0], (int, float)) else id(x[0])


def _static(item: tuple[str, Any]) -> Any:
    name, value = item
    return name, id(value) if isinstance(value, np.ndarray) else repr(value)
