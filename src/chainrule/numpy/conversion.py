"""Where an Array leaves the graph: numbers, truth values, lists, copies, pickles.

Turning a float Array into a Python number would drop its gradient silently, so that raises and says
how to write it. Truth values may be looked at (``if x > 0``), and so may integers and booleans,
which have no gradient to lose.
"""

from __future__ import annotations

import copy
import dis
import inspect
import math
import operator
import re
import sys
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType
from typing import Any, NoReturn, TypeVar

import numpy as np

from chainrule.core.apply import apply
from chainrule.core.array import Array, array
from chainrule.core.counted import OUTCOMES
from chainrule.core.kinds import constant
from chainrule.core.node import Leaf
from chainrule.core.recording import FREE, Recording, has_ended
from chainrule.core.source import expression_here, location_of, user_frame, where_am_i
from chainrule.errors import GradientLostError
from chainrule.numpy.casting import as_float
from chainrule.numpy.lookup import operation_of
from chainrule.operations import elementwise

__all__ = ["Printed", "has_gradient"]

T = TypeVar("T")

_whole_floor = constant("math_floor", math.floor, source="math.floor({0})")
_whole_ceil = constant("math_ceil", math.ceil, source="math.ceil({0})")
_whole_trunc = constant("math_trunc", math.trunc, source="math.trunc({0})")
_whole_round = constant("whole_round", round, source="round({0})")
_BINARY_OP = dis.opmap["BINARY_OP"]
_ALL_DIGITS = re.compile(r"\.(\d+)([eg])")
_CALLED = re.compile(r"([A-Za-z_][\w.]*)\(")


def _lost(what: str, cure: str) -> GradientLostError:
    return GradientLostError(
        f"{what} would drop the gradient of an Array that is being differentiated, at "
        f"{where_am_i()}. {cure}"
    )


def _calls() -> Iterator[tuple[str, Any]]:
    """Yield what the running line calls: as spelled, and what that is."""
    frame = user_frame(sys._getframe(1))
    if frame is None:
        return
    for spelled in _CALLED.findall(location_of(frame).text):
        first, *rest = spelled.split(".")
        found = frame.f_locals.get(first, frame.f_globals.get(first))
        for attribute in rest:
            found = inspect.getattr_static(found, attribute, None)
        yield spelled, found


def _instead() -> str | None:
    """Return what to write instead where a function of `math` or a type of NumPy's is called."""
    for spelled, found in _calls():
        if isinstance(found, BuiltinFunctionType) and found.__module__ == "math":
            function = _instead_of_math(found.__name__)
            if function is not None:
                return f"Write {function}(...) in place of {spelled}(...)."
        if isinstance(found, type) and issubclass(found, np.inexact):
            kept = f"np.asarray(x, {spelled}) where its precision is to change"
            return f"Write x in place of {spelled}(x), or {kept}."
        if _draws(found):
            return "Draw by themselves what is random: m + s * rng.normal(size=n)."
    return None


def _draws(function: Any) -> bool:
    """Tell a function that draws random numbers, or makes what does."""
    function = getattr(function, "__wrapped__", function)
    kind = getattr(function, "__objclass__", type(getattr(function, "__self__", None)))
    makes = (np.random.default_rng, np.random.Generator, np.random.RandomState)
    return any(x is made for made in makes for x in (function, kind))


def _instead_of_math(name: str) -> str | None:
    """Return what to write for a function of `math`: that of NumPy or SciPy for arrays."""
    if name == "fsum":
        return "np.sum"  # which is less exact
    operation = operation_of(getattr(math, name))
    names = [] if operation is None else [x for x in operation.numpy if not x.startswith("math.")]
    if f"numpy.{name}" not in names and names:
        module, _, name = names[0].rpartition(".")
        return f"np.{name}" if module == "numpy" else f"{module}.{name}"
    return f"np.{name}" if hasattr(np, name) else None


def _asking(what: str) -> str:
    """Name what the running line does that asks for a number: ``float(x[0])``, ``a[0]``."""
    text = expression_here()
    if not text or text == what:
        return what
    name = what.partition("(")[0]
    return f"`{text}`" if text.startswith(f"{name}(") else f"`{text}`, which asks for {what},"


def _float_lost(what: str) -> GradientLostError:
    cure = _instead()
    if cure is None:
        cure = (
            "Keep the Array: it works wherever a number or an ndarray does. Write NumPy's function "
            "in place of one of math, np.array([a, b]) to make an array of several, or start from "
            "np.zeros_like(x), or np.array(a) in place of a.copy(), to fill one entry by entry; "
            "for the value alone, use chainrule.stop_gradient(x), or x.value to print it."
        )
    return _lost(_asking(what), cure)


def has_gradient(x: Array) -> bool:
    """Tell whether a value depends on an input other than behind ``stop_gradient``."""
    if x.node is None or x.dtype.kind in "biu":
        return False
    stack = [x.node]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if not node.parents:
            return True
        if node.operation.differentiable:
            fresh = {p for p in node.parents if p is not None} - seen
            seen |= fresh
            stack += fresh
    return False


def _is_lost(self: Array) -> bool:
    """Tell whether a Python number would lose the gradient; of several NumPy makes none anyway."""
    return self.size == 1 and has_gradient(self)


def _seen(self: Array, outcome: T) -> T:
    """Tell the recording what Python saw of a value, for code now depends on it."""
    guard = self.node and self.node.recording.guard
    if guard is not None:
        guard(self.node, outcome)
    return outcome


