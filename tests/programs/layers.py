"""Layers and models with a loss behind them, as courses and papers write them in NumPy."""

from __future__ import annotations

import numpy as np

from tests.programs import Program, normal
from tests.programs.lecture import sigmoid
from tests.programs.networks import LABELS, ONE_HOT

DROPOUT = (np.random.default_rng(0).random((5, 4)) < 0.6) / 0.6


def batch_norm(x, gamma, beta, dout):
    mu = x.mean(axis=0)
    xmu = x - mu
    var = np.mean(xmu**2, axis=0)
    std = np.sqrt(var + 1e-5)
    xhat = xmu / std
    out = gamma * xhat + beta
    return np.sum(out * dout)


def layer_norm(x, gamma, beta, t):
    mean = x.mean(axis=1, keepdims=True)
    var = x.var(axis=1, keepdims=True)
    xhat = (x - mean) / np.sqrt(var + 1e-5)
    out = gamma * xhat + beta
    loss = 0.5 * np.sum((out - t) ** 2)
    return loss


def linear_regression(X, y, w, b):
    pred = X @ w + b
    err = pred - y
    loss = np.mean(err**2)
    return loss


def logistic_regression(X, y, w, b):
    z = X @ w + b
    p = sigmoid(z)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    return loss


def convolution(x, w, b):
    out = np.zeros((2, 3, 3))
    rows = []
    for i in range(3):
        row = []
        for j in range(3):
            row.append(np.sum(x[:, i : i + 3, j : j + 3] * w, axis=(1, 2)) + b)
        rows.append(np.stack(row))
    out = np.stack(rows)
    return np.sum(out**2)


def recurrent_network(xs, Wxh, Whh, bh, target):
    h = np.zeros(5)
    for t in range(4):
        h = np.tanh(Wxh @ xs[t] + Whh @ h + bh)
    loss = np.sum((h - target) ** 2)
    return loss


def attention(Q, K, V):
    S = Q @ K.T / np.sqrt(3)
    E = np.exp(S - S.max(axis=1, keepdims=True))
    A = E / E.sum(axis=1, keepdims=True)
    O = A @ V
    loss = np.sum(O**2)
    return loss


def max_pooling(x, w):
    p = x.reshape(2, 2, 2, 2).max(axis=(1, 3))
    return np.sum(p * w)


def dropout(X, W1, W2):
    h = np.maximum(0, X @ W1)
    hd = h * DROPOUT
    out = hd @ W2
    loss = np.sum(out**2) / 5
    return loss


def hinge_loss(X, W):
    scores = X @ W
    correct = scores[np.arange(6), LABELS][:, None]
    margins = np.maximum(0, scores - correct + 1.0)
    margins = margins * (1 - ONE_HOT)
    loss = np.sum(margins) / 6 + 0.1 * np.sum(W * W)
    return loss


def embedding(E, W, b):
    idx = np.array([[0, 1], [2, 2], [5, 0], [7, 3]])
    e = E[idx].reshape(4, 6)
    h = np.tanh(e @ W + b)
    loss = np.mean(h**2)
    return loss


PROGRAMS = {
    "batch_norm": Program(batch_norm, normal((6, 4), 4, 4, (6, 4))),
    "layer_norm": Program(layer_norm, normal((6, 4), 4, 4, (6, 4))),
    "linear_regression": Program(linear_regression, (*normal((7, 3), 7, 3), 0.3)),
    "logistic_regression": Program(
        logistic_regression,
        (*normal((7, 3)), np.array([0.0, 1, 1, 0, 1, 0, 0]), *normal(3), 0.3),
    ),
    "convolution": Program(convolution, normal((2, 5, 5), (3, 3), 1)),
    "recurrent_network": Program(recurrent_network, normal((4, 3), (5, 3), (5, 5), 5, 5)),
    "attention": Program(attention, normal((4, 3), (4, 3), (4, 2))),
    "max_pooling": Program(max_pooling, normal((4, 4), (2, 2))),
    "dropout": Program(dropout, normal((5, 3), (3, 4), (4, 1))),
    "hinge_loss": Program(hinge_loss, normal((6, 4), (4, 3))),
    "embedding": Program(embedding, normal((8, 3), (6, 4), 4)),
}
