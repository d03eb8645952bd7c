"""Convolutions and pooling, channels first: (batch, channels, length) or (..., height, width)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from chainrule.nn.initialisers import Initialiser, he_normal
from chainrule.nn.module import Module, static
from chainrule.nn.random import Rng

__all__ = ["AvgPool1d", "AvgPool2d", "Conv1d", "Conv2d", "MaxPool1d", "MaxPool2d"]

Sizes = tuple[int, ...]


class _Conv(Module):
    """A convolution over as many axes as the kernel has, without flipping it, as the field does.

    Attributes:
        weight: (outputs, inputs, *kernel).
        bias: (outputs,), or None.
        stride: step between windows, by axis.
        padding: zeros on either side, by axis.
    """

    weight: Any
    bias: Any
    stride: Sizes = static()
    padding: Sizes = static()

    AXES = 0

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | Sizes,
        *,
        rng: Rng,
        stride: int | Sizes = 1,
        padding: int | Sizes | str = 0,
        bias: bool = True,
        weight: Initialiser = he_normal,
        dtype: Any = np.float64,
    ) -> None:
        sizes = _by_axis(kernel, self.AXES, "kernel", 1)
        steps = _by_axis(stride, self.AXES, "stride", 1)
        if padding == "same":
            if set(steps) != {1} or any(size % 2 == 0 for size in sizes):
                raise ValueError(
                    f"padding='same' needs stride 1 and odd kernels, got stride {steps} and "
                    f"kernel {sizes}"
                )
            padding = tuple(size // 2 for size in sizes)
        elif isinstance(padding, str):
            raise ValueError(f"padding={padding!r}: numbers of zeros, or 'same'")
        super().__init__(
            weight=weight(rng, (outputs, inputs, *sizes), dtype),
            bias=np.zeros(outputs, dtype) if bias else None,
            stride=steps,
            padding=_by_axis(padding, self.AXES, "padding", 0),
        )

    def __call__(self, x: Any) -> Any:
        """Take (batch, inputs, *sizes), return (batch, outputs, *sizes).

        Raises:
            ValueError: another number of axes or channels, or an image smaller than the kernel.
        """
        outputs, inputs, *kernel = self.weight.shape
        _check(x, self.AXES, type(self).__name__, inputs)
        x = _padded(x, self.padding)
        windows = _windows(x, tuple(kernel), self.stride, type(self).__name__)
        batch, _, *sizes = windows.shape[: 2 + self.AXES]
        axes = range(2, 2 + self.AXES)
        columns = np.transpose(windows, (0, *axes, 1, *(axis + self.AXES for axis in axes)))
        y = columns.reshape(-1, inputs * int(np.prod(kernel))) @ self.weight.reshape(outputs, -1).T
        if self.bias is not None:
            y = y + self.bias
        return np.moveaxis(y.reshape(batch, *sizes, outputs), -1, 1)


class Conv1d(_Conv):
    """``y[b, o, i] = bias[o] + sum over c and k of x[b, c, i * stride + k] * weight[o, c, k]``.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        kernel: its length.
        rng: a generator, or a seed.
        stride: step between windows.
        padding: zeros on either side, or ``"same"``: as many as keep the length.
        bias: whether there is one.
        weight: the initialiser of the weights.
        dtype: that of the parameters.
    """

    AXES = 1


class Conv2d(_Conv):
    """``y[b, o, i, j] = bias[o] + sum of x[b, c, i + k, j + l] * weight[o, c, k, l]``.

    LeCun et al., "Gradient-based learning applied to document recognition", 1998.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        kernel: height and width, or one number for both.
        rng: a generator, or a seed.
        stride: step between windows, one or by axis.
        padding: zeros on either side, one or by axis, or ``"same"``: as many as keep the size.
        bias: whether there is one.
        weight: the initialiser of the weights.
        dtype: that of the parameters.

    >>> layer = Conv2d(1, 8, 3, rng=0, padding="same")
    >>> layer(np.ones((32, 1, 28, 28))).shape
    (32, 8, 28, 28)
    """

    AXES = 2


class _Pool(Module):
    """Windows of an image, each made into one number."""

    kernel: Sizes = static()
    stride: Sizes = static()

    AXES = 0

    def __init__(self, kernel: int | Sizes, *, stride: int | Sizes | None = None) -> None:
        sizes = _by_axis(kernel, self.AXES, "kernel", 1)
        steps = sizes if stride is None else _by_axis(stride, self.AXES, "stride", 1)
        super().__init__(kernel=sizes, stride=steps)

    def __call__(self, x: Any) -> Any:
        """Take (batch, channels, *sizes); what does not fill a window at the end is left out.

        Raises:
            ValueError: another number of axes, or an image smaller than the window.
        """
        _check(x, self.AXES, type(self).__name__, None)
        windows = _windows(x, self.kernel, self.stride, type(self).__name__)
        return self._reduced(windows, tuple(range(-self.AXES, 0)))

    def _reduced(self, windows: Any, axes: Sizes) -> Any:
        raise NotImplementedError


class MaxPool1d(_Pool):
    """The largest number of each window of ``kernel`` entries, side by side or by stride."""

    AXES = 1

    def _reduced(self, windows: Any, axes: Sizes) -> Any:
        return np.max(windows, axis=axes)


class MaxPool2d(MaxPool1d):
    """The largest number of each window; one kernel for both axes, or (height, width)."""

    AXES = 2


class AvgPool1d(_Pool):
    """The mean of each window of ``kernel`` entries, side by side or by stride."""

    AXES = 1

    def _reduced(self, windows: Any, axes: Sizes) -> Any:
        return np.mean(windows, axis=axes)


class AvgPool2d(AvgPool1d):
    """The mean of each window; one kernel for both axes, or (height, width)."""

    AXES = 2


def _windows(x: Any, kernel: Sizes, stride: Sizes, name: str) -> Any:
    axes = tuple(range(2, 2 + len(kernel)))
    sizes = tuple(np.shape(x)[axis] for axis in axes)
    if any(size < k for size, k in zip(sizes, kernel, strict=True)):
        raise ValueError(f"{name}: windows of {kernel} do not fit in an image of {sizes}")
    windows = sliding_window_view(x, kernel, axis=axes)
    if set(stride) == {1}:
        return windows
    return windows[(slice(None), slice(None), *(slice(None, None, step) for step in stride))]


def _padded(x: Any, padding: Sizes) -> Any:
    if not any(padding):
        return x
    return np.pad(x, ((0, 0), (0, 0), *((n, n) for n in padding)))


def _by_axis(value: int | Sizes, axes: int, name: str, least: int) -> Sizes:
    """Return one number for each axis."""
    sizes = (value,) * axes if isinstance(value, int) else tuple(value)
    if len(sizes) != axes or any(size < least for size in sizes):
        raise ValueError(f"{name}={value!r}: {axes} numbers of at least {least}")
    return sizes


def _check(x: Any, axes: int, name: str, channels: int | None) -> None:
    shape = np.shape(x)
    wanted = "(batch, channels, " + ("length)" if axes == 1 else "height, width)")
    if len(shape) != 2 + axes:
        raise ValueError(f"{name} takes {wanted}, got an array of shape {shape}")
    if channels is not None and shape[1] != channels:
        raise ValueError(f"{name} was made for {channels} channels, got {shape[1]}: shape {shape}")
