"""``while k < n`` with ``k += 1`` in its body: a range in disguise.

Nobody tells of such a loop when it begins. So where recorded code computes something in its first
turn, a number that knows its loop is put in the place of the counter (`find_counters`). From then
on the loop's own comparison is answered here, as ``for`` asks for its next item.
"""

from __future__ import annotations

import dis
import functools
import operator
from collections.abc import Callable, Mapping
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from chainrule.core.counted import SETTLED, Counted, Doubt
from chainrule.core.instructions import instructions_of
from chainrule.graph.code import bounds
from chainrule.graph.exits import Region, exit_at, regions
from chainrule.native.record.plans import LONG
from chainrule.native.record.short import Turns
from chainrule.native.record.variables import set_variables
from chainrule.numpy.names import is_users_file

if TYPE_CHECKING:
    from chainrule.native.record.short import Shortener

__all__ = ["find_counters"]

_MOST_TURNS = 2**40
_STEPS = {"+": 1, "+=": 1, "-": -1, "-=": -1}


def find_counters(shortener: Shortener, frame: FrameType | None) -> None:
    """Put numbers of loops in the place of counters, wherever code runs in a loop that counts."""
    uncounted = shortener.uncounted
    while frame is not None and frame is not shortener.base:
        code = frame.f_code
        if id(code) not in uncounted:
            counters = _counters(code)
            if not counters:
                uncounted[id(code)] = code
            for counter in counters:
                if counter.region.holds(frame.f_lasti):
                    _begin(shortener, frame, counter)
        frame = frame.f_back


def _begin(shortener: Shortener, frame: FrameType, counter: _Counter) -> None:
    value = frame.f_locals.get(counter.name)
    if type(value) is not int:  # it is one already
        return
    region = counter.region
    if region.returns and not shortener.branches.is_running(frame, region.around):
        return
    is_counted = frame.f_lasti > counter.store  # in this turn
    loop = Counting(shortener, frame, counter, value - counter.step * is_counted)
    number = Counted(loop.first, ("turn",), loop.value, loop, 0)
    if is_counted:
        number = number.with_one("add", operator.add, counter.step)
    set_variables(frame, {counter.name: number})


class Counting(Turns):
    """The turns of a loop that counts.

    Args:
        shortener: ends it.
        frame: of the code that runs it.
        counter: what it counts with.
        first: what that is in the first turn.
    """

    def __init__(
        self, shortener: Shortener, frame: FrameType, counter: _Counter, first: int
    ) -> None:
        super().__init__(shortener, 1, lambda turns, k: None)
        self.running, self.counter, self.first = frame, counter, first
        self.site, self.frame = (frame.f_code, counter.region.head), id(frame)
        self.is_open = True
        self.at = 1
        self._limit: Any = None
        shortener.conditions.begins(self)
        shortener.branches.begins(self, frame)

    def value(self, turn: int) -> int:
        """Return the counter at the beginning of a turn."""
        return self.first + self.counter.step * turn

    def contains(self, frame: FrameType) -> bool:
        """Tell whether a frame is in the middle of a turn."""
        return frame is self.running and self.counter.region.holds(frame.f_lasti)

    def ends(
        self, number: Counted, name: str, compare: Callable[..., bool], other: Any, frame: FrameType
    ) -> bool | None:
        """Answer whether the loop goes on; None if that is not what is asked."""
        if frame is not self.running:
            return None
        found = exit_at(frame.f_code, frame.f_lasti)
        if found is None or found.region is not self.counter.region:
            return None
        if not self.is_open:
            raise Doubt("a loop that is come back to")
        of = number.of
        if of is None or not _is_affine(number.key) or name not in ("lt", "le", "gt", "ge"):
            raise Doubt("a counter that is compared in another way")
        limit = of(0), of(1), name, type(other), repr(other)
        if self._limit is None:
            self._limit = limit
            self._settle(lambda turn: compare(of(turn), other) != found.stays, number.turn)
        elif self._limit != limit:
            raise Doubt("a loop that ends in several ways")
        if self.shortener.branches.again(self, frame):
            return found.stays
        counted = frame.f_locals[self.counter.name]
        own = type(counted) is Counted and counted.series is self
        if not own or counted.value != self.value(counted.turn + 1):
            raise Doubt("a counter that does not count each turn")
        turn = counted.turn + 1
        if self.is_short and turn >= SETTLED:
            self._compare(frame)
        if turn >= self.end:
            self.is_open = False
            set_variables(frame, {self.counter.name: self.value(self.turns)})
            return not found.stays
        self.at = turn + 1
        value = self.value(turn)
        set_variables(frame, {self.counter.name: Counted(value, ("turn",), self.value, self, turn)})
        self.shortener.branches.turn_begins(self, frame)
        return found.stays

    def _settle(self, is_last: Callable[[int], bool], turn: int) -> None:
        """Find out how many turns there are, from this one on."""
        low, step = turn - 1, 1
        while not is_last(low + step):
            low, step = low + step, 2 * step
            if step > _MOST_TURNS:
                raise Doubt("a loop that does not end by its counter")
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if is_last(middle) else (middle, high)
        self.turns = high + 1
        self.outcomes.clear()  # for so many turns
        self.is_short = self.turns > LONG and self.site not in self.shortener.whole
        self.end = self.turns
        if self.is_short:
            self.end = self.shortener.recorded(self.turns)
            self.shortener.doubt("a `while` loop")


