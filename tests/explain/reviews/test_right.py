"""What is right passes without a false alarm, however it is written."""

import linecache
import math
from textwrap import dedent

import numpy as np
import pytest

from chainrule import review

rng = np.random.default_rng(1)
labels = np.array([0, 2, 1, 1, 0, 2])


def sigmoid(h):
    return 1 / (1 + np.exp(-h))


def lecture(x, y):
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    f = num * invden
    return f


def lecture_in_one_line(x, y):
    return (x + 1 / (1 + math.exp(-y))) / (1 / (1 + math.exp(-x)) + (x + y) ** 2)


def network(x, y, W1, b1, W2, b2):
    h1 = x @ W1 + b1
    z1 = sigmoid(h1)
    z2 = z1 @ W2 + b2
    loss = np.sum((z2 - y) ** 2)
    return loss


def softmax_loss(X, W, b):
    scores = X @ W + b
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    loss = -np.mean(log_probs[np.arange(6), labels])
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


def normal(*shapes):
    return tuple(rng.normal(size=shape) for shape in shapes)


def written(text):
    text = dedent(text).strip() + "\n"
    file = f"<right {len(linecache.cache)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names = {"np": np, "math": math, "sigmoid": sigmoid, "labels": labels}
    exec(compile(text, file, "exec"), names)
    return names["by_hand"]


NUMBERS = (3.0, -4.0)
NETWORK = normal((5, 3), (5, 2), (3, 4), 4, (4, 2), 2)
SOFTMAX = normal((6, 4), (4, 3), 3)
W1, b1, W2 = normal((3, 5), 5, (5, 2))
RELU = ({"W1": W1, "b1": b1, "W2": W2}, *normal((4, 3)))

LECTURE = """
def by_hand(x, y):
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    f = num * invden
    dnum = invden
    dinvden = num
    dden = (-1.0 / (den**2)) * dinvden
    dsigx = (1) * dden
    dxpysqr = (1) * dden
    dxpy = (2 * xpy) * dxpysqr
    dx = (1) * dxpy
    dy = (1) * dxpy
    dx += ((1 - sigx) * sigx) * dsigx
    dx += (1) * dnum
    dsigy = (1) * dnum
    dy += ((1 - sigy) * sigy) * dsigy
    return f, (dx, dy)
"""

