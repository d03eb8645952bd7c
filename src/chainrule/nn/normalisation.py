"""Layers that keep signals at mean 0 and variance 1, and one that drops them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.nn.context import Context
from chainrule.nn.module import Module, static
from chainrule.nn.random import random_uniform
from chainrule.transforms.stop import stop_gradient

__all__ = ["BatchNorm", "Dropout", "LayerNorm"]


class LayerNorm(Module):
    """``(x - mean) / sqrt(variance + eps) * scale + shift`` along the last axis.

    Ba, Kiros and Hinton, "Layer normalization", 2016.

    Attributes:
        scale: (features,), ones at first.
        shift: (features,), zeros at first.
        eps: keeps it finite where all entries are equal.
    """

    scale: Any
    shift: Any
    eps: float = static()

    def __init__(self, features: int, *, eps: float = 1e-5, dtype: Any = np.float64) -> None:
        super().__init__(scale=np.ones(features, dtype), shift=np.zeros(features, dtype), eps=eps)

    def __call__(self, x: Any) -> Any:
        """Take (..., features), return the same shape."""
        mean = np.mean(x, axis=-1, keepdims=True)
        variance = np.mean((x - mean) ** 2, axis=-1, keepdims=True)
        return (x - mean) / np.sqrt(variance + self.eps) * self.scale + self.shift


class BatchNorm(Module):
    """``(x - mean) / sqrt(variance + eps) * scale + shift``, feature by feature over a batch.

    Ioffe and Szegedy, "Batch normalization", ICML 2015, algorithms 1 and 2. While training the
    statistics are the batch's, and the running ones in the context's state move towards them; these
    serve for prediction.

    Attributes:
        scale: (features,), ones at first.
        shift: (features,), zeros at first.
        eps: keeps it finite where a feature is constant.
        momentum: how far the running statistics move at each batch.
    """

    scale: Any
    shift: Any
    eps: float = static()
    momentum: float = static()

    needs_context = True

    def __init__(
        self,
        features: int,
        *,
        eps: float = 1e-5,
        momentum: float = 0.1,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__(
            scale=np.ones(features, dtype),
            shift=np.zeros(features, dtype),
            eps=eps,
            momentum=momentum,
        )

    def initial_state(self) -> dict[str, Any]:
        """Return the running statistics before the first batch: mean 0, variance 1."""
        return {"mean": np.zeros_like(self.scale), "variance": np.ones_like(self.scale)}

    def __call__(self, x: Any, context: Context | None = None) -> Any:
        """Take (batch, features, ...), return the same shape.

        Raises:
            LookupError: no context with this layer's state.
            ValueError: a batch of one number for each feature, while training.
        """
        if context is None:
            raise LookupError(
                "BatchNorm has running statistics: call the model with a context, "
                "model(x, nn.Evaluation(model, state)), or nn.Training(model, state)"
            )
        shape = (1, -1) + (1,) * (np.ndim(x) - 2)
        running = context.read(self)
        mean, variance = running["mean"], running["variance"]
        if context.training:
            axes = (0, *range(2, np.ndim(x)))
            entries = np.size(x) // max(np.shape(x)[1], 1)
            if entries < 2:
                raise ValueError(
                    f"BatchNorm trained by a batch of shape {np.shape(x)}: one number for each "
                    "feature has no variance; it needs a larger batch"
                )
            mean = np.mean(x, axis=axes)
            variance = np.mean((x - mean.reshape(shape)) ** 2, axis=axes)
            unbiased = variance * (entries / (entries - 1))
            context.write(
                self,
                {
                    "mean": self._moved(running["mean"], mean),
                    "variance": self._moved(running["variance"], unbiased),
                },
            )
        y = (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + self.eps)
        return y * self.scale.reshape(shape) + self.shift.reshape(shape)

    def _moved(self, running: Any, new: Any) -> Any:
        return running + self.momentum * (stop_gradient(new) - running)


class Dropout(Module):
    """While training, set entries to 0 with probability ``rate``, and scale the others up.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15,
    2014. The mean of the output is the input, so that nothing has to change for prediction.

    Attributes:
        rate: from 0 up to 1, which is not among them.
    """

    rate: float = static()

    needs_context = True

    def __init__(self, rate: float = 0.5) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"Dropout({rate!r}): the rate must be from 0 up to 1, without 1")
        super().__init__(rate=rate)

    def __call__(self, x: Any, context: Context | None = None) -> Any:
        """Return the same shape; x itself unless the context is `Training`."""
        if context is None or not context.training or self.rate == 0:
            return x
        drawn = random_uniform(context.key(), np.shape(x), x.dtype)
        return np.where(drawn >= self.rate, x / (1 - self.rate), 0)
