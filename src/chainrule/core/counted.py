"""Counted integers: what counts the turns of a loop of which few are recorded.

A long loop is recorded in its first turns. What its later turns would do is known only if each does
the same with its number: reads the entry at that place, multiplies by it. So the loop hands out
numbers that do this and no more. Whoever looks at one in any other way raises `Doubt`, and the loop
is recorded in full.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from chainrule.core.apply import apply
from chainrule.core.array import Array
from chainrule.core.source import user_location
from chainrule.core.symbolic import Symbolic

if TYPE_CHECKING:
    from chainrule.core.operation import Operation

__all__ = [
    "DOUBTS",
    "LOOPS",
    "NUMBERS",
    "OUTCOMES",
    "ROWS",
    "SEEDS",
    "SETTLED",
    "Counted",
    "Doubt",
    "Fixed",
    "Seen",
    "Series",
    "Tally",
    "as_index",
    "grows_evenly",
    "numbers",
    "seeds",
]

#: The turn from which on all turns must be the same; those before may differ.
SETTLED = 3
_MOST = 100_000  # turns up to which a comparison is tried in all of them

#: Hands out the rows of an array that is iterated over, where long loops are recorded in few turns.
ROWS: ContextVar[Callable[[Array], Iterator[Any] | None] | None] = ContextVar("ROWS", default=None)


#: Told of each boolean that Python asks an Array for, and says what the answer is to be, and of
#: which Array: so a loop that ends when a condition fails is recorded in as many turns as wanted.
OUTCOMES: ContextVar[Callable[[Array, bool], tuple[Array, bool]] | None] = ContextVar(
    "OUTCOMES", default=None
)


#: Hands out the numbers of a range, where long loops are recorded in few turns.
NUMBERS: ContextVar[Callable[[range], Iterable[Any]] | None] = ContextVar("NUMBERS", default=None)

#: Makes something recorded of what a derivative begins with, where long loops are recorded in few
#: turns: what follows from a constant would be another one in each turn.
SEEDS: ContextVar[Callable[[Any], Any] | None] = ContextVar("SEEDS", default=None)

#: Told of each `Doubt` of a run.
DOUBTS: ContextVar[list[Doubt] | None] = ContextVar("DOUBTS", default=None)

#: Code of this library that holds the loops of its users.
LOOPS: set[CodeType] = set()


def numbers(run: range) -> Iterable[Any]:
    """Return what a loop over a range goes through, in code of this library."""
    hand_out = NUMBERS.get()
    return run if hand_out is None else hand_out(run)


def seeds(values: Sequence[Any]) -> Sequence[Any]:
    """Return what a derivative that is recorded begins with; recorded, where turns are left out."""
    lift = SEEDS.get()
    return values if lift is None else [lift(x) for x in values]


class Tally:
    """A count of turns that only messages show, so that it may differ from turn to turn."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Fixed:
    """A function of this library that has no state."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        """Call it."""
        return self.function(*args)


class Seen:
    """Base of objects of this library that loops use, and whose attributes are all their state."""


class Doubt(BaseException):  # no Exception, for the user's code is not to catch it
    """A loop may do something else in the turns that are not recorded.

    User code that catches all there is catches it, too, and goes another way than it does by
    itself: so the run is told (`DOUBTS`), and raises it at its end.

    Attributes:
        location: the line of the user's code that tells.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.location = user_location()
        doubts = DOUBTS.get()
        if doubts is not None:
            doubts.append(self)


class Series(Protocol):
    """The loop that hands out a number.

    Attributes:
        turns: how many turns it has in all.
        outcomes: what is known of comparisons, by what is compared.
    """

    turns: int
    outcomes: dict[Hashable, Any]

    @property
    def site(self) -> Hashable:
        """Where its statement is."""

    def use(self, number: Counted, operation: Operation) -> None:
        """Take notice that an operation takes the number as a constant."""

    def lift(self, array: Array) -> None:
        """Record what is done with a constant array, of which each turn reads another entry."""

    def index(self, number: Counted, in_slice: bool) -> None:
        """Take notice that the number stands in an index, in a slice maybe."""

    def ends(
        self, number: Counted, name: str, compare: Callable[..., bool], other: Any, frame: FrameType
    ) -> bool | None:
        """Answer where code compares the number to end the loop; None elsewhere."""


