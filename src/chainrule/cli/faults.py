"""Bad input, and errors in the user's own code, as one clear message each."""

from __future__ import annotations

import os
import select
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

import typer

from chainrule.core.source import Location, annotate, is_internal, location_of, user_frame
from chainrule.errors import ChainruleError

__all__ = ["Fault", "reason", "user_code"]

_LIBRARIES = (
    "<frozen ",
    *(os.path.join(sysconfig.get_path(kind), "") for kind in ("stdlib", "purelib", "platlib")),
)
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Fault(Exception):
    """Bad input. The message is all that the user needs to see; ``traceback`` was asked for."""

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


@contextmanager
def user_code(show_traceback: bool = False) -> Iterator[None]:
    """Run the user's code: what it raises becomes a `Fault`, its warnings one line each.

    Args:
        show_traceback: give the fault a traceback of the user's frames.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            yield
        except (Fault, KeyboardInterrupt):
            raise
        except SystemExit as stop:
            raise Fault("\n".join(["the code called sys.exit", *_where(stop, "")])) from stop
        except BaseException as error:
            if isinstance(error, BrokenPipeError) and _is_unread(sys.stdout):
                raise
            annotate(error)
            raise Fault(_describe(error), _traceback(error) if show_traceback else "") from error


def reason(error: Exception) -> str:
    """Return why something cannot be read or written, as the system says it."""
    return getattr(error, "strerror", None) or str(error)


def _is_unread(stream: Any) -> bool:
    """Tell whether the reader at the other end of a pipe has gone."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)  # errors and hang-ups are reported unasked
        return bool(poll.poll(0))
    except (AttributeError, OSError, ValueError):  # no pipe
        return False


def _describe(error: BaseException) -> str:
    """Say what was raised, at which of the user's lines, and what the notes tell about it."""
    if isinstance(error, SyntaxError):
        return _describe_syntax(error)
    try:
        message = str(error) or "(no message)"
    except Exception:
        message = "(its message cannot be shown: __str__ raises an error)"
    if not isinstance(error, ChainruleError):
        message = f"{type(error).__name__}: {message}"
    return "\n".join([message, *_where(error, message)])


def _where(error: BaseException, message: str) -> list[str]:
    """Return lines that say where it was raised, as far as the message has not said so."""
    location = _user_location(error.__traceback__)
    notes = [note for note in getattr(error, "__notes__", ()) if note not in message]
    lines = []
    if location is None:
        if not isinstance(error, ChainruleError):
            lines.append("  (raised inside chainrule; --traceback shows where)")
    elif str(location) not in message:
        function = "" if location.function == "<module>" else f", in {location.function}"
        lines.append(f"  {os.path.basename(location.filename)}, line {location.lineno}{function}")
        if location.text and not any(note.startswith(location.text) for note in notes):
            lines.append(f"    {location.text}")  # a note repeats it, with the shapes in it
    return lines + [f"    {note}" for note in notes]


def _describe_syntax(error: SyntaxError) -> str:
    place = os.path.basename(error.filename or "the file")
    if error.lineno:
        place += f", line {error.lineno}"
    message = f"{place}: {type(error).__name__}: {error.msg}"
    if error.text:
        stripped = error.text.strip()
        message += f"\n    {stripped}"
        indent = len(error.text) - len(error.text.lstrip())
        if error.offset and 0 <= error.offset - 1 - indent <= len(stripped):
            message += f"\n    {' ' * (error.offset - 1 - indent)}^"
    return message


def _user_location(tb: TracebackType | None) -> Location | None:
    """Describe the innermost line that is the user's own."""
    found = None
    while tb is not None:
        code = tb.tb_frame.f_code
        if not is_internal(code) and not code.co_filename.startswith(_LIBRARIES):
            found = location_of(tb.tb_frame, tb.tb_lineno)
        tb = tb.tb_next
    return found


def _traceback(error: BaseException) -> str:
    lines = traceback.format_tb(error.__traceback__)
    return "".join(["Traceback (most recent call last):\n", *lines])


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    frame = user_frame(_outside(warnings.__file__))
    if filename.startswith(_PACKAGE) and frame is not None:  # NumPy warns where it is called
        filename, lineno = frame.f_code.co_filename, frame.f_lineno
    mark = typer.style("warning:", fg="yellow", bold=True)
    typer.echo(f"{mark} {message} ({os.path.basename(filename)}, line {lineno})", err=True)


def _outside(filename: str) -> FrameType:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename in (filename, __file__):
        frame = frame.f_back
    return frame
