"""Convolutions and pooling, channels first: (batch, channels, length) or (..., height, width)."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from chainrule.nn.initialisers import Initialiser, he_normal
from chainrule.nn.module import Module, static
from chainrule.nn.random import Rng
from chainrule.operations.correlation import correlation

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
        _check(x, self.AXES, type(self).__name__, self.weight.shape[1])
        sizes = tuple(n + 2 * p for n, p in zip(np.shape(x)[2:], self.padding, strict=True))
        _check_windows(sizes, self.weight.shape[2:], self)
        y = correlation(
            np.copy(np.moveaxis(x, 1, -1), order="C"),
            np.moveaxis(self.weight, (0, 1), (-1, -2)),
            step=self.stride,
            padding=self.padding,
            dilation=(1,) * self.AXES,
        )
        if self.bias is not None:
            y = y + self.bias
        return np.moveaxis(y, -1, 1)


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
        return self._reduced(np.stack(_shifted(x, 2, self.kernel, self.stride, self)))

    def _reduced(self, entries: Any) -> Any:
        """Reduce the entries of windows: (entries of a window, batch, channels, *sizes)."""
        raise NotImplementedError


class MaxPool1d(_Pool):
    """The largest number of each window of ``kernel`` entries, side by side or by stride."""

    AXES = 1

    def _reduced(self, entries: Any) -> Any:
        return np.max(entries, axis=0)


class MaxPool2d(MaxPool1d):
    """The largest number of each window; one kernel for both axes, or (height, width)."""

    AXES = 2


class AvgPool1d(_Pool):
    """The mean of each window of ``kernel`` entries, side by side or by stride."""

    AXES = 1

    def _reduced(self, entries: Any) -> Any:
        return np.mean(entries, axis=0)


class AvgPool2d(AvgPool1d):
    """The mean of each window; one kernel for both axes, or (height, width)."""

    AXES = 2


def _shifted(x: Any, first: int, kernel: Sizes, stride: Sizes, layer: Any) -> list[Any]:
    """Return, for each place in a window, what all windows have there.

    Args:
        x: images; the axes from the ``first`` on are those of the windows.
        first: see above.
        kernel: the sizes of a window.
        stride: steps between windows.
        layer: for the message.

    Raises:
        ValueError: no window fits in the images.
    """
    sizes = np.shape(x)[first : first + len(kernel)]
    _check_windows(sizes, kernel, layer)
    before = (slice(None),) * first
    return [
        x[
            (
                *before,
                *(
                    slice(at, at + size - k + 1, step)
                    for at, size, k, step in zip(place, sizes, kernel, stride, strict=True)
                ),
            )
        ]
        for place in itertools.product(*map(range, kernel))
    ]


def _check_windows(sizes: Sizes, kernel: Sizes, layer: Any) -> None:
    if any(size < k for size, k in zip(sizes, kernel, strict=True)):
        name = type(layer).__name__
        raise ValueError(f"{name}: windows of {kernel} do not fit in an image of {sizes}")


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
