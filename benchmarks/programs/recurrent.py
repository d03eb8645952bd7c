"""Networks that go along sequences."""

from __future__ import annotations

import numpy as np

from programs.program import Program, normal


def rnn(h, W, U, b, xs):
    for x in xs:
        h = np.tanh(h @ W + x @ U + b)
    return np.sum(h * h)


def rnn_in_jax():
    import jax.numpy as jnp
    from jax import lax

    def program(h, W, U, b, xs):
        h, _ = lax.scan(lambda h, x: (jnp.tanh(h @ W + x @ U + b), None), h, xs)
        return jnp.sum(h * h)

    return program


def lstm(W1, b1, W2, b2, xs):
    def cell(W, b, x, h, c):
        z = np.concatenate((x, h), axis=1) @ W + b
        n = h.shape[1]
        i, f, o = (1 / (1 + np.exp(-z[:, k * n : (k + 1) * n])) for k in range(3))
        c = f * c + i * np.tanh(z[:, 3 * n :])
        return o * np.tanh(c), c

    n = b1.size // 4
    h1 = c1 = h2 = c2 = np.zeros((xs.shape[1], n))
    loss = 0.0
    for x in xs:
        h1, c1 = cell(W1, b1, x, h1, c1)
        h2, c2 = cell(W2, b2, h1, h2, c2)
        loss = loss + np.sum(h2 * h2)
    return loss


def lstm_in_jax():
    import jax.numpy as jnp
    from jax import lax
    from jax.nn import sigmoid

    def cell(W, b, x, h, c):
        z = jnp.concatenate((x, h), axis=1) @ W + b
        i, f, o, g = jnp.split(z, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
        return sigmoid(o) * jnp.tanh(c), c

    def program(W1, b1, W2, b2, xs):
        def step(state, x):
            h1, c1, h2, c2 = state
            h1, c1 = cell(W1, b1, x, h1, c1)
            h2, c2 = cell(W2, b2, h1, h2, c2)
            return (h1, c1, h2, c2), jnp.sum(h2 * h2)

        zero = jnp.zeros((xs.shape[1], b1.size // 4))
        _, losses = lax.scan(step, (zero, zero, zero, zero), xs)
        return jnp.sum(losses)

    return program


def _rnn_inputs(turns):
    return lambda: normal((16, 32), (32, 32), (8, 32), 32, (turns, 16, 8), scale=0.3)


PROGRAMS = [
    Program("rnn-20", "RNN, 20 turns, 16 x 8 to 32", rnn, _rnn_inputs(20), rnn_in_jax),
    Program("rnn-200", "RNN, 200 turns, 16 x 8 to 32", rnn, _rnn_inputs(200), rnn_in_jax),
    Program(
        "lstm",
        "LSTM of 2 layers, 16 turns, 8 x 16 to 16",
        lstm,
        lambda: normal((32, 64), 64, (32, 64), 64, (16, 8, 16), scale=0.3),
        lstm_in_jax,
    ),
]
