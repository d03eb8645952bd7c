"""Layers of networks over buffers that are filled in loops, and padded images."""

from __future__ import annotations

import numpy as np


def softmax(x):
    tmp_max = np.max(x, axis=-1, keepdims=True)
    tmp_out = np.exp(x - tmp_max)
    tmp_sum = np.sum(tmp_out, axis=-1, keepdims=True)
    return tmp_out / tmp_sum


def softmax_by_reduce(x):
    shifted = np.subtract(x, np.maximum.reduce(x, axis=-1, keepdims=True))
    e = np.exp(shifted, out=shifted)
    return e / np.add.reduce(e, axis=-1, keepdims=True)


def _relu(x):
    return np.maximum(x, 0)


def mlp(input, w1, b1, w2, b2, w3, b3):
    x = _relu(input @ w1 + b1)
    x = _relu(x @ w2 + b2)
    x = softmax(x @ w3 + b3)
    return x


def conv2d(input, weights):
    K = weights.shape[0]
    N = input.shape[0]
    H_out = input.shape[1] - K + 1
    W_out = input.shape[2] - K + 1
    C_out = weights.shape[3]
    output = np.empty((N, H_out, W_out, C_out), dtype=input.dtype)
    for i in range(H_out):
        for j in range(W_out):
            output[:, i, j, :] = np.sum(
                input[:, i : i + K, j : j + K, :, np.newaxis] * weights[np.newaxis, :, :, :],
                axis=(1, 2, 3),
            )
    return output


def conv2d_bias(input, weights, bias):
    return conv2d(input, weights) + bias


def maxpool2d(x):
    output = np.empty([x.shape[0], x.shape[1] // 2, x.shape[2] // 2, x.shape[3]], dtype=x.dtype)
    for i in range(x.shape[1] // 2):
        for j in range(x.shape[2] // 2):
            output[:, i, j, :] = np.max(x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, :], axis=(1, 2))
    return output


def lenet(input, conv1, bias1, conv2, bias2, w1, b1, w2, b2, N, width):
    x = _relu(conv2d(input, conv1) + bias1)
    x = maxpool2d(x)
    x = _relu(conv2d(x, conv2) + bias2)
    x = maxpool2d(x)
    x = np.reshape(x, (N, width))
    x = _relu(x @ w1 + b1)
    return x @ w2 + b2


def batchnorm2d(x, eps=1e-5):
    mean = np.mean(x, axis=0, keepdims=True)
    std = np.std(x, axis=0, keepdims=True)
    return (x - mean) / np.sqrt(std + eps)


def bottleneck(input, conv1, conv2, conv3):
    """A block of a residual network: the middle layer's input is laid into a padded buffer."""
    padded = np.zeros((input.shape[0], input.shape[1] + 2, input.shape[2] + 2, conv1.shape[3]))
    padded[:, 1:-1, 1:-1, :] = conv2d(input, conv1)
    x = batchnorm2d(padded)
    x = _relu(x)
    x = conv2d(x, conv2)
    x = batchnorm2d(x)
    x = _relu(x)
    x = conv2d(x, conv3)
    x = batchnorm2d(x)
    return _relu(x + input)


def attention(x, Wq, Wk, Wv, heads):
    n, d = x.shape
    out = np.zeros_like(x)
    width = d // heads
    mask = np.triu(np.ones((n, n), dtype=bool), k=1)
    for h in range(heads):
        at = slice(h * width, (h + 1) * width)
        q, k, v = x @ Wq[:, at], x @ Wk[:, at], x @ Wv[:, at]
        scores = q @ k.T / np.sqrt(width)
        scores[mask] = -1e9
        out[:, at] = softmax(scores) @ v
    return out


def im2col(image, filters):
    """A convolution as one product, by a buffer of windows."""
    h, w = image.shape
    fh, fw, count = filters.shape
    padded = np.pad(image, ((fh // 2, fh // 2), (fw // 2, fw // 2)))
    columns = np.zeros((h * w, fh * fw))
    row = 0
    for i in range(h):
        for j in range(w):
            columns[row] = padded[i : i + fh, j : j + fw].ravel()
            row += 1
    return (columns @ filters.reshape(-1, count)).reshape(h, w, count)


class Dense:
    """A layer that keeps what it has computed, as teaching code does."""

    def __init__(self, W, b):
        self.W, self.b = W, b
        self.cache = {}

    def __call__(self, x):
        self.cache["x"] = x
        self.out = x @ self.W + self.b
        return self.out


def layers_of_objects(x, W1, b1, W2, b2):
    layers = [Dense(W1, b1), Dense(W2, b2)]
    for k, layer in enumerate(layers):
        x = layer(x)
        if k + 1 < len(layers):
            x = np.tanh(x)
    penalty = sum(np.sum(layer.W**2) for layer in layers)
    return x, penalty + np.mean([np.mean(layer.out) for layer in layers])
