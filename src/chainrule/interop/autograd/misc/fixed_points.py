"""Fixed points, differentiated by the implicit function theorem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.interop.autograd.linearise import seen
from chainrule.interop.autograd.operators import make_vjp
from chainrule.interop.autograd.primitives import defvjp, primitive
from chainrule.interop.autograd.vspaces import vspace

__all__ = ["fixed_point"]


@primitive
def fixed_point(
    f: Callable[[Any], Callable[[Any], Any]],
    a: Any,
    x0: Any,
    distance: Callable[[Any, Any], Any],
    tol: float,
) -> Any:
    """Return x with ``f(a)(x) == x``, found by applying it from x0 on.

    It stops when ``distance(x, x before)`` is at most ``tol``. The gradient by ``a`` is that of the
    fixed point, however many steps it took.
    """
    step = f(a)
    x, before = step(x0), x0
    while distance(x, before) > tol:
        x, before = step(x), x
    return x


def _by_parameters(
    ans: Any, f: Any, a: Any, x0: Any, distance: Callable[[Any, Any], Any], tol: float
) -> Callable[[Any], Any]:
    run = seen(f)

    def backwards(parameters: Any) -> Callable[[Any], Any]:
        a, x, g = parameters
        vjp, _ = make_vjp(run(a))(x)
        return lambda u: vspace(x).add(vjp(u), g)

    vjp, _ = make_vjp(lambda a, x: run(a)(x))(a, ans)
    zero = vspace(x0).zeros()
    return lambda g: vjp(fixed_point(backwards, (a, ans, g), zero, distance, tol))


defvjp(fixed_point, None, _by_parameters, None)
