"""`stage`: the gradient of a function as code that a person would have written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.errors import ChainruleError
from chainrule.staged.open_loops import opened
from chainrule.staged.staged import Staged
from chainrule.staged.verify import difference
from chainrule.staged.write import record, write

__all__ = ["stage", "stage_as_written"]


def stage(
    f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] | None = None, **kwargs: Any
) -> Staged:
    """Return the gradient of f as readable code, derived stage by stage from one run.

    Args:
        f: a function of NumPy arrays and floats with one number as its output.
        args: example arguments; each may be a tree (tuple, list, dict, dataclass) of arrays. The
            code holds for all values of these shapes for which f takes the same branches; loops
            that go on until a condition fails may have another number of turns, for which f is run
            a few times more. Where the example overflows, code is written for a stable form of the
            function, if one is known: ``np.logaddexp(x, 0.0)`` for ``np.log(1 + np.exp(x))``.
        argnums: positions of the arguments to differentiate by, in the order in which the
            gradients are returned; all that hold floats if not given.
        kwargs: passed to f and built into the code.

    Raises:
        ArgumentError: there is no float to differentiate by.
        NonScalarOutputError: f's output is not one number.
        UnsupportedError: f uses an operation that cannot be written with NumPy and SciPy.

    >>> import chainrule as cr
    >>> def f(x, y):
    ...     q = x * y
    ...     return q + x
    >>> print(cr.stage(f, 3.0, -4.0))
    def f_gradient(x, y):
        \"\"\"Return f(x, y) and its gradient.\"\"\"
        # forward pass
        q = x * y      # (1)
        value = q + x  # (2)
        # backprop value = q + x
        dq = 1.0       # (2)
        dx = 1.0       # (2)
        # backprop q = x * y
        dx += (y) * dq  # (1)
        dy = (x) * dq   # (1)
        return value, (dx, dy)
    <BLANKLINE>
    """
    return _staged(f, args, kwargs, argnums, stable=True)


def stage_as_written(
    f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], argnums: Any = None
) -> Staged:
    """Do what `stage` does, without a stable form of what overflows: to show where it does."""
    return _staged(f, args, kwargs, argnums, stable=False)


def _staged(
    f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], argnums: Any, stable: bool
) -> Staged:
    recorded = record(f, args, kwargs, argnums, stable)
    staged, reason = opened(recorded, f, kwargs, argnums)
    if staged is not None:
        return staged
    staged = write(recorded)
    staged.unrolled = reason
    if difference(staged, recorded) is None:
        return staged
    # What is shorter may round or overflow otherwise: then the rules' own formulas are printed.
    staged = write(recorded, plain=True)
    staged.unrolled = reason
    found = difference(staged, recorded)
    if found is not None and found.is_wrong:
        raise ChainruleError(
            f"{found.text}: this is a bug of chainrule, please report it with your function. The "
            f"code was:\n{staged.source}"
        )
    return staged
