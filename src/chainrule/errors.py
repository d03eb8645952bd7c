"""The errors and warnings that chainrule raises, all under one root.

Each message says what happened, where, and what to write instead.
"""

from __future__ import annotations

__all__ = [
    "ArgumentError",
    "ChainruleError",
    "EndedRecordingError",
    "GradientLostError",
    "GradientMismatchError",
    "IndependentOutputWarning",
    "NameTakenError",
    "NonFiniteError",
    "NonScalarOutputError",
    "NotCompiledWarning",
    "UnsupportedError",
]


class ChainruleError(Exception):
    """Root of every error that chainrule itself raises."""


class ArgumentError(ChainruleError, TypeError):
    """An argument cannot be differentiated: an integer, a string, a complex number."""


class NonScalarOutputError(ChainruleError, ValueError):
    """A gradient was asked of a function whose output is not one number."""


class GradientLostError(ChainruleError, TypeError):
    """The code would have dropped a gradient silently, so it was stopped."""


class GradientMismatchError(ChainruleError, AssertionError):
    """A gradient does not agree with differences of the function."""


class NonFiniteError(ChainruleError, ArithmeticError):
    """A value is NaN or infinite where a finite one is needed."""


class EndedRecordingError(ChainruleError, RuntimeError):
    """An array was used after the recording that made it had ended."""


class UnsupportedError(ChainruleError, NotImplementedError):
    """A function, or an option of one, that chainrule does not differentiate (yet)."""


class NameTakenError(ChainruleError, ValueError):
    """An operation was declared under the name of one of the library's own."""


class IndependentOutputWarning(UserWarning):
    """The output does not depend on the argument, so its gradient is zero."""


class NotCompiledWarning(UserWarning):
    """A compiled function runs as Python, because compiled code would not do what it does."""
