"""Hand-written derivations as people write them: labels, masks, deltas, layers, loops, returns."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import review
from tests.programs.derivations import written

W = np.array([0.1, 0.2])
X = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])
T = np.array([1.0, 0.0, 0.7])


def loss(w, X, t):
    return np.mean((X @ w - t) ** 2)


def test_integer_labels_and_masks_as_arguments():
    def softmax_loss(W, X, y):
        scores = X @ W
        return np.mean(np.log(np.exp(scores).sum(1)) - scores[np.arange(len(y)), y])

    def by_hand(W, X, y):
        scores = X @ W
        P = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        loss = -np.mean(np.log(P[np.arange(3), y]))
        dscores = P.copy()
        dscores[np.arange(3), y] -= 1
        dscores /= 3
        dW = X.T @ dscores
        return loss, dW

    labels = np.array([0, 2, 1])
    assert review(by_hand, softmax_loss, np.ones((2, 3)), np.eye(3, 2), labels, argnums=0)

    def masked(w, mask):
        return np.sum((w * mask) ** 2)

    def masked_by_hand(w, mask):
        dw = 2 * w * mask
        return np.sum((w * mask) ** 2), dw

    assert review(masked_by_hand, masked, W, np.array([True, False]), argnums=0)


def test_gradients_returned_under_names_of_their_own():
    def by_hand(w, X, t, factor=2):
        error = X @ w - t
        update = factor * X.T @ error / 3
        return np.mean(error**2), update

    def wrong(w, X, t):
        error = X @ w - t
        update = X.T @ error / 3
        return np.mean(error**2), update

    assert review(by_hand, loss, W, X, T, argnums=0)
    result = review(wrong, loss, W, X, T, argnums=0)
    assert result.first.names == ("update",)
    assert result.first.cause.kind == "factor"


def test_a_sum_under_a_name_of_its_own_that_each_round_overwrites():
    def by_hand(w, X, t):
        total = np.zeros_like(w)
        value = 0.0
        for i in range(3):
            error = X[i] @ w - t[i]
            value += error**2 / 3
            total += 2 * error * X[i] / 3
        return value, total

    def overwritten(w, X, t):
        total = np.zeros_like(w)
        value = 0.0
        for i in range(3):
            error = X[i] @ w - t[i]
            value += error**2 / 3
            total = 2 * error * X[i] / 3
        return value, total

    assert review(by_hand, loss, W, X, T, argnums=0)
    result = review(overwritten, loss, W, X, T, argnums=0)
    assert result.first.source.startswith("total = 2")
    assert result.first.cause.kind == "missing +="


def test_gradients_in_lists_and_dicts():
    def in_a_list(w, X, t):
        error = X @ w - t
        found = []
        found.append(2 * X.T @ error / 3)
        return np.mean(error**2), found

    def in_a_dict(w, X, t):
        error = X @ w - t
        found = {}
        found["w"] = 2 * X.T @ error / 3
        return np.mean(error**2), found

    def wrong_in_a_dict(w, X, t):
        error = X @ w - t
        found = {}
        found["w"] = 2 * X.T @ error
        return np.mean(error**2), found

    assert review(in_a_list, loss, W, X, T, argnums=0)
    assert review(in_a_dict, loss, W, X, T, argnums=0)
    result = review(wrong_in_a_dict, loss, W, X, T, argnums=0)
    assert result.first.source.startswith('found["w"]')


def test_the_gradient_that_is_returned_may_be_scaled_at_the_end():
    def scaled(w, X, t):
        n = len(t)
        error = X @ w - t
        dw = X.T @ (2 * error)
        return np.mean(error**2), dw / n

    result = review(scaled, loss, W, X, T, argnums=0)
    assert result
    assert any(line.finding.note == "3 times it" for line in result.lines)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_deltas_of_textbooks_are_by_what_is_activated():
    def network(w0, w1, X, y):
        return np.sum((sigmoid(sigmoid(X @ w0) @ w1) - y) ** 2) / 2

    def by_hand(w0, w1, X, y):
        hidden = sigmoid(X @ w0)
        output = sigmoid(hidden @ w1)
        error = output - y
        delta_output = error * output * (1 - output)
        delta_hidden = (delta_output @ w1.T) * hidden * (1 - hidden)
        dw1 = hidden.T @ delta_output
        dw0 = X.T @ delta_hidden
        return np.sum(error**2) / 2, (dw0, dw1)

    args = np.ones((2, 3)) * [0.1, 0.2, 0.3], np.full((3, 1), 0.5), X[:2], np.array([[1.0], [0.0]])
    assert review(by_hand, network, *args, argnums=(0, 1))


INPUTS = [0.5, -0.3, 0.8]


def test_the_gradient_from_the_next_turn_is_forgotten():
    def recurrent(w, u):
        h, total = 0.0, 0.0
        for x in INPUTS:
            h = np.tanh(w * h + u * x)
            total = total + h**2
        return total

    def by_hand(w, u):
        hs = [0.0]
        total = 0.0
        for x in INPUTS:
            hs.append(np.tanh(w * hs[-1] + u * x))
            total += hs[-1] ** 2
        dw = du = 0.0
        for t in reversed(range(3)):
            dh = 2 * hs[t + 1]
            dz = dh * (1 - hs[t + 1] ** 2)
            dw += dz * hs[t]
            du += dz * INPUTS[t]
        return total, (dw, du)

    result = review(by_hand, recurrent, 0.7, 1.1)
    assert result.first.source == "dh = 2 * hs[t + 1]"


class Layer:
    def __init__(self, W):
        self.W = W

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, g):
        self.dW = self.x.T @ g
        return g @ self.W.T


def test_layers_with_weights_of_one_name():
    def network(W1, W2, X):
        return np.sum(np.tanh(X @ W1) @ W2)

    def by_hand(W1, W2, X):
        first, second = Layer(W1), Layer(W2)
        h = np.tanh(first.forward(X))
        y = second.forward(h)
        g = second.backward(np.ones_like(y))
        first.backward(g * (1 - h**2))
        return np.sum(y), (first.dW, second.dW)

    def wrong(W1, W2, X):
        first, second = Layer(W1), Layer(W2)
        h = np.tanh(first.forward(X))
        y = second.forward(h)
        g = second.backward(np.ones_like(y))
        first.backward(g * (1 - h))
        return np.sum(y), (first.dW, second.dW)

    args = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]), np.array([[1.0], [2.0], [0.3]]), X
    assert review(by_hand, network, *args, argnums=(0, 1))
    result = review(wrong, network, *args, argnums=(0, 1))
    assert [line.source for line in result.wrong] == ["first.backward(g * (1 - h))"]


@pytest.mark.parametrize(
    ("operands", "hint"),
    [
        ("X @ error", "X is (3, 2), error is (3,): X.T @ error would align"),
        ("np.dot(X, error)", "X is (3, 2), error is (3,): X.T @ error would align"),
        ("X.T @ w", "X.T is (2, 3), w is (2,): X @ w would align"),
    ],
)
def test_what_does_not_align_is_to_be_transposed(operands, hint):
    by_hand = written(f"""
    def by_hand(w, X, t):
        error = X @ w - t
        dw = {operands}
        return np.mean(error**2), dw
    """)
    result = review(by_hand, loss, W, X, T, argnums=0)
    assert hint in str(result)


def test_a_sum_over_all_axes_is_named():
    def biased(b, X):
        return np.sum((X + b) ** 2)

    def by_hand(b, X):
        dout = 2 * (X + b)
        db = np.sum(dout)
        return np.sum((X + b) ** 2), db

    result = review(by_hand, biased, W, X, argnums=0)
    assert result.first.cause.kind == "missing sum"
    assert "the sum over all axes" in result.first.cause.text
