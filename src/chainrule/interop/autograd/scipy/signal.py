"""Convolutions of several axes at once, while others are summed over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

__all__ = ["convolve"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def convolve(
    A: Any,
    B: Any,
    axes: Sequence[Sequence[int]] | None = None,
    dot_axes: Sequence[Sequence[int]] = ((), ()),
    mode: str = "full",
) -> Any:
    """Convolve A with B along pairs of axes.

    Args:
        A: an array.
        B: another one.
        axes: the axes of A and those of B that are convolved; all of them, in order, if left out.
        dot_axes: the axes of A and those of B whose products are summed, as np.tensordot does.
        mode: ``"full"``, ``"valid"`` or ``"same"``: which part of the convolution is returned, as
            in scipy.signal.convolve.

    Returns:
        An array whose axes are the others of A, the others of B, and the convolved ones.

    Raises:
        ValueError: the mode is another one, or of ``"valid"`` neither array is the larger one along
            all axes.
    """
    if mode not in ("full", "valid", "same"):
        raise ValueError(f"mode is {mode!r}: it is 'full', 'valid' or 'same'")
    if axes is None:
        axes = [range(A.ndim), range(A.ndim)]
    pairs = list(zip(*axes, strict=True))
    a_sizes = [A.shape[k] for k, _ in pairs]
    b_sizes = [B.shape[k] for _, k in pairs]
    widths = [(0, 0)] * A.ndim
    starts = [0] * len(pairs)
    sizes = [m + n - 1 for m, n in zip(a_sizes, b_sizes, strict=True)]
    if mode == "valid":
        a_is_larger = all(m >= n for m, n in zip(a_sizes, b_sizes, strict=True))
        if not a_is_larger and any(m > n for m, n in zip(a_sizes, b_sizes, strict=True)):
            raise ValueError("one array must be the larger one along all convolved axes")
        starts = [min(m, n) - 1 for m, n in zip(a_sizes, b_sizes, strict=True)]
        sizes = [abs(m - n) + 1 for m, n in zip(a_sizes, b_sizes, strict=True)]
    elif mode == "same":
        starts = [(n - 1) // 2 for n in b_sizes]
        sizes = a_sizes
    # Entry i of the convolution is the product of the window of A that ends there with B, reversed.
    for (k, _), n in zip(pairs, b_sizes, strict=True):
        widths[k] = (n - 1, n - 1)
    A = np.pad(A, widths)
    part: list[Any] = [slice(None)] * A.ndim
    for (k, _), start, size, n in zip(pairs, starts, sizes, b_sizes, strict=True):
        part[k] = slice(start, start + size + n - 1)
    reverse: list[Any] = [slice(None)] * B.ndim
    for _, k in pairs:
        reverse[k] = slice(None, None, -1)
    A, B = A[tuple(part)], B[tuple(reverse)]
    if pairs:
        A = sliding_window_view(A, b_sizes, tuple(k for k, _ in pairs))
    letters = iter(_LETTERS)
    a_names = [next(letters) for _ in range(A.ndim)]
    b_names = [next(letters) for _ in range(B.ndim)]
    for at, (_, k) in enumerate(pairs):
        b_names[k] = a_names[A.ndim - len(pairs) + at]
    for j, k in zip(*dot_axes, strict=True):
        b_names[k] = a_names[j]
    convolved = [j % A.ndim for j, _ in pairs]
    others_a = [
        name
        for j, name in enumerate(a_names[: A.ndim - len(pairs)])
        if j not in convolved and j not in dot_axes[0]
    ]
    used = {*(k for _, k in pairs), *dot_axes[1]}
    others_b = [name for k, name in enumerate(b_names) if k not in used]
    kept = [a_names[j] for j in convolved]
    spelled = f"{''.join(a_names)},{''.join(b_names)}->{''.join(others_a + others_b + kept)}"
    return np.einsum(spelled, A, B)