VARIANTS = {
    "the lecture's listing": (LECTURE, lecture, NUMBERS),
    "of a function in one line": (LECTURE, lecture_in_one_line, NUMBERS),
    "another order, fused lines": (
        """
        def by_hand(x, y):
            sigy = 1.0 / (1 + math.exp(-y))
            sigx = 1.0 / (1 + math.exp(-x))
            num = x + sigy
            den = sigx + (x + y) ** 2
            f = num / den
            dden = -num / den**2
            dx = 1 / den + dden * (sigx * (1 - sigx) + 2 * (x + y))
            dy = dden * 2 * (x + y)
            dy = dy + sigy * (1 - sigy) / den
            return dx, dy
        """,
        lecture,
        NUMBERS,
    ),
    "paths added in pieces that are not the function's": (
        """
        def by_hand(x, y):
            den = 1.0 / (1 + math.exp(-x)) + x**2 + 2 * x * y + y**2
            num = x + 1.0 / (1 + math.exp(-y))
            dden = -num / den**2
            s = 1.0 / (1 + math.exp(-x))
            dx = 2 * x * dden
            dx += 2 * y * dden
            dx += s * dden
            dx -= s * s * dden
            dx += 1 / den
            dy = 2 * y * dden
            dy += 2 * x * dden
            s = 1.0 / (1 + math.exp(-y))
            dy += s * (1 - s) / den
        """,
        lecture,
        NUMBERS,
    ),
    "other names, other parameters, gradients returned alone": (
        """
        def by_hand(a, b):
            p = 1.0 / (1 + math.exp(-b))
            top = a + p
            s = 1.0 / (1 + math.exp(-a))
            m = a + b
            bottom = s + m * m
            dtop = 1 / bottom
            dbottom = -top / bottom**2
            ds = dbottom
            dm = 2 * m * dbottom
            da = dm + s * (1 - s) * ds + dtop
            dp = dtop
            db = dm + p * (1 - p) * dp
            return [da, db]
        """,
        lecture,
        NUMBERS,
    ),
    "a local gradient under a name of its own": (
        """
        def by_hand(x, y):
            sigy = 1.0 / (1 + math.exp(-y))
            num = x + sigy
            sigx = 1.0 / (1 + math.exp(-x))
            xpy = x + y
            den = sigx + xpy**2
            f = num / den
            dsigx = sigx * (1 - sigx)
            dxpy = 2 * xpy
            dden = -num / den**2
            dx = 1 / den + dden * dsigx + dden * dxpy
            dy = dden * dxpy + sigy * (1 - sigy) / den
        """,
        lecture,
        NUMBERS,
    ),
    "a name that means something else": (
        """
        def by_hand(x, y):
            num = x + y
            den = 1.0 / (1 + math.exp(-x)) + num**2
            top = x + 1.0 / (1 + math.exp(-y))
            f = top / den
            dden = -top / den**2
            dnum = 2 * num * dden
            s, t = 1.0 / (1 + math.exp(-x)), 1.0 / (1 + math.exp(-y))
            dx = dnum + s * (1 - s) * dden + 1 / den
            dy = dnum + t * (1 - t) / den
            return f, dx, dy
        """,
        lecture,
        NUMBERS,
    ),
    "its own example values": (
        LECTURE.replace("(x, y):", "():\n    x = 3.0\n    y = -4.0"),
        lecture,
        NUMBERS,
    ),
    "derivatives called df/dx": (
        """
        def by_hand(x, y, z):
            q = x + y
            f = q * z
            dfdz = q
            dfdq = z
            df_dx = 1.0 * dfdq
            grad_y = 1.0 * dfdq
        """,
        lambda x, y, z: (x + y) * z,
        (-2.0, 5.0, -4.0),
    ),
    "accumulators that begin with zeros": (
        """
        def by_hand(x, y, W1, b1, W2, b2):
            h1 = x @ W1 + b1
            z1 = sigmoid(h1)
            z2 = z1 @ W2 + b2
            loss = ((z2 - y) ** 2).sum()
            dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
            dW2, db2 = np.zeros_like(W2), np.zeros_like(b2)
            dx, dy = np.zeros_like(x), np.zeros_like(y)
            for n in range(len(x)):
                dz2 = 2 * (z2[n] - y[n])
                dy[n] -= dz2
                dW2 += np.outer(z1[n], dz2)
                db2 += dz2
                dz1 = W2 @ dz2
                dh1 = dz1 * z1[n] * (1 - z1[n])
                dW1 += np.outer(x[n], dh1)
                db1 += dh1
                dx[n] = W1 @ dh1
            return loss, (dx, dy, dW1, db1, dW2, db2)
        """,
        network,
        NETWORK,
    ),
    "reversed sums, in-place products": (
        """
        def by_hand(x, y, W1, b1, W2, b2):
            z1 = sigmoid(x @ W1 + b1)
            error = z1 @ W2 + b2 - y
            loss = np.sum(error**2)
            dz2 = error * 2
            delta = dz2 @ W2.T
            delta *= z1
            delta *= 1 - z1
            W1_grad = (delta.T @ x).T
            b1_grad = np.ones(len(x)) @ delta
            W2_grad = np.einsum("nh,no->ho", z1, dz2)
            b2_grad = np.add.reduce(dz2)
            x_grad = np.dot(delta, W1.T)
            y_grad = -dz2
        """,
        network,
        NETWORK,
    ),
    "softmax, its gradient made in place": (
        """
        def by_hand(X, W, b):
            N = X.shape[0]
            scores = X @ W + b
            exps = np.exp(scores - scores.max(axis=1, keepdims=True))
            probs = exps / exps.sum(axis=1, keepdims=True)
            loss = -np.log(probs[np.arange(N), labels]).mean() + 0.1 * np.sum(W * W)
            dscores = probs
            dscores[np.arange(N), labels] -= 1
            dscores /= N
            dW = X.T @ dscores
            dW += 0.2 * W
            db = np.sum(dscores, axis=0)
            dX = dscores @ W.T
            return loss, {"X": dX, "W": dW, "b": db}
        """,
        softmax_loss,
        SOFTMAX,
    ),
    "relu by a mask, a dictionary of gradients": (
        """
        def by_hand(params, X):
            W1, b1, W2 = params["W1"], params["b1"], params["W2"]
            h = np.maximum(0, X @ W1 + b1)
            out = h @ W2
            grads = {}
            dout = 2 * out / out.size
            grads["W2"] = h.T @ dout
            dh = dout @ W2.T
            dh[h <= 0] = 0
            grads["W1"] = X.T @ dh
            grads["b1"] = np.sum(dh, axis=0)
            dX = dh @ W1.T
            return np.mean(out**2), grads
        """,
        relu_loss,
        RELU,
    ),
    "backprop through time": (
        """
        def by_hand(x, W):
            hs = [np.zeros(3)]
            for t in range(3):
                h = np.tanh(W @ hs[-1] + x[t])
                hs.append(h)
            dh = np.ones(3)
            dW = np.zeros_like(W)
            dx = np.zeros_like(x)
            for t in reversed(range(3)):
                da = dh * (1 - hs[t + 1] ** 2)
                dW += np.outer(da, hs[t])
                dx[t] += da
                dh = W.T @ da
            return np.sum(h), (dx, dW)
        """,
        recurrent,
        normal((3, 3), (3, 3)),
    ),
    "equal contributions": (
        """
        def by_hand(x):
            y = x + x
            dy = x
            dx = y
            dx += dy
            dx += dy
        """,
        lambda x: (x + x) * x,
        (1.5,),
    ),
    "a statement over several lines": (
        """
        def by_hand(x, y, z):
            q = (
                x
                + y
            )
            f = q * z
            dq = (
                1.0
                * z
            )
            dx, dy, dz = (
                dq,
                dq,
                q,
            )
            return f, (
                dx,
                dy,
                dz,
            )
        """,
        lambda x, y, z: (x + y) * z,
        (-2.0, 5.0, -4.0),
    ),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_right_passes(name):
    text, f, args = VARIANTS[name]

    result = review(written(text), f, *args)

    assert result, str(result)
    assert {line.verdict for line in result.lines} <= {"right", "not compared"}


def test_float32_is_compared_as_precisely_as_it_is():
    text, f, args = VARIANTS["softmax, its gradient made in place"]

    assert review(written(text), f, *[a.astype(np.float32) for a in args])


def test_variables_unknown_to_the_function_are_not_compared():
    text, f, args = VARIANTS["softmax, its gradient made in place"]

    result = review(written(text), f, *args)

    (line,) = [line for line in result.lines if line.verdict == "not compared"]
    assert line.names == ("probs",)


def test_stages_without_a_gradient_of_their_own_are_named():
    text, f, args = VARIANTS["another order, fused lines"]

    result = review(written(text), f, *args)

    assert any("no gradient of their own" in remark for remark in result.remarks)
