"""Machine code that lets other Python threads run, and still answers Ctrl-C.

    declare i32 @cr.unlocked(ptr %function, ptr %buffers)
    declare i1 @cr.interrupted(ptr %asked)

The first returns what ``i32 function(ptr buffers)`` does, without the interpreter's lock meanwhile.
The second lets Python's signal handlers run, where a while has passed since it last did, and tells
whether one of them has raised: KeyboardInterrupt, or what else it likes. `run` asks it between
steps, so that a kernel or a product of matrices is always finished.
"""

from __future__ import annotations

import ctypes
import functools
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from chainrule.native.runtime import engine

__all__ = ["DECLARATION", "IN_VAIN", "UNLOCKED", "Stopped", "between_turns", "run", "unlocked"]

#: For modules with a `run`, and for those that call ``@cr.unlocked``.
DECLARATION = "declare i1 @cr.interrupted(ptr) nounwind"
UNLOCKED = "declare i32 @cr.unlocked(ptr, ptr) nounwind"

# What a run returns that has ended early: by a handler, with the exception set; or by itself.
_STOPPED, IN_VAIN = 2, 3
# Milliseconds between two looks: each takes the lock, which another busy thread may keep for 5.
_PATIENCE = 100


class Stopped(BaseException):  # caught by `chainrule.compile`, which raises the error
    """A signal's handler has ended a run.

    Attributes:
        error: what the handler raised. It is no reason to run the function as Python.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def run(
    steps: Sequence[str],
    last: Sequence[str],
    watch: tuple[int, int] | None = None,
    stopped: Sequence[str] = (),
    committing: tuple[int, Sequence[str]] | None = None,
) -> str:
    """Write ``i32 @run(ptr %buffers)``, which calls functions in turn.

    Args:
        steps: the names of the functions, ``void(ptr %buffers)``.
        last: the lines after them, which return.
        watch: the words of the table by which functions ask for themselves, with `between_turns`:
            when they last did, and whether a handler has ended the run.
        stopped: lines that tell, as ``i1 %stopped``, whether one of them was ended by a signal's
            handler; none where that cannot be.
        committing: from which function on a run is not ended any more, and lines before it that
            tell, as ``i1 %commits``, whether the run is to come to that.
    """
    end = len(steps) if committing is None else committing[0]
    lines = ["entry:"]
    for word in watch or ():
        lines += [
            f"  %word{word} = getelementptr ptr, ptr %buffers, i64 {word}",
            f"  store i64 0, ptr %word{word}",
        ]
    if end > 1:
        lines += ["  %asked = alloca i64", "  store i64 0, ptr %asked"]
    for k, step in enumerate(steps):
        if committing is not None and k == end:
            lines += [
                *committing[1],
                "  br i1 %commits, label %commit, label %vain",
                "vain:",
                f"  ret i32 {IN_VAIN}",
                "commit:",
            ]
        elif 0 < k < end:
            lines += [
                f"  %interrupted{k} = call i1 @cr.interrupted(ptr %asked)",
                f"  br i1 %interrupted{k}, label %stop, label %step{k}",
                f"step{k}:",
            ]
        lines.append(f"  call void @{step}(ptr %buffers)")
        if watch is not None and k < end:
            lines += [
                f"  %stopped{k} = load i64, ptr %word{watch[1]}",
                f"  %ended{k} = icmp ne i64 %stopped{k}, 0",
                f"  br i1 %ended{k}, label %stop, label %after{k}",
                f"after{k}:",
            ]
    if stopped:
        lines += [*stopped, "  br i1 %stopped, label %stop, label %last", "last:"]
    lines += last
    if end > 1 or stopped or (end and watch is not None):
        lines += ["stop:", f"  ret i32 {_STOPPED}"]
    return "\n".join(["define i32 @run(ptr %buffers) {", *lines, "}"])


def between_turns(asked: str, stopped: str, every: int) -> list[str]:
    """Write the end of a loop's turn, which leaves the loop where a handler has ended the run.

    Args:
        asked: the pointer to the word that tells when it last asked.
        stopped: the pointer to the word which is set where it is left.
        every: after how many turns it asks; ``%turn.next`` counts them. It goes on to ``%go.on``,
            or else to ``%done``.
    """
    return [
        f"  %turn.rest = urem i64 %turn.next, {every}",
        "  %turn.asks = icmp eq i64 %turn.rest, 0",
        "  br i1 %turn.asks, label %ask, label %go.on",
        "ask:",
        f"  %interrupted = call i1 @cr.interrupted(ptr {asked})",
        "  br i1 %interrupted, label %stop, label %go.on",
        "stop:",
        f"  store i64 1, ptr {stopped}",
        "  br label %done",
        "go.on:",
    ]


def unlocked(address: int) -> Callable[[Any], int]:
    """Return the function ``i32(ptr buffers)`` at an address, to be called without the lock.

    What a signal's handler has raised meanwhile it raises.
    """
    prototype = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)
    return functools.partial(prototype(_library().address("cr.unlocked")), address)


# --- in machine code ---------------------------------------------------------------------------

if os.name == "nt":
    _CLOCK = """\
