"""Whether code does the same in each turn of a loop in which it meets the same state.

What decides what it does is then known: variables, what can be reached from them, numbers of the
loop, recorded arrays. Its instructions are of kinds that have no other source and no other effect,
and so is what it calls in C. Instructions that are not known here, of a Python to come, say, are
taken to have.
"""

from __future__ import annotations

import builtins
import dis
import functools
import os
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.source import is_internal
from chainrule.graph.code import bounds, line_of
from chainrule.native.record.supposed import is_safe
from chainrule.numpy.names import is_users_file

__all__ = ["ASKING", "Onlooker"]

#: Instructions of Python 3.11 to 3.14 that read variables and constants, and what these refer to,
#: compute, call, jump, and set variables and items. Generators live as long as a turn: the state of
#: one that lives longer cannot be seen.
_KNOWN = frozenset(
    """
    BINARY_OP BINARY_SLICE BINARY_SUBSCR BUILD_CONST_KEY_MAP BUILD_LIST BUILD_MAP BUILD_SLICE
    BUILD_STRING BUILD_TUPLE CACHE CALL CALL_FUNCTION_EX CALL_INTRINSIC_1 CALL_KW COMPARE_OP
    CONTAINS_OP CONVERT_VALUE COPY COPY_FREE_VARS DICT_MERGE DICT_UPDATE END_FOR EXTENDED_ARG
    FORMAT_SIMPLE FORMAT_VALUE FORMAT_WITH_SPEC FOR_ITER GET_ITER IS_OP JUMP_BACKWARD JUMP_FORWARD
    JUMP_IF_FALSE_OR_POP JUMP_IF_TRUE_OR_POP KW_NAMES LIST_APPEND LIST_EXTEND LIST_TO_TUPLE
    LOAD_ASSERTION_ERROR LOAD_ATTR LOAD_CLOSURE LOAD_COMMON_CONSTANT LOAD_CONST LOAD_DEREF LOAD_FAST
    LOAD_FAST_AND_CLEAR LOAD_FAST_BORROW LOAD_FAST_BORROW_LOAD_FAST_BORROW LOAD_FAST_CHECK
    LOAD_FAST_LOAD_FAST LOAD_GLOBAL LOAD_METHOD LOAD_SMALL_INT MAKE_CELL MAKE_FUNCTION MAP_ADD NOP
    NOT_TAKEN POP_ITER POP_JUMP_BACKWARD_IF_FALSE POP_JUMP_BACKWARD_IF_NONE
    POP_JUMP_BACKWARD_IF_NOT_NONE POP_JUMP_BACKWARD_IF_TRUE POP_JUMP_FORWARD_IF_FALSE
    POP_JUMP_FORWARD_IF_NONE POP_JUMP_FORWARD_IF_NOT_NONE POP_JUMP_FORWARD_IF_TRUE POP_JUMP_IF_FALSE
    POP_JUMP_IF_NONE POP_JUMP_IF_NOT_NONE POP_JUMP_IF_TRUE POP_TOP PRECALL PUSH_NULL RAISE_VARARGS
    RERAISE RESUME RETURN_CONST RETURN_GENERATOR RETURN_VALUE SET_FUNCTION_ATTRIBUTE STORE_DEREF
    STORE_FAST STORE_FAST_LOAD_FAST STORE_FAST_STORE_FAST STORE_SLICE STORE_SUBSCR SWAP TO_BOOL
    UNARY_INVERT UNARY_NEGATIVE UNARY_NOT UNARY_POSITIVE UNPACK_EX UNPACK_SEQUENCE YIELD_VALUE
    """.split()  # noqa: SIM905  # one name a line would be a page
)
_SAID = {
    "STORE_ATTR": "sets an attribute",
    "STORE_GLOBAL": "sets a global variable",
    "PUSH_EXC_INFO": "catches exceptions",
    "IMPORT_NAME": "imports a module",
    "BEFORE_WITH": "runs a `with` statement",
}
#: What tells the length of an array.
_LENGTHS = frozenset({"shape", "size", "nbytes", "strides", "len", "__len__", "flat", "flags"})
#: Builtins that tell types.
ASKING = ("type", "isinstance", "issubclass", "hasattr", "getattr", "callable")
_OF_TYPES = frozenset({"__class__", "__dict__"})
_CATCHING = frozenset({"PUSH_EXC_INFO", "MATCH_CLASS", "MATCH_MAPPING", "MATCH_SEQUENCE"})
#: What recorded values stand for.
_RECORDED = (int, float, complex, np.generic, np.ndarray, Array)
_BY_PLACE = frozenset({"id", "hash", "repr", "format"})  # that tell where an object lies
_NUMPY = os.path.join(os.path.dirname(os.path.abspath(np.__file__)), "")
_STATEFUL = tuple(_NUMPY + x for x in ("random", "testing", "ctypeslib", "f2py", "distutils"))
_INTERNAL, _USERS, _NUMPYS, _LIBRARY = range(4)