def _is_printed() -> bool:
    """Tell whether the running line is at ``"%.3f" % x``, which asks for a float."""
    frame = user_frame(sys._getframe(1))
    if frame is None:
        return False
    opcode, argument = frame.f_code.co_code[frame.f_lasti : frame.f_lasti + 2]
    return opcode == _BINARY_OP and dis._nb_ops[argument][1].startswith("%")  # type: ignore[attr-defined]


class Printed(str):
    """What a number under differentiation is printed as.

    Read again, it is that number where all its digits were printed. Otherwise it is an error.
    """

    __slots__ = ("_recording", "exact")
    _recording: Recording
    exact: Array | None

    def __float__(self) -> float:
        self._refuse("float")
        return float(str(self))

    def __int__(self) -> int:
        self._refuse("int")
        return int(str(self))

    def _refuse(self, kind: str) -> None:
        if not has_ended(self._recording):
            raise _lost(
                f"{kind}() of a number that was printed",
                "Use the number itself; np.round(x, 3) rounds it.",
            )

    def __reduce__(self) -> Any:
        return str, (str.__str__(self),)


def _format(self: Array, spec: str) -> str:
    text = format(self.value, spec)
    if not has_gradient(self):
        return text
    printed = Printed(text)
    printed._recording = self.node.recording
    printed.exact = self if _is_exact(spec) else None
    return printed


def _is_exact(spec: str) -> bool:
    """Tell a format of which any float64 can be read again: 17 digits, or as many as it takes."""
    found = _ALL_DIGITS.fullmatch(spec)
    return not spec or (found is not None and int(found[1]) + (found[2] == "e") >= 17)


def _float(self: Array) -> float:
    if _is_lost(self):
        if _is_printed():
            return float(self.value)
        raise _float_lost("float(x)")
    return _seen(self, float(self.value))


def _complex(self: Array) -> complex:
    if _is_lost(self):
        raise _float_lost("complex(x)")
    return _seen(self, complex(self.value))


def _int(self: Array) -> int:
    if _is_lost(self):
        if _is_printed():
            return int(self.value)
        what = _asking("int(x)")
        cure = "Write int(chainrule.stop_gradient(x)) where no gradient is meant."
        if what.endswith("asks for int(x),"):
            cure = "An array of integers holds no gradient: make it with dtype=float."
        raise _lost(what, cure)
    return _seen(self, int(self.value))


def _is_integer(self: Array) -> bool:
    whole = self.value.is_integer()  # an array has no such method
    return bool(np.floor(self) == self) and bool(whole)


def _index(self: Array) -> int:
    return _seen(self, operator.index(self.value))  # a TypeError for a float, as Python's own


def _bool(self: Array) -> bool:
    found = bool(self.value)
    answer = OUTCOMES.get()
    if answer is not None and self.node is not None and self.node.recording.guard is not None:
        self, found = answer(self, found)
    return _seen(self, found)


def _item(self: Array, *args: Any) -> Any:
    number = np.asarray(self.value).item(*args)  # which may raise by itself
    if not has_gradient(self):
        return _seen(self, number)
    entry = self
    if isinstance(self.value, np.ndarray):
        where = args[0] if len(args) == 1 else args
        if isinstance(where, (tuple, list)):
            entry = self[tuple(where) or (0,) * self.value.ndim]
        else:
            entry = self.ravel()[where]
    return as_float(entry) if entry.dtype.kind == "f" else entry


def _tolist(self: Array) -> Any:
    if not has_gradient(self):
        return _seen(self, np.asarray(self.value).tolist())
    return [_tolist(row) for row in self] if np.ndim(self.value) else _item(self)


def _ratio(self: Array) -> Any:
    if has_gradient(self):
        raise _lost(
            "x.as_integer_ratio(), which fractions and statistics ask for,",
            "Write np.mean, np.var, np.std or np.median in place of functions of statistics.",
        )
    return _seen(self, self.value.as_integer_ratio())


def _whole(operation: Any) -> Callable[[Array], Any]:
    def method(self: Array) -> Any:
        return apply(operation, operation.compute, (self,))

    return method


def _round(self: Array, ndigits: int | None = None) -> Any:
    if ndigits is None:
        return apply(_whole_round, _rounded, (self,))
    return apply(elementwise.around, _rounded, (self,), {"decimals": ndigits})


def _rounded(value: Any, decimals: int | None = None) -> Any:
    return round(value) if decimals is None else round(value, decimals)


def _copy(self: Array) -> Array:
    return Array(self.value, self.node)


def _deepcopy(self: Array, memo: dict[int, Any]) -> Array:
    """Copy with the same history; an input of one's own gets a value and a ``grad`` of its own."""
    if isinstance(self.node, Leaf) and self.node.recording is FREE:
        copied = array(self.value)
        copied.grad = copy.deepcopy(self.grad, memo)
        return copied
    return Array(copy.copy(self.value), self.node)


def _reduce(self: Array, protocol: Any = 2) -> NoReturn:
    raise TypeError("an Array cannot be pickled, for its history would be lost: pickle x.value")


_SPECIAL: dict[str, Callable[..., Any]] = {
    "__float__": _float,
    "__format__": _format,
    "__complex__": _complex,
    "__int__": _int,
    "__index__": _index,
    "__bool__": _bool,
    "__floor__": _whole(_whole_floor),
    "__ceil__": _whole(_whole_ceil),
    "__trunc__": _whole(_whole_trunc),
    "__round__": _round,
    "__copy__": _copy,
    "__deepcopy__": _deepcopy,
    "__reduce_ex__": _reduce,
    "as_integer_ratio": _ratio,
    "is_integer": _is_integer,
    "item": _item,
    "tolist": _tolist,
}
for _name, _method in _SPECIAL.items():
    setattr(Array, _name, _method)
