"""Operations of a user's own: the three ways to declare one.

Such an operation is told apart from every other by its identity, so that several may have one name:
a function that makes operations may be called twice. The names of the library's own operations
are taken: graphs, messages and printed code would say the one and mean the other. A function of
NumPy is meant by none that does not say so: ``numpy="numpy.interp"``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from chainrule.core.kinds import Elementwise, General, Linear
from chainrule.core.operation import OPERATIONS
from chainrule.core.traits import Traits
from chainrule.errors import NameTakenError

__all__ = ["elementwise", "linear", "operation"]


def elementwise(
    name: str, compute: Callable[..., Any], *, d: Any, **traits: Unpack[Traits]
) -> Elementwise:
    """Declare an operation that acts on every entry alone.

    Args:
        name: what graphs, messages and printed code call it; none of the library's own operations
            has this name.
        compute: the function of plain values, broadcasting as NumPy does.
        d: the local gradient, a function of ``(*operands, output)``; for several operands a tuple
            of them. ``1``, ``-1`` and ``0`` stand for constants, None for an operand that has no
            derivative. Write it with operators and operations, so that it can be recorded too.
        traits: see `chainrule.core.traits.Traits`; ``singular=True`` where d can be infinite.

    Raises:
        NameTakenError: the library has an operation of this name.

    >>> import numpy as np, chainrule as cr
    >>> cube = cr.elementwise("cube", lambda x: x**3, d=lambda x, y: 3 * x**2)
    >>> cr.grad(cube)(2.0)
    12.0
    """
    traits.setdefault("numpy", ())
    return Elementwise(_free(name), compute, d=d, **traits)


def linear(
    name: str,
    compute: Callable[..., Any],
    *,
    pullback: Any,
    multilinear: bool = False,
    variadic: bool = False,
    **traits: Unpack[Traits],
) -> Linear:
    """Declare an operation that is linear in its operands.

    Args:
        name: what graphs, messages and printed code call it; none of the library's own operations
            has this name.
        compute: the function of plain values; keyword arguments are static parameters.
        pullback: ``(g, *operands, **params) -> gradient`` per operand, where of the operand itself
            only ``shape`` and ``dtype`` may be used; None for an operand without a derivative.
            Operands after the last rule (index arrays) have no derivative either.
        multilinear: linear in each operand while the others are held fixed (a product), not in all
            of them together (a concatenation).
        variadic: any number of operands; ``pullback(k, g, operands, **params)`` serves them all.
        traits: see `chainrule.core.traits.Traits`.

    Raises:
        NameTakenError: the library has an operation of this name.
    """
    traits.setdefault("numpy", ())
    return Linear(
        _free(name),
        compute,
        pullback=pullback,
        multilinear=multilinear,
        variadic=variadic,
        **traits,
    )


def operation(
    name: str,
    compute: Callable[..., Any],
    *,
    pullback: Any,
    pushforward: Callable[..., Any] | None = None,
    variadic: bool = False,
    **traits: Unpack[Traits],
) -> General:
    """Declare an operation by its pullback.

    Args:
        name: what graphs, messages and printed code call it; none of the library's own operations
            has this name.
        compute: the function of plain values; keyword arguments are static parameters.
        pullback: ``(g, *operands, output, **params) -> gradient`` per operand, or None.
        pushforward: ``(tangents, *operands, output, **params) -> tangent``, where None in
            ``tangents`` is zero. Left out, it is had by pulling back twice.
        variadic: any number of operands; ``pullback(k, g, operands, output, **params)``.
        traits: see `chainrule.core.traits.Traits`.

    Raises:
        NameTakenError: the library has an operation of this name.

    >>> import numpy as np, chainrule as cr
    >>> dist = cr.operation(
    ...     "dist",
    ...     lambda a, b: np.sqrt(np.sum((a - b) ** 2)),
    ...     pullback=(lambda g, a, b, y: g * (a - b) / y, lambda g, a, b, y: g * (b - a) / y),
    ... )
    >>> cr.grad(dist)(np.array([3.0, 4.0]), np.zeros(2))
    array([0.6, 0.8])
    """
    traits.setdefault("numpy", ())
    return General(
        _free(name),
        compute,
        pullback=pullback,
        pushforward=pushforward,
        variadic=variadic,
        **traits,
    )


def _free(name: str) -> str:
    """Return the name, unless the library has taken it."""
    if name in OPERATIONS:
        raise NameTakenError(
            f"chainrule has an operation called {name!r} already, and whoever reads a graph or "
            f"printed code would take yours for it: give it another name, my_{name} for instance"
        )
    return name