class Onlooker:
    """Looks at what runs in turns of loops, while it runs.

    Attributes:
        running: how many loops are in a turn.
        reason: why some of it may do another thing in another turn; None if nothing does.
    """

    def __init__(self) -> None:
        self.running = 0
        self.reason: str | None = None
        self._base: FrameType | None = None
        self._root: FrameType | None = None
        self._kinds: dict[int, tuple[CodeType, int]] = {}
        self._types: dict[int, CodeType] = {}
        self._replaced: dict[str, Callable[..., Any]] = {}
        self._looked_at: dict[int, tuple[CodeType, bool]] = {}

    def watch(self, call: Callable[[], Any]) -> Any:
        """Return what a call returns, and look at what runs in it."""
        if sys.getprofile() is not None:
            self._doubt("a profiler is running, so what is called cannot be seen")
            return call()
        self._base = sys._getframe()
        sys.setprofile(self._event)
        try:
            return call()
        finally:
            sys.setprofile(None)
            self._base = self._root = None

    def look_at(self, code: CodeType, called: bool) -> None:
        """Look at code that runs a loop, or that is called in one."""
        known = self._looked_at.get(id(code))
        if known is None or (called and not known[1]):
            self._looked_at[id(code)] = code, called
        if known is None and self.reason is None:
            self._doubt(_opaque(code))

    def asking(self, name: str) -> Callable[..., Any]:
        """Return what code is to see in place of a builtin that tells types."""
        original = getattr(builtins, name)

        def replacement(*args: Any, **kwargs: Any) -> Any:
            if args and isinstance(args[0], _RECORDED):
                frame = sys._getframe(1)
                where = line_of(frame.f_code, frame.f_lasti)
                self._doubt(f"{where}\n    `{name}` may tell recorded values from others")
            return original(*args, **kwargs)

        self._replaced[name] = replacement
        return replacement

    def asks_lengths(self) -> str | None:
        """Say where code in turns looks at lengths that may be others in other turns, if it does.

        The length of a variable that no loop sets is always the same.
        """
        found = (_asks_length(code, called) for code, called in self._looked_at.values())
        return next((where for where in found if where is not None), None)

    def _doubt(self, reason: str | None) -> None:
        self.reason = self.reason or reason

    def _event(self, frame: FrameType, event: str, function: Any) -> None:
        if event not in ("call", "c_call"):
            return
        kind = self._kind(frame)
        if kind == _INTERNAL or (kind != _USERS and self._is_ours(frame)):
            return
        if event == "c_call":
            unknown = function.__name__ in _BY_PLACE or not is_safe(function)
            if self.running and unknown:
                where = line_of(frame.f_code, frame.f_lasti)
                self._doubt(f"{where}\n    what `{function.__name__}` does is not known")
            return
        if kind == _USERS:
            self._look_for_types(frame)
        elif frame.f_code.co_filename == functools.__file__:
            self._doubt("what `functools` calls may depend on types")
        again = self._root is not None and self._root.f_code is frame.f_code
        if kind == _USERS and (self._root is None or again):
            self._root = frame  # the function, which may be run anew for what it writes into
        elif not self._is_called_by_user(frame):
            where = line_of(frame.f_code, 0)
            self._doubt(f"{where}\n    a function that is called back, by a derivative, say")
        if self.running and kind == _USERS:
            self.look_at(frame.f_code, True)
        elif self.running and kind == _LIBRARY:
            self._doubt(f"what `{frame.f_code.co_name}` of a library does is not known")

    def _look_for_types(self, frame: FrameType) -> None:
        """Look whether code tells types otherwise than by what it sees in place of builtins.

        Then it might go another way than recorded code does, in the loop or before it.
        """
        code = frame.f_code
        if id(code) in self._types:
            return
        self._types[id(code)] = code
        for name, where in _asking(code):
            try:
                known = name is not None and frame.f_globals[name] is self._replaced.get(name)
            except KeyError:
                known = False
            if not known:
                self._doubt(f"{where}\n    it may tell recorded values from others")

    def _is_ours(self, frame: FrameType | None) -> bool:
        """Tell what libraries do for chainrule from what they do for the user's code."""
        while frame is not None and frame is not self._base:
            kind = self._kind(frame)
            if kind in (_INTERNAL, _USERS):
                return kind == _INTERNAL
            frame = frame.f_back
        return True

    def _is_called_by_user(self, frame: FrameType) -> bool:
        """Tell whether the function itself is what leads to this frame, through what it calls."""
        below = frame.f_back
        while below is not None and below is not self._base:
            if below is self._root:
                return True
            below = below.f_back
        return False

    def _kind(self, frame: FrameType) -> int:
        code = frame.f_code
        known = self._kinds.get(id(code))
        if known is None:
            known = self._kinds[id(code)] = code, _kind_of(frame)
        return known[1]


