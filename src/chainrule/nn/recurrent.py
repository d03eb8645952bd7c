"""Recurrent layers: a Python loop over time, which stays a loop in printed and compiled code.

A cell is one turn: it takes what is carried and an input, and returns both for the next turn and
for the layer above. `Recurrent` goes over a sequence with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from chainrule.nn.initialisers import glorot_uniform, orthogonal
from chainrule.nn.module import Module
from chainrule.nn.random import Rng, generator

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "Recurrent"]


class _Cell(Module):
    """The parameters of ``GATES`` units side by side."""

    input_weight: Any
    hidden_weight: Any
    bias: Any

    GATES = 1

    def __init__(self, inputs: int, hidden: int, *, rng: Rng, dtype: Any = np.float64) -> None:
        super().__init__(**self._fields(inputs, hidden, rng, dtype))

    def _fields(self, inputs: int, hidden: int, rng: Rng, dtype: Any) -> dict[str, Any]:
        rng, gates = generator(rng), range(self.GATES)
        return {
            "input_weight": np.hstack(
                [glorot_uniform(rng, (inputs, hidden), dtype) for _ in gates]
            ),
            "hidden_weight": np.hstack([orthogonal(rng, (hidden, hidden), dtype) for _ in gates]),
            "bias": np.zeros(self.GATES * hidden, dtype),
        }

    def _zeros(self, x: Any) -> Any:
        hidden = self.hidden_weight.shape[0]
        return np.zeros((*np.shape(x)[:-1], hidden), self.hidden_weight.dtype)

    def start(self, x: Any) -> Any:
        """Return what is carried into the first turn, given an input of (..., inputs): zeros."""
        return self._zeros(x)


class RNNCell(_Cell):
    """``h = tanh(x @ input_weight + h @ hidden_weight + bias)``.

    Elman, "Finding structure in time", Cognitive Science 14, 1990.

    Attributes:
        input_weight: (inputs, hidden).
        hidden_weight: (hidden, hidden), orthogonal at first.
        bias: (hidden,).
    """

    def __call__(self, h: Any, x: Any) -> tuple[Any, Any]:
        """Take h of (..., hidden) and x of (..., inputs); return the new h twice."""
        h = np.tanh(x @ self.input_weight + h @ self.hidden_weight + self.bias)
        return h, h


class GRUCell(_Cell):
    """Gates that reset and update: ``h = (1 - z) * n + z * h``.

    Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014, in the form
    in which the reset gate multiplies a matrix product.

    Attributes:
        input_weight: (inputs, 3 * hidden): reset, update, new.
        hidden_weight: (hidden, 3 * hidden), orthogonal for each gate at first.
        bias: (3 * hidden,).
        hidden_bias: (hidden,), added inside of the reset gate.
    """

    hidden_bias: Any

    GATES = 3

    def _fields(self, inputs: int, hidden: int, rng: Rng, dtype: Any) -> dict[str, Any]:
        fields = super()._fields(inputs, hidden, rng, dtype)
        return {**fields, "hidden_bias": np.zeros(hidden, dtype)}

    def __call__(self, h: Any, x: Any) -> tuple[Any, Any]:
        """Take h of (..., hidden) and x of (..., inputs); return the new h twice."""
        of_x = x @ self.input_weight + self.bias
        of_h = h @ self.hidden_weight
        n = self.hidden_bias.shape[0]
        r = scipy.special.expit(of_x[..., :n] + of_h[..., :n])
        z = scipy.special.expit(of_x[..., n : 2 * n] + of_h[..., n : 2 * n])
        new = np.tanh(of_x[..., 2 * n :] + r * (of_h[..., 2 * n :] + self.hidden_bias))
        h = (1 - z) * new + z * h
        return h, h


class LSTMCell(_Cell):
    """A memory with gates that let in, forget and let out: ``c = f * c + i * g; h = o * tanh(c)``.

    Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9, 1997. The forget
    gate is by Gers, Schmidhuber and Cummins, 2000; its bias begins at 1, as Jozefowicz et al. (ICML
    2015) advise.

    Attributes:
        input_weight: (inputs, 4 * hidden): in, forget, new, out.
        hidden_weight: (hidden, 4 * hidden), orthogonal for each gate at first.
        bias: (4 * hidden,).
    """

    GATES = 4

    def _fields(self, inputs: int, hidden: int, rng: Rng, dtype: Any) -> dict[str, Any]:
        fields = super()._fields(inputs, hidden, rng, dtype)
        fields["bias"][hidden : 2 * hidden] = 1
        return fields

    def start(self, x: Any) -> tuple[Any, Any]:
        """Return what is carried into the first turn, given an input of (..., inputs): zeros."""
        return self._zeros(x), self._zeros(x)

    def __call__(self, carried: tuple[Any, Any], x: Any) -> tuple[tuple[Any, Any], Any]:
        """Take (h, c), each (..., hidden), and x of (..., inputs); return the new ones, and h."""
        h, c = carried
        gates = x @ self.input_weight + h @ self.hidden_weight + self.bias
        n = self.hidden_weight.shape[0]
        i = scipy.special.expit(gates[..., :n])
        f = scipy.special.expit(gates[..., n : 2 * n])
        g = np.tanh(gates[..., 2 * n : 3 * n])
        o = scipy.special.expit(gates[..., 3 * n :])
        c = f * c + i * g
        h = o * np.tanh(c)
        return (h, c), h


class Recurrent(Module):
    """A cell over a sequence.

    Attributes:
        cell: an `RNNCell`, `GRUCell`, `LSTMCell`, or a module of one's own that is called like
            them and has ``start``.

    >>> layer = Recurrent(LSTMCell(3, 8, rng=0))
    >>> layer(np.ones((32, 20, 3))).shape
    (32, 20, 8)
    """

    cell: Any

    def __call__(self, x: Any) -> Any:
        """Take (batch, time, inputs), return each turn's output: (batch, time, hidden)."""
        if np.ndim(x) != 3:
            raise ValueError(f"Recurrent takes (batch, time, inputs), got shape {np.shape(x)}")
        carried = self.cell.start(x[:, 0])
        outputs = []
        for t in range(np.shape(x)[1]):
            carried, y = self.cell(carried, x[:, t])
            outputs.append(y)
        return np.stack(outputs, axis=1)