class Counted(Symbolic):
    """A number that depends on the turn of a loop.

    Attributes:
        value: in the turn in which it was made.
        key: the same for numbers that are made in the same way.
        of: returns the value of any turn; None of what depends on several loops.
        series: the loop.
        turn: the turn in which it was made.
    """

    __slots__ = ("key", "of", "series", "turn", "value")
    __array_ufunc__ = None  # NumPy's numbers leave it to us what their products with it are

    def __init__(
        self,
        value: Any,
        key: Hashable,
        of: Callable[[int], Any] | None,
        series: Series,
        turn: int,
    ) -> None:
        self.value, self.key, self.of, self.series, self.turn = value, key, of, series, turn

    @property  # type: ignore[misc]  # isinstance asks it
    def __class__(self) -> type:
        """The type of the number."""
        return type(self.value)

    def applied(
        self, operation: Operation, operands: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        """Apply an operation of Arrays to its value."""
        if not any(type(x) is Array and x.node is not None for x in operands):
            raise Doubt("a number of the loop and a constant make another constant")
        values = []
        for x in operands:
            if type(x) is Counted:
                x.series.use(x, operation)
                x = x.value
            values.append(x)
        return apply(operation, operation.compute, values, params)

    def __getattr__(self, name: str) -> NoReturn:
        raise Doubt(f"`{name}` of the loop's number")

    def with_one(
        self, name: str, function: Callable[..., Any], *others: Any, swapped: bool = False
    ) -> Any:
        """Return what a function makes of it and of plain numbers."""
        key = (name, self.key, swapped, *((type(x), repr(x)) for x in others))
        own = self.of

        def value(x: Any) -> Any:
            return function(*others, x) if swapped else function(x, *others)

        of = None if own is None else (lambda turn: value(own(turn)))
        return Counted(value(self.value), key, of, self.series, self.turn)

    def with_another(self, name: str, function: Callable[..., Any], other: Counted) -> Any:
        """Return what a function makes of it and of another one."""
        made = function(self.value, other.value)
        key = (name, self.key, other.key, self.turn - other.turn)
        turn = max(self.turn, other.turn)
        of = None
        if self.series is other.series and self.of is not None and other.of is not None:
            first, second = self.of, other.of
            back, forth = turn - self.turn, turn - other.turn
            of = lambda turn: function(first(turn - back), second(turn - forth))  # noqa: E731
        return Counted(made, key, of, self.series, turn)

    def outcome(self, name: str, compare: Callable[..., bool], other: Any) -> bool:
        """Compare with a plain number: it must come out alike in all turns but the first ones."""
        answer = self.series.ends(self, name, compare, other, sys._getframe(2))
        if answer is not None:
            return answer
        found = compare(self.value, other)
        outcomes, of = self.series.outcomes, self.of
        key = name, self.key, type(other), repr(other)
        if key not in outcomes:
            turns = range(SETTLED, self.series.turns)
            if of is None or len(turns) > _MOST:
                outcomes[key] = False
            else:
                outcomes[key] = len({compare(of(turn), other) for turn in turns}) <= 1
        if not outcomes[key]:
            raise Doubt("the loop's number is compared, and not all turns are alike")
        return found


def grows_evenly(key: Any) -> bool:
    """Tell, by its ``key``, whether a number of a loop grows by as much in each turn."""
    while key != ("turn",):
        name, key, other, *_ = key
        if name in ("add", "sub") and type(other) is tuple:  # the key of another one
            if not grows_evenly(other):
                return False
        elif not (
            name in ("add", "sub", "neg", "pos")
            or (name == "mul" and type(other) is bool)
            or (name == "truediv" and other is False)
        ):
            return False
    return True


_NUMBERS = frozenset({int, float})


def _arithmetic(name: str, function: Callable[..., Any]) -> None:
    def forward(self: Counted, other: Any) -> Any:
        if type(other) in _NUMBERS:
            return self.with_one(name, function, other)
        if type(other) is Counted:
            return self.with_another(name, function, other)
        if type(other) is Array:
            return NotImplemented
        raise Doubt(f"the loop's number and a {type(other).__name__}")

    def reflected(self: Counted, other: Any) -> Any:
        if type(other) in _NUMBERS:
            return self.with_one(name, function, other, swapped=True)
        raise Doubt(f"the loop's number and a {type(other).__name__}")

    setattr(Counted, f"__{name}__", forward)
    setattr(Counted, f"__r{name}__", reflected)


def _unary(name: str, function: Callable[..., Any]) -> None:
    setattr(Counted, f"__{name}__", lambda self: self.with_one(name, function))


def _comparison(name: str, compare: Callable[..., bool]) -> None:
    def method(self: Counted, other: Any) -> Any:
        if type(other) in _NUMBERS:
            return self.outcome(name, compare, other)
        if type(other) is Array or other is None:
            return NotImplemented
        raise Doubt("the loop's number is compared")

    setattr(Counted, f"__{name}__", method)


def _looked_at(name: str) -> None:
    def method(self: Counted, *args: Any) -> NoReturn:
        raise Doubt(f"the loop's number is looked at, by __{name}__")

    setattr(Counted, f"__{name}__", method)


for _name, _function in {
    **{name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "floordiv")},
    **{name: getattr(operator, name) for name in ("mod", "pow", "lshift", "rshift", "xor")},
    "and": operator.and_,
    "or": operator.or_,
}.items():
    _arithmetic(_name, _function)