def _kind_of(frame: FrameType) -> int:
    file = frame.f_code.co_filename
    if is_internal(frame.f_code):
        return _INTERNAL
    if file.startswith("<"):  # what dataclasses and named tuples have made for themselves
        home = str(frame.f_globals.get("__name__")).partition(".")[0]
        if home == "chainrule" or home.startswith("namedtuple_"):
            return _INTERNAL
    if is_users_file(file) and not file.startswith("<frozen "):
        return _USERS
    return _NUMPYS if file.startswith(_NUMPY) and not file.startswith(_STATEFUL) else _LIBRARY


@functools.lru_cache(4096)
def _opaque(code: CodeType) -> str | None:
    """Say why code may do another thing in another turn, None if it does not."""
    for x in dis.get_instructions(code):
        name = x.opname
        if name not in _KNOWN:
            said = _SAID.get(name, f"does what need not be the same in each turn ({name})")
            return f"{line_of(code, x.offset)}\n    it {said}"
    return None


@functools.lru_cache(4096)
def _asking(code: CodeType) -> tuple[tuple[str | None, str], ...]:
    """Return where code may tell recorded values from others: by which builtin, and the line."""
    found: list[tuple[str | None, str]] = []
    for x in dis.get_instructions(code):
        where = line_of(code, x.offset)
        if x.opname == "LOAD_GLOBAL" and x.argval in ASKING:
            found.append((x.argval, where))
        elif x.opname in _CATCHING or (x.opname == "LOAD_ATTR" and x.argval in _OF_TYPES):
            found.append((None, where))
    return tuple(found)


@functools.lru_cache(4096)
def _asks_length(code: CodeType, called: bool) -> str | None:
    instructions = [x for x in dis.get_instructions(code) if x.opname != "CACHE"]
    loops = bounds(code)
    inside = [x for x in instructions if any(a <= x.offset <= b for a, b in loops)]
    stored = {x.argval for x in inside if x.opname.startswith(("STORE", "UNPACK"))}
    stored |= {name for x in inside if type(x.argval) is tuple for name in x.argval}
    for k, x in enumerate(instructions):
        names = x.argval if type(x.argval) is tuple else (x.argval,)
        if not x.opname.startswith("LOAD") or _LENGTHS.isdisjoint(map(str, names)):
            continue
        if not called and x not in inside:
            continue
        of = instructions[k + 1 if x.argval == "len" else k - 1]
        if not called and of.opname in _VARIABLES and of.argval not in stored:
            continue
        return f"{line_of(code, x.offset)}\n    a length that may be another one in another turn"
    return None


_VARIABLES = frozenset(
    {"LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_CHECK", "LOAD_DEREF", "LOAD_GLOBAL"}
)
