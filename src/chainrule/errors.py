"""The errors and warnings that chainrule raises, all under one root.

Each message says what happened, where, and what to write instead.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType

__all__ = [
    "RUNS",
    "ArgumentError",
    "ChainruleError",
    "EndedRecordingError",
    "ExamplesDisagreeError",
    "GradientLostError",
    "GradientMismatchError",
    "IndependentOutputWarning",
    "NameTakenError",
    "NoAttributeError",
    "NonFiniteError",
    "NonScalarOutputError",
    "NotCompiledWarning",
    "NotConvergedError",
    "NotHermitianWarning",
    "RuleError",
    "TapeLimitError",
    "UnsupportedError",
]


#: Code that runs user functions. Its variable ``raised`` is told of the errors of a run that plain
#: NumPy would not raise: user code that catches one would go another way than it does by itself.
RUNS: set[CodeType] = set()


class ChainruleError(Exception):
    """Root of every error that chainrule itself raises.

    ``caught`` tells that user code had caught it, and it was raised again when the run ended.
    """

    caught = False


class _OfRecordings(ChainruleError):
    """An error that plain NumPy would not raise. The run that it is raised in remembers it."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code not in RUNS:
            frame = frame.f_back
        if frame is not None:
            frame.f_locals["raised"].add(self)


class ArgumentError(ChainruleError, TypeError):
    """An argument is not what is needed: one to differentiate by is an integer, or a string."""


class NonScalarOutputError(ChainruleError, ValueError):
    """A gradient was asked of a function whose output is not one number."""


class GradientLostError(_OfRecordings, TypeError):
    """The code would have dropped a gradient silently, so it was stopped."""


class GradientMismatchError(ChainruleError, AssertionError):
    """A gradient does not agree with differences of the function."""


class NonFiniteError(ChainruleError, ArithmeticError):
    """A value is NaN or infinite where a finite one is needed."""


class NotConvergedError(ChainruleError, RuntimeError):
    """A solver has found no solution, so there is none that could be differentiated."""


class EndedRecordingError(_OfRecordings, RuntimeError):
    """An array was used after the recording that made it had ended."""


class ExamplesDisagreeError(_OfRecordings, ValueError):
    """Under `vmap`, Python looked at a value that is not the same for all examples."""


class UnsupportedError(_OfRecordings, NotImplementedError):
    """A function, or an option of one, that chainrule does not differentiate (yet)."""


class NoAttributeError(UnsupportedError, AttributeError):
    """An ndarray has such an attribute, and an Array has not."""


class NameTakenError(ChainruleError, ValueError):
    """An operation was declared under the name of one of the library's own."""


class RuleError(ChainruleError, TypeError):
    """What a function of the user's gives as a derivative is none: its shape is another one."""


class TapeLimitError(ChainruleError, MemoryError):
    """A compiled function would need more memory than it was allowed to."""


class IndependentOutputWarning(UserWarning):
    """The output does not depend on the argument, so its gradient is zero."""


class NotHermitianWarning(UserWarning):
    """One triangle of a matrix is read, and the other says something else."""


class NotCompiledWarning(UserWarning):
    """A compiled function runs as Python, because compiled code would not do what it does."""
