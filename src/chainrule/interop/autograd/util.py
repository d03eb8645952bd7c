"""Small functions of autograd's module of that name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from chainrule.interop.autograd.primitives import subval, subvals
from chainrule.interop.autograd.test_util import check_grads

__all__ = ["quick_grad_check", "subval", "subvals"]


def quick_grad_check(
    fun: Callable[..., Any],
    arg0: Any,
    extra_args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
    **ignored: Any,
) -> None:
    """Check a gradient by the first argument. Deprecated: use `test_util.check_grads`."""
    warnings.warn("quick_grad_check is deprecated: use test_util.check_grads", stacklevel=2)
    check_grads(fun, 0, ["rev"], 1)(arg0, *extra_args, **(kwargs or {}))
