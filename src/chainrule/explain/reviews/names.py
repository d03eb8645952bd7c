"""Which variables of a hand-written function stand for which values and gradients."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

__all__ = ["base_of_gradient", "is_called_gradient", "is_gradient_container"]

_PATTERNS = (
    re.compile(r"d_?(.+)"),  # dW1, d_h
    re.compile(r"(?:grad|gradient|delta|del|bar|adj)_?(?:of_)?(.+)"),  # grad_W1
    re.compile(r"(.+?)_?(?:grad|gradient|bar|adj|adjoint)"),  # W1_grad
    re.compile(r"[dg](?:[A-Za-z]+?\d*)_?d_?(.+)"),  # dL_dW1, dlossdx
    re.compile(r"g_?(.+)"),  # gW1
)
_CONTAINER = re.compile(r"d|dp|d_?params|d_?theta|g|grads?|gradients?|deltas?", re.IGNORECASE)


def base_of_gradient(name: str, known: Collection[str]) -> str | None:
    """Return whose gradient a variable is called after, among known names: ``dW1`` is W1's."""
    for candidate in _candidates(name):
        if candidate in known:
            return candidate
    for simplified in (str.lower, lambda text: text.lower().replace("_", "")):
        alike: dict[str, list[str]] = {}
        for k in known:
            alike.setdefault(simplified(k), []).append(k)
        for candidate in _candidates(name):
            same = alike.get(simplified(candidate), [])
            if len(same) == 1:
                return same[0]
    return None


def _candidates(name: str) -> Iterator[str]:
    for pattern in _PATTERNS:
        match = pattern.fullmatch(name)
        if match:
            yield match.group(1)


def is_called_gradient(name: str) -> bool:
    """Tell whether a variable is called as gradients are: ``dhidden``, ``delta2``."""
    return any(True for _ in _candidates(name.rsplit(".", 1)[-1]))


def is_gradient_container(name: str) -> bool:
    """Tell whether a dictionary of this name holds gradients: ``grads["W1"]``."""
    return _CONTAINER.fullmatch(name) is not None
