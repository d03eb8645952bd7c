"""Layers' and models' backward passes as students write them, right and with mistakes."""

import linecache
from textwrap import dedent

import numpy as np
import pytest

from chainrule import review

rng = np.random.default_rng(0)
labels = np.array([0, 2, 1, 1, 0, 2])


def sigmoid(h):
    return 1 / (1 + np.exp(-h))


def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def normal(*shapes):
    return tuple(rng.normal(size=shape) for shape in shapes)


def written(text):
    """Define a listing's function, with its source where tracebacks find it."""
    text = dedent(text).strip() + "\n"
    file = f"<student {__name__} {len(linecache.cache)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names = {**globals()}
    exec(compile(text, file, "exec"), names)
    return names["by_hand"]


MASK = (rng.random((5, 4)) < 0.6) / 0.6


def batchnorm(x, gamma, beta, dout):
    mu = x.mean(axis=0)
    xmu = x - mu
    var = np.mean(xmu**2, axis=0)
    std = np.sqrt(var + 1e-5)
    xhat = xmu / std
    out = gamma * xhat + beta
    return np.sum(out * dout)


def layernorm(x, gamma, beta, t):
    mean = x.mean(axis=1, keepdims=True)
    var = x.var(axis=1, keepdims=True)
    xhat = (x - mean) / np.sqrt(var + 1e-5)
    out = gamma * xhat + beta
    loss = 0.5 * np.sum((out - t) ** 2)
    return loss


def linreg(X, y, w, b):
    pred = X @ w + b
    err = pred - y
    loss = np.mean(err**2)
    return loss


def logreg(X, y, w, b):
    z = X @ w + b
    p = sigmoid(z)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    return loss


def conv(x, w, b):
    out = np.zeros((2, 3, 3))
    rows = []
    for i in range(3):
        row = []
        for j in range(3):
            row.append(np.sum(x[:, i : i + 3, j : j + 3] * w, axis=(1, 2)) + b)
        rows.append(np.stack(row))
    out = np.stack(rows)
    return np.sum(out**2)


def rnn(xs, Wxh, Whh, bh, target):
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


def maxpool(x, w):
    p = x.reshape(2, 2, 2, 2).max(axis=(1, 3))
    return np.sum(p * w)


def dropout(X, W1, W2):
    h = np.maximum(0, X @ W1)
    hd = h * MASK
    out = hd @ W2
    loss = np.sum(out**2) / 5
    return loss


def svm(X, W):
    scores = X @ W
    correct = scores[np.arange(6), labels][:, None]
    margins = np.maximum(0, scores - correct + 1.0)
    margins = margins * (1 - np.eye(3)[labels])
    loss = np.sum(margins) / 6 + 0.1 * np.sum(W * W)
    return loss


def embed(E, W, b):
    idx = np.array([[0, 1], [2, 2], [5, 0], [7, 3]])
    e = E[idx].reshape(4, 6)
    h = np.tanh(e @ W + b)
    loss = np.mean(h**2)
    return loss


FUNCTIONS = {
    "batchnorm": (batchnorm, normal((6, 4), 4, 4, (6, 4))),
    "layernorm": (layernorm, normal((6, 4), 4, 4, (6, 4))),
    "linreg": (linreg, (*normal((7, 3)), rng.normal(size=7), rng.normal(size=3), 0.3)),
    "logreg": (
        logreg,
        (*normal((7, 3)), np.array([0.0, 1, 1, 0, 1, 0, 0]), rng.normal(size=3), 0.3),
    ),
    "conv": (conv, normal((2, 5, 5), (3, 3), 1)),
    "rnn": (rnn, normal((4, 3), (5, 3), (5, 5), 5, 5)),
    "attention": (attention, normal((4, 3), (4, 3), (4, 2))),
    "maxpool": (maxpool, normal((4, 4), (2, 2))),
    "dropout": (dropout, normal((5, 3), (3, 4), (4, 1))),
    "svm": (svm, normal((6, 4), (4, 3))),
    "embed": (embed, normal((8, 3), (6, 4), 4)),
}

