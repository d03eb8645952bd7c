"""The user's source: which frame, line and variables a message should speak of."""

from __future__ import annotations

import ast
import itertools
import linecache
import os
import site
import sys
import sysconfig
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.array import value_of
from chainrule.core.instructions import instructions_of

__all__ = [
    "INSTALLED",
    "LIBRARIES",
    "Location",
    "annotate",
    "defined_at",
    "expression_here",
    "failed_at",
    "failing_expression",
    "is_installed",
    "is_internal",
    "is_library",
    "is_own",
    "location_of",
    "look_up",
    "numpy_asks",
    "running_expression",
    "stack_level",
    "user_frame",
    "user_location",
    "where_am_i",
]

_NUMPY = os.path.dirname(os.path.abspath(np.__file__)) + os.sep
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_internal: dict[CodeType, bool] = {}

_STANDARD = os.path.join(sysconfig.get_path("stdlib"), "")
#: Directories of installed libraries.
INSTALLED = tuple(
    {
        os.path.join(path, "")
        for path in (
            sysconfig.get_path("purelib"),
            sysconfig.get_path("platlib"),
            site.getusersitepackages(),
        )
    }
)
#: Likewise, and that of Python's library.
LIBRARIES = (_STANDARD, *INSTALLED)


class Location(NamedTuple):
    """A place in the user's code."""

    filename: str
    lineno: int
    function: str
    text: str

    def __str__(self) -> str:
        text = f": {self.text}" if self.text else ""
        return f"line {self.lineno} of {os.path.basename(self.filename)}{text}"


def is_internal(code: CodeType) -> bool:
    """Tell whether code belongs to chainrule rather than to its user."""
    try:
        return _internal[code]
    except KeyError:
        known = _internal[code] = code.co_filename.startswith(_PACKAGE)
        return known


def is_own(f: FunctionType) -> bool:
    """Tell whether a function is one of chainrule's, such as `grad` returns.

    What cloudpickle has sent to another process has no file, but the globals that it had; and so
    have the examples in docstrings, which are not.
    """
    if not is_internal(f.__code__):
        package = str(f.__globals__.get("__package__"))
        if package.partition(".")[0] != "chainrule" or f.__code__.co_filename.startswith(
            "<doctest"
        ):
            return False
        _internal[f.__code__] = True
    return True


def is_library(frame: FrameType) -> bool:
    """Tell whether a frame is of Python's library or of an installed one."""
    return _file(frame).startswith((*LIBRARIES, "<frozen "))


def is_installed(frame: FrameType) -> bool:
    """Tell whether a frame is of an installed library other than NumPy."""
    file = _file(frame)
    return file.startswith(INSTALLED) and not file.startswith(_NUMPY)


def _file(frame: FrameType) -> str:
    """Return the file of a frame's code, that of its module where compilers made up the code's."""
    file = frame.f_code.co_filename
    return file if os.path.isabs(file) else str(frame.f_globals.get("__file__") or file)


def user_frame(frame: FrameType | None = None) -> FrameType | None:
    """Return the innermost frame outside chainrule and NumPy, from a frame outwards.

    It begins at the caller if no frame is given.
    """
    frame = frame or sys._getframe(1)
    while frame is not None and (
        is_internal(frame.f_code) or frame.f_code.co_filename.startswith(_NUMPY)
    ):
        frame = frame.f_back
    return frame


def location_of(frame: FrameType, lineno: int | None = None) -> Location:
    """Describe a frame's current line."""
    code = frame.f_code
    line = frame.f_lineno if lineno is None else lineno
    text = linecache.getline(code.co_filename, line, frame.f_globals).strip()
    return Location(code.co_filename, line, code.co_name, text)


def defined_at(function: Any) -> str:
    """Describe where a function is defined, for a message."""
    code = getattr(function, "__code__", None)
    if code is None:
        return repr(function)
    text = linecache.getline(code.co_filename, code.co_firstlineno).strip()
    return str(Location(code.co_filename, code.co_firstlineno, code.co_name, text))


def user_location() -> Location | None:
    """Describe the line of user code that is running, outside libraries if there is such a line."""
    innermost = frame = user_frame(sys._getframe(1))
    while frame is not None and is_library(frame):
        frame = user_frame(frame.f_back) if frame.f_back is not None else None
    frame = frame or innermost
    return None if frame is None else location_of(frame)