for _name in ("neg", "pos", "abs", "invert"):
    _unary(_name, getattr(operator, _name))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    _comparison(_name, getattr(operator, _name))
for _name in (
    *("index", "int", "float", "complex", "round", "trunc", "floor", "ceil", "hash", "divmod"),
    *("str", "repr", "format", "array", "iter", "reduce_ex", "rdivmod", "matmul", "rmatmul"),
):
    _looked_at(_name)
setattr(Counted, "__bool__", lambda self: self.outcome("ne", operator.ne, 0))  # noqa: B010


def as_index(array: Array, index: Any, writes: bool = False) -> Any:
    """Return an index with plain integers in it, for the loop's numbers that stand there.

    An entry of a constant array would be another constant in each turn, so the array is recorded.

    Raises:
        Doubt: it is written in all turns, and stays a constant. In the first turns one of zeros may
            be a constant, until something is written into it.
    """
    parts = index if type(index) is tuple else (index,)
    pairs = [(x, part) for part in parts for x in _bounds(part) if type(x) is Counted]
    if not pairs:
        return index
    for x, part in pairs:
        x.series.index(x, type(part) is slice)
    numbers = [x for x, _ in pairs]
    if array.node is None:
        if not writes:
            numbers[0].series.lift(array)
        elif max(x.turn for x in numbers) >= SETTLED:
            raise Doubt("a constant array is written at the loop's number")
    return tuple(map(_settled, parts))


def _bounds(part: Any) -> tuple[Any, ...]:
    """Return what stands in a part of an index."""
    return (part.start, part.stop, part.step) if type(part) is slice else (part,)


def _settled(part: Any) -> Any:
    if type(part) is slice:
        return slice(*map(_settled, (part.start, part.stop, part.step)))
    if type(part) is not Counted:
        return part
    if type(part.value) is not int:
        raise Doubt("an index that is no integer")
    return part.value
