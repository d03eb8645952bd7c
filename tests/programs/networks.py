"""Small networks with their losses, as courses write them in NumPy."""

from __future__ import annotations

import numpy as np

from tests.programs import Program, normal
from tests.programs.lecture import sigmoid

LABELS = np.array([0, 2, 1, 1, 0, 2])
ONE_HOT = np.eye(3)[LABELS]


def relu(x):
    return np.maximum(0, x)


def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_loss(X, W, b):
    scores = X @ W + b
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    loss = -np.mean(log_probs[np.arange(6), LABELS])
    return loss + 0.1 * np.sum(W * W)


def relu_loss(params, X):
    h = np.maximum(0, X @ params["W1"] + params["b1"])
    out = h @ params["W2"]
    return np.mean(out**2)


def recurrent(x, W):
    h = np.zeros(3)
    for t in range(3):
        h = np.tanh(W @ h + x[t])
    return np.sum(h)


def mean_network(x, y, W1, b1, W2, b2):
    h1 = x @ W1 + b1
    z1 = sigmoid(h1)
    z2 = z1 @ W2 + b2
    loss = np.mean((z2 - y) ** 2)
    return loss


def relu_softmax(X, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    scores = h @ W2 + b2
    shifted = scores - scores.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -logp[np.arange(6), LABELS].mean()
    loss = loss + 0.5 * 0.1 * (np.sum(W1 * W1) + np.sum(W2 * W2))
    return loss


def tanh_softmax(X, W1, W2):
    a1 = X @ W1
    h1 = np.tanh(a1)
    logits = h1 @ W2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    L = -np.sum(ONE_HOT * np.log(p)) / 6
    return L


_W1, _b1, _W2, _X = normal((3, 5), 5, (5, 2), (4, 3))

PROGRAMS = {
    "softmax_loss": Program(softmax_loss, normal((6, 4), (4, 3), 3)),
    "relu_loss": Program(relu_loss, ({"W1": _W1, "b1": _b1, "W2": _W2}, _X)),
    "recurrent": Program(recurrent, normal((3, 3), (3, 3))),
    "mean_network": Program(mean_network, normal((5, 3), (5, 2), (3, 4), 4, (4, 2), 2)),
    "relu_softmax": Program(relu_softmax, normal((6, 4), (4, 5), 5, (5, 3), 3)),
    "tanh_softmax": Program(tanh_softmax, normal((6, 4), (4, 5), (5, 3))),
}