PROGRAMS = {
    "batch norm": (
        "batchnorm",
        """
        def by_hand(x, gamma, beta, dout):
            N, D = x.shape
            mu = 1./N * np.sum(x, axis=0)
            xmu = x - mu
            sq = xmu ** 2
            var = 1./N * np.sum(sq, axis=0)
            sqrtvar = np.sqrt(var + 1e-5)
            ivar = 1./sqrtvar
            xhat = xmu * ivar
            gammax = gamma * xhat
            out = gammax + beta
            dbeta = np.sum(dout, axis=0)
            dgammax = dout
            dgamma = np.sum(dgammax*xhat, axis=0)
            dxhat = dgammax * gamma
            divar = np.sum(dxhat*xmu, axis=0)
            dxmu1 = dxhat * ivar
            dsqrtvar = -1. /(sqrtvar**2) * divar
            dvar = 0.5 * 1. /np.sqrt(var+1e-5) * dsqrtvar
            dsq = 1. /N * np.ones((N,D)) * dvar
            dxmu2 = 2 * xmu * dsq
            dx1 = (dxmu1 + dxmu2)
            dmu = -1 * np.sum(dxmu1+dxmu2, axis=0)
            dx2 = 1. /N * np.ones((N,D)) * dmu
            dx = dx1 + dx2
            return dx, dgamma, dbeta, out
        """,
    ),
    "layer norm": (
        "layernorm",
        """
        def by_hand(x, gamma, beta, t):
            N, D = x.shape
            mean = x.mean(axis=1, keepdims=True)
            var = x.var(axis=1, keepdims=True)
            std = np.sqrt(var + 1e-5)
            xhat = (x - mean) / std
            out = gamma * xhat + beta
            loss = 0.5 * np.sum((out - t)**2)
            dout = out - t
            dt = -dout
            dbeta = dout.sum(axis=0)
            dgamma = (dout * xhat).sum(axis=0)
            dxhat = dout * gamma
            dvar = np.sum(dxhat * (x - mean) * -0.5 * std**-3, axis=1, keepdims=True)
            dmean = np.sum(-dxhat / std, axis=1, keepdims=True)
            dx = dxhat / std + dvar * 2 * (x - mean) / D + dmean / D
            return loss, (dx, dgamma, dbeta, dt)
        """,
    ),
    "linear regression": (
        "linreg",
        """
        def by_hand(X, y, w, b):
            n = len(y)
            y_hat = X @ w + b
            loss = np.sum((y_hat - y)**2) / n
            error = y_hat - y
            dw = (2/n) * X.T @ error
            db = (2/n) * np.sum(error)
            dX = (2/n) * np.outer(error, w)
            dy = -(2/n) * error
            return loss, (dX, dy, dw, db)
        """,
    ),
    "regression in loops": (
        "linreg",
        """
        def by_hand(X, y, w, b):
            n = X.shape[0]
            loss = 0.0
            dw = np.zeros(3)
            db = 0.0
            dX = np.zeros_like(X)
            dy = np.zeros_like(y)
            for i in range(n):
                pred = 0.0
                for j in range(3):
                    pred += X[i, j] * w[j]
                pred += b
                diff = pred - y[i]
                loss += diff**2 / n
                for j in range(3):
                    dw[j] += 2 * diff * X[i, j] / n
                    dX[i, j] = 2 * diff * w[j] / n
                db += 2 * diff / n
                dy[i] = -2 * diff / n
            return loss, (dX, dy, dw, db)
        """,
    ),
    "logistic regression": (
        "logreg",
        """
        def by_hand(X, y, w, b):
            m = X.shape[0]
            A = sigmoid(X @ w + b)
            dz = A - y
            dw = 1 / m * np.dot(X.T, dz)
            db = 1 / m * np.sum(dz)
            dX = 1 / m * np.outer(dz, w)
            dy = -1 / m * np.log(A / (1 - A))
            return dX, dy, dw, db
        """,
    ),
    "convolution": (
        "conv",
        """
        def by_hand(x, w, b):
            N, H, W = x.shape
            out = np.zeros((N, H - 2, W - 2))
            for i in range(H - 2):
                for j in range(W - 2):
                    out[:, i, j] = np.sum(x[:, i:i+3, j:j+3] * w, axis=(1, 2)) + b
            loss = np.sum(out**2)
            dout = 2 * out
            dx = np.zeros_like(x)
            dw = np.zeros_like(w)
            for i in range(H - 2):
                for j in range(W - 2):
                    dx[:, i:i+3, j:j+3] += dout[:, i, j][:, None, None] * w
                    dw += np.sum(x[:, i:i+3, j:j+3] * dout[:, i, j][:, None, None], axis=0)
            db = np.array([dout.sum()])
            return loss, (dx, dw, db)
        """,
    ),
    "recurrent": (
        "rnn",
        """
        def by_hand(xs, Wxh, Whh, bh, target):
            h = [np.zeros(5)]
            for x in xs:
                h.append(np.tanh(Wxh @ x + Whh @ h[-1] + bh))
            loss = np.sum((h[-1] - target)**2)
            dh = 2 * (h[-1] - target)
            dtarget = -dh
            dWxh = 0; dWhh = 0; dbh = 0
            dxs = [None] * 4
            for t in range(3, -1, -1):
                da = dh * (1 - h[t+1]**2)
                dWxh = dWxh + da[:, None] @ xs[t][None, :]
                dWhh = dWhh + da[:, None] * h[t]
                dbh = dbh + da
                dxs[t] = da @ Wxh
                dh = da @ Whh
            dxs = np.array(dxs)
            return loss, (dxs, dWxh, dWhh, dbh, dtarget)
        """,
    ),
    "attention": (
        "attention",
        """
        def by_hand(Q, K, V):
            d = Q.shape[1]
            S = Q @ K.T / np.sqrt(d)
            A = softmax(S)
            O = A @ V
            loss = np.sum(O**2)
            dO = 2 * O
            dV = A.T @ dO
            dA = dO @ V.T
            dS = A * (dA - np.sum(dA * A, axis=1, keepdims=True))
            dS = dS / np.sqrt(d)
            dQ = dS @ K
            dK = dS.T @ Q
            return loss, (dQ, dK, dV)
        """,
    ),
    "max pooling": (
        "maxpool",
        """
        def by_hand(x, w):
            p = np.zeros((2, 2))
            for i in range(2):
                for j in range(2):
                    p[i, j] = np.max(x[2*i:2*i+2, 2*j:2*j+2])
            loss = np.sum(p * w)
            dp = w
            dw = p
            dx = np.zeros_like(x)
            for i in range(2):
                for j in range(2):
                    window = x[2*i:2*i+2, 2*j:2*j+2]
                    mask = window == np.max(window)
                    dx[2*i:2*i+2, 2*j:2*j+2] += mask * dp[i, j]
            return loss, (dx, dw)
        """,
    ),
    "dropout": (
        "dropout",
        """
        def by_hand(X, W1, W2):
            z = X @ W1
            h = np.maximum(0, z)
            h *= MASK
            out = h @ W2
            loss = np.sum(out**2) / 5
            dout = 2 * out / 5
            dW2 = h.T @ dout
            dh = dout @ W2.T
            dh *= MASK
            dh[z < 0] = 0
            dW1 = X.T @ dh
            dX = dh @ W1.T
            return loss, (dX, dW1, dW2)
        """,
    ),
    "hinge loss": (
        "svm",
        """
        def by_hand(X, W):
            num_train = X.shape[0]
            scores = X.dot(W)
            correct = scores[np.arange(num_train), labels].reshape(-1, 1)
            margins = np.maximum(0, scores - correct + 1)
            margins[np.arange(num_train), labels] = 0
            loss = margins.sum() / num_train + 0.1 * np.sum(W * W)
            mask = np.zeros(scores.shape)
            mask[margins > 0] = 1
            row_sum = np.sum(mask, axis=1)
            mask[np.arange(num_train), labels] = -row_sum
            dW = X.T.dot(mask) / num_train
            dW += 2 * 0.1 * W
            dX = mask.dot(W.T) / num_train
            return loss, (dX, dW)
        """,
    ),
    "embedding in loops": (
        "embed",
        """
        def by_hand(E, W, b):
            idx = np.array([[0, 1], [2, 2], [5, 0], [7, 3]])
            emb = E[idx]
            e = emb.reshape(4, -1)
            hpre = e @ W + b
            h = np.tanh(hpre)
            loss = (h**2).mean()
            dh = 2 * h / h.size
            dhpre = (1 - h**2) * dh
            dW = e.T @ dhpre
            db = dhpre.sum(0)
            de = dhpre @ W.T
            demb = de.reshape(emb.shape)
            dE = np.zeros_like(E)
            for k in range(idx.shape[0]):
                for j in range(idx.shape[1]):
                    ix = idx[k, j]
                    dE[ix] += demb[k, j]
            return loss, (dE, dW, db)
        """,
    ),
    "embedding": (
        "embed",
        """
        def by_hand(E, W, b):
            idx = np.array([[0, 1], [2, 2], [5, 0], [7, 3]])
            e = E[idx].reshape(4, 6)
            h = np.tanh(e @ W + b)
            dh = 2 * h / h.size
            dz = (1 - h**2) * dh
            dW = e.T @ dz
            db = dz.sum(0)
            dE = np.zeros_like(E)
            np.add.at(dE, idx, (dz @ W.T).reshape(4, 2, 3))
            return dE, dW, db
        """,
    ),
}