declare i64 @GetTickCount64() nounwind

define internal i64 @milliseconds() nounwind {
  %now = call i64 @GetTickCount64()
  ret i64 %now
}
"""
else:
    _CLOCK = f"""\
declare i32 @clock_gettime(i32, ptr) nounwind

define internal i64 @milliseconds() nounwind {{
  %time = alloca [2 x i64]
  %failed = call i32 @clock_gettime(i32 {time.CLOCK_MONOTONIC}, ptr %time)
  %seconds = load i64, ptr %time
  %rest.at = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %rest.at
  %whole = mul i64 %seconds, 1000
  %part = udiv i64 %rest, 1000000
  %now = add i64 %whole, %part
  ret i64 %now
}}
"""

_DEFINITIONS = f"""\
@cr.patience = global i64 {_PATIENCE}

{_CLOCK}
declare ptr @PyEval_SaveThread() nounwind
declare void @PyEval_RestoreThread(ptr) nounwind
declare i32 @PyGILState_Ensure() nounwind
declare void @PyGILState_Release(i32) nounwind
declare i32 @PyErr_CheckSignals() nounwind

define i32 @cr.unlocked(ptr %function, ptr %buffers) nounwind {{
  %thread = call ptr @PyEval_SaveThread()
  %code = call i32 %function(ptr %buffers)
  call void @PyEval_RestoreThread(ptr %thread)
  ret i32 %code
}}

; %asked is the caller's: when it last asked, 0 before the first time, which only starts the clock.
define i1 @cr.interrupted(ptr %asked) nounwind {{
entry:
  %now = call i64 @milliseconds()
  %before = load i64, ptr %asked
  %begins = icmp eq i64 %before, 0
  br i1 %begins, label %begin, label %compare
begin:
  store i64 %now, ptr %asked
  ret i1 false
compare:
  %passed = sub i64 %now, %before
  %patience = load i64, ptr @cr.patience
  %due = icmp sge i64 %passed, %patience
  br i1 %due, label %ask, label %no
ask:
  store i64 %now, ptr %asked
  ; Also right where the lock is held.
  %state = call i32 @PyGILState_Ensure()
  %code = call i32 @PyErr_CheckSignals()
  call void @PyGILState_Release(i32 %state)
  %raised = icmp ne i32 %code, 0
  ret i1 %raised
no:
  ret i1 false
}}
"""


@functools.cache
def _library() -> engine.Library:
    library = engine.link(_DEFINITIONS, "interrupts", optimise=False)
    # Others may call it as long as the process lives.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))
    return library


@engine.provide
def _address(symbol: str) -> int | None:
    if symbol in ("cr.unlocked", "cr.interrupted"):
        return _library().address(symbol)
    return None