def _is_affine(key: Any) -> bool:
    """Tell the counter, and sums of it and of plain numbers."""
    while key != ("turn",):
        if key[0] not in ("add", "sub") or len(key) != 4 or type(key[2]) is not bool:
            return False
        key = key[1]
    return True


# What counts in bytecode.


class _Counter:
    """A variable that each turn of a loop adds the same to.

    Attributes:
        name: of the variable.
        step: what is added.
        store: the instruction behind which it is.
        region: the loop.
    """

    def __init__(self, name: str, step: int, store: int, region: Region) -> None:
        self.name, self.step, self.store, self.region = name, step, store, region


@functools.lru_cache(4096)
def _counters(code: CodeType) -> tuple[_Counter, ...]:
    if not is_users_file(code.co_filename):
        return ()
    instructions = instructions_of(code)
    loops = regions(code)
    inner = [(head, end) for head, end in bounds(code)] + [(x.head, x.end) for x in loops]
    found = []
    for region in loops:
        body = [x for x in instructions if region.holds(x.offset)]
        inside = [(a, b) for a, b in inner if region.head < a and b <= region.end]
        for name, (step, store) in _steps(body).items():
            if not any(a <= store <= b for a, b in inside) and _is_compared(code, body, name):
                found.append(_Counter(name, step, store, region))
    return tuple(found)


def _steps(body: list[dis.Instruction]) -> Mapping[str, tuple[int, int]]:
    """Return the variables that are set once, by adding an integer, and that and where."""
    stores = [x.argval for x in body if x.opname.startswith(("STORE_FAST", "DELETE_FAST"))]
    found = {}
    for load, constant, add, store in zip(body, body[1:], body[2:], body[3:], strict=False):
        name = store.argval
        adds = add.opname == "BINARY_OP" and add.argrepr in _STEPS
        if store.opname != "STORE_FAST" or not adds or type(constant.argval) is not int:
            continue
        loads = load.opname.startswith("LOAD_FAST") and constant.opname.startswith("LOAD_")
        if loads and load.argval == name and stores.count(name) == 1 and constant.argval:
            found[name] = (_STEPS[add.argrepr] * constant.argval, store.offset)
    return found


def _is_compared(code: CodeType, body: list[dis.Instruction], name: str) -> bool:
    """Tell whether a loop may end where a variable is compared."""
    for k, x in enumerate(body):
        if x.opname != "COMPARE_OP" or exit_at(code, x.offset) is None:
            continue
        for operand in reversed(body[:k]):
            if operand.opname.startswith(("STORE", "POP", "JUMP")):
                break
            if operand.opname.startswith("LOAD_FAST") and operand.argval == name:
                return True
    return False