def reviewed(program, old="", new=""):
    name, text = PROGRAMS[program]
    text = dedent(text).strip()
    assert not old or text.count(old) == 1, f"{old!r} is not a unique part of the listing"
    f, args = FUNCTIONS[name]
    return review(written(text.replace(old, new) if old else text), f, *args)


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_right_passes(program):
    result = reviewed(program)

    assert result, str(result)
    assert {line.verdict for line in result.lines} <= {"right", "not compared"}


# (program, what to replace, by what, the cause to be found at that line)
MISTAKES = [
    (
        "layer norm",
        "(dout * xhat).sum(axis=0)",
        "dout.sum(axis=0)",
        "missing local",
    ),
    ("linear regression", "(2/n) * X.T @ error", "(2/n) * X.T @ (-error)", "sign"),
    (
        "regression in loops",
        "db += 2 * diff / n",
        "db = 2 * diff / n",
        "missing +=",
    ),
    (
        "regression in loops",
        "loss += diff**2 / n",
        "loss += diff / n",
        "forward value",
    ),
    ("logistic regression", "dz = A - y", "dz = y - A", "sign"),
    ("logistic regression", "dw = 1 / m * np.dot", "dw = np.dot", "factor"),
    (
        "convolution",
        "] += dout[:, i, j][:, None, None] * w",
        "] = dout[:, i, j][:, None, None] * w",
        "missing +=",
    ),
    ("convolution", "dw += np.sum", "dw -= np.sum", "sign"),
    (
        "recurrent",
        "da = dh * (1 - h[t+1]**2)",
        "da = dh * (1 - h[t+1])",
        "wrong local",
    ),
    ("recurrent", "da = dh * (1 - h[t+1]**2)", "da = dh * (h[t+1]**2 - 1)", "sign"),
    ("attention", "dS = A * (dA", "dS = -A * (dA", "sign"),
    ("attention", "dK = dS.T @ Q", "dK = dS @ Q", "transpose"),
    ("batch norm", "dxmu1 = dxhat * ivar", "dxmu1 = -dxhat * ivar", "sign"),
    ("batch norm", "dxmu2 = 2 * xmu", "dxmu2 = xmu", "factor"),
    (
        "embedding in loops",
        "dE[ix] += demb[k, j]",
        "dE[ix] = demb[k, j]",
        "missing +=",
    ),
    ("embedding", "(1 - h**2) * dh", "(1 - h) * dh", "wrong local"),
    ("embedding", "dz = (1 - h**2) * dh", "dz = dh", "missing local"),
    ("embedding", "dz = (1 - h**2) * dh", "dz = 1 - h**2", "missing upstream"),
    ("dropout", "dh *= MASK", "dh *= -MASK", "sign"),
    ("hinge loss", "dW += 2 * 0.1 * W", "dW += 0.1 * W", "factor"),
]


@pytest.mark.parametrize(("program", "old", "new", "cause"), MISTAKES)
def test_a_mistake_is_found_at_its_line_with_its_cause(program, old, new, cause):
    result = reviewed(program, old, new)

    assert not result
    before = dedent(PROGRAMS[program][1]).strip().split(old)[0]
    assert (result.first.number, result.first.cause.kind) == (before.count("\n") + 1, cause)
    assert len(result.wrong) == 1