def numpy_asks() -> bool:
    """Tell whether the innermost code that is not ours is NumPy's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_internal(frame.f_code):
        frame = frame.f_back
    return frame is not None and _file(frame).startswith(_NUMPY)


def where_am_i() -> str:
    """Describe the running line of user code for a message: ``line 12 of model.py: h = ...``."""
    location = user_location()
    return "an unknown line" if location is None else str(location)


def stack_level() -> int:
    """Return the ``stacklevel`` that makes a warning of the caller point at user code."""
    level = 1
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_internal(frame.f_code):
        frame = frame.f_back
        level += 1
    return level


def annotate(error: BaseException) -> None:
    """Let an error that user code met start and end in user code, and say what was there.

    The traceback loses chainrule's own frames; an exception of NumPy's gains a note with the
    failing expression and the shapes of the arrays in it.
    """
    trimmed, innermost = _user_frames(error.__traceback__)
    if innermost is None:
        return
    error.__traceback__ = trimmed
    if isinstance(error, (ValueError, TypeError, IndexError, ArithmeticError)):
        note = _describe(innermost)
        if note and note not in getattr(error, "__notes__", ()):
            error.add_note(note)


def _user_frames(
    tb: TracebackType | None,
) -> tuple[TracebackType | None, TracebackType | None]:
    kept = []
    while tb is not None:
        if not is_internal(tb.tb_frame.f_code):
            kept.append(tb)
        tb = tb.tb_next
    for outer, inner in itertools.pairwise(kept):
        outer.tb_next = inner
    if not kept:
        return None, None
    # The innermost frames may be a library's; the user's line is the last one in a file of theirs.
    mine = [t for t in kept if "site-packages" not in t.tb_frame.f_code.co_filename]
    last = (mine or kept)[-1]
    kept[-1].tb_next = None
    return kept[0], last


def failed_at(error: BaseException) -> tuple[Location, dict[str, Any]] | None:
    """Return the user's line that an error arose in, and what the failing expression reads.

    None where no code of the user's was running.
    """
    _, innermost = _user_frames(error.__traceback__)
    if innermost is None:
        return None
    frame = innermost.tb_frame
    names = _names(failing_expression(innermost))
    return location_of(frame, innermost.tb_lineno), {name: look_up(name, frame) for name in names}


def _describe(tb: TracebackType) -> str:
    """Name the arrays of the failing expression: ``h1 = x @ W1 + b1: x is (32, 64), ...``.

    And the turns of the loops that it stands in: ``t is 50``.
    """
    frame = tb.tb_frame
    location = location_of(frame, tb.tb_lineno)
    if not location.text:
        return ""
    described = []
    for name in _names(failing_expression(tb)):
        value = look_up(name, frame)
        shape = getattr(value, "shape", None)
        if isinstance(shape, tuple) and shape:
            described.append(f"{name} is {shape}")
        elif shape == () or isinstance(value, float):
            described.append(f"{name} is {value_of(value)}")
    for name in _counters(frame.f_code, tb.tb_lasti):
        value = look_up(name, frame)
        if type(value) is int:
            described.append(f"{name} is {value}")
    shapes = f": {', '.join(described)}" if described else ""
    return f"{location.text}{shapes}"


def _counters(code: CodeType, instruction: int) -> list[str]:
    """Return what the ``for`` loops around an instruction count with, the outermost first."""
    instructions = instructions_of(code)
    found = []
    for x, *following in zip(instructions, instructions[1:], instructions[2:], strict=False):
        if x.opname == "FOR_ITER" and x.offset < instruction < x.argval:
            store = next((y for y in following if y.opname.startswith("STORE_")), None)
            if store is not None:
                found.append(store.argval if isinstance(store.argval, str) else store.argval[0])
    return found


def failing_expression(tb: TracebackType) -> str:
    """Return the source of the expression that a traceback's frame was evaluating."""
    return running_expression(tb.tb_frame, tb.tb_lasti, tb.tb_lineno)


def running_expression(frame: FrameType, instruction: int, lineno: int) -> str:
    """Return the source of the expression that an instruction evaluates, else the whole line."""
    code = frame.f_code
    start, stop, left, right = list(code.co_positions())[instruction // 2]
    if start is None or stop is None or left is None or right is None:
        return location_of(frame, lineno).text
    lines = [linecache.getline(code.co_filename, k).encode() for k in range(start, stop + 1)]
    lines[-1] = lines[-1][:right]
    lines[0] = lines[0][left:]
    return b"".join(lines).decode(errors="replace")


def expression_here() -> str:
    """Return what the user's running line evaluates or assigns to, '' where that is unknown."""
    frame = user_frame(sys._getframe(1))
    if frame is None:
        return ""
    text = running_expression(frame, frame.f_lasti, frame.f_lineno).strip()
    return "" if "\n" in text else text


def _names(expression: str) -> list[str]:
    try:
        tree = ast.parse(expression.strip())
    except SyntaxError:
        return []
    found: dict[str, None] = {}
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in called:
            dotted = ast.unparse(node)
            if dotted.replace(".", "").isidentifier():
                found[dotted] = None
        elif isinstance(node, ast.Name) and id(node) not in called:
            found[node.id] = None
    return sorted(found, key=expression.find)


def look_up(name: str, frame: FrameType) -> Any:
    """Return what a dotted name means in a frame, None if nothing."""
    first, *rest = name.split(".")
    value = frame.f_locals.get(first)
    if value is None:
        try:
            value = frame.f_globals[first]  # which may be a view of a module's globals
        except KeyError:
            return None
    for attribute in rest:
        value = getattr(value_of(value), attribute, None)  # its recording may have ended
    return value
