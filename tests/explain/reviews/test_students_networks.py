"""Networks' backward passes as students write them, right and with mistakes."""

import linecache
import math
from textwrap import dedent

import numpy as np
import pytest

from chainrule import review

rng = np.random.default_rng(0)
labels = np.array([0, 2, 1, 1, 0, 2])
onehot = np.eye(3)[labels]


def sigmoid(h):
    return 1 / (1 + np.exp(-h))


def relu(x):
    return np.maximum(0, x)


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


def circuit(x, y, z):
    q = x + y
    f = q * z
    return f


def neuron(w0, w1, w2, x0, x1):
    dot = w0 * x0 + w1 * x1 + w2
    f = 1.0 / (1 + math.exp(-dot))
    return f


def sigmse(x, y, W1, b1, W2, b2):
    h1 = x @ W1 + b1
    z1 = sigmoid(h1)
    z2 = z1 @ W2 + b2
    loss = np.mean((z2 - y) ** 2)
    return loss


def relusoft(X, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    scores = h @ W2 + b2
    shifted = scores - scores.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -logp[np.arange(6), labels].mean()
    loss = loss + 0.5 * 0.1 * (np.sum(W1 * W1) + np.sum(W2 * W2))
    return loss


def tanhsoft(X, W1, W2):
    a1 = X @ W1
    h1 = np.tanh(a1)
    logits = h1 @ W2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    L = -np.sum(np.eye(3)[labels] * np.log(p)) / 6
    return L


FUNCTIONS = {
    "circuit": (circuit, (-2.0, 5.0, -4.0)),
    "neuron": (neuron, (2.0, -3.0, -1.0, -2.0, -3.0)),
    "sigmse": (sigmse, normal((5, 3), (5, 2), (3, 4), 4, (4, 2), 2)),
    "relusoft": (relusoft, normal((6, 4), (4, 5), 5, (5, 3), 3)),
    "tanhsoft": (tanhsoft, normal((6, 4), (4, 5), (5, 3))),
}

PROGRAMS = {
    "circuit": (
        "circuit",
        """
        def by_hand(a, b, c):
            s = a + b
            out = s * c
            dout = 1.0
            ds = c * dout
            dc = s * dout
            da = ds
            db = ds
            return out, da, db, dc
        """,
    ),
    "neuron in lists": (
        "neuron",
        """
        def by_hand(w0, w1, w2, x0, x1):
            dot = w0*x0 + w1*x1 + w2
            f = 1.0 / (1 + math.exp(-dot))
            ddot = (1 - f) * f
            dx = [w0 * ddot, w1 * ddot]
            dw = [x0 * ddot, x1 * ddot, 1.0 * ddot]
            return f, (*dw, *dx)
        """,
    ),
    "sigmoid network": (
        "sigmse",
        """
        def by_hand(x, y, W1, b1, W2, b2):
            N, D = y.shape
            a1 = x.dot(W1) + b1
            h = sigmoid(a1)
            out = h.dot(W2) + b2
            loss = ((out - y)**2).mean()
            dout = 2.0 * (out - y) / (N * D)
            grad_y = -dout
            dW2 = h.T.dot(dout)
            db2 = dout.sum(axis=0)
            dh = dout.dot(W2.T)
            da1 = h * (1 - h) * dh
            dW1 = x.T.dot(da1)
            db1 = da1.sum(0)
            dx = da1.dot(W1.T)
            return loss, (dx, grad_y, dW1, db1, dW2, db2)
        """,
    ),
    "deltas": (
        "sigmse",
        """
        def by_hand(x, y, W1, b1, W2, b2):
            h1 = x @ W1 + b1
            z1 = sigmoid(h1)
            z2 = z1 @ W2 + b2
            loss = np.mean((z2 - y)**2)
            delta2 = 2 * (z2 - y) / z2.size
            gW2 = z1.T @ delta2
            gb2 = delta2.sum(axis=0)
            delta1 = (delta2 @ W2.T) * z1 * (1 - z1)
            gW1 = x.T @ delta1
            gb1 = delta1.sum(axis=0)
            gx = delta1 @ W1.T
            gy = -delta2
            return loss, (gx, gy, gW1, gb1, gW2, gb2)
        """,
    ),
    "cs231n network": (
        "relusoft",
        """
        def by_hand(X, W1, b1, W2, b2):
            reg = 0.1
            num_train = X.shape[0]
            hidden_layer = np.maximum(0, np.dot(X, W1) + b1)
            scores = np.dot(hidden_layer, W2) + b2
            exp_scores = np.exp(scores)
            probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
            correct_logprobs = -np.log(probs[range(num_train), labels])
            data_loss = np.sum(correct_logprobs) / num_train
            reg_loss = 0.5*reg*np.sum(W1*W1) + 0.5*reg*np.sum(W2*W2)
            loss = data_loss + reg_loss
            dscores = probs
            dscores[range(num_train), labels] -= 1
            dscores /= num_train
            dW2 = np.dot(hidden_layer.T, dscores)
            db2 = np.sum(dscores, axis=0, keepdims=False)
            dhidden = np.dot(dscores, W2.T)
            dhidden[hidden_layer <= 0] = 0
            dW1 = np.dot(X.T, dhidden)
            db1 = np.sum(dhidden, axis=0, keepdims=False)
            dW2 += reg * W2
            dW1 += reg * W1
            dX = dhidden @ W1.T
            return loss, (dX, dW1, db1, dW2, db2)
        """,
    ),
    "network as attributes": (
        "relusoft",
        """
        def by_hand(X, W1, b1, W2, b2):
            class Net: pass
            net = Net()
            N = X.shape[0]
            net.z1 = X @ W1 + b1
            net.h = relu(net.z1)
            net.scores = net.h @ W2 + b2
            net.p = softmax(net.scores)
            penalty = 0.05 * ((W1**2).sum() + (W2**2).sum())
            loss = -np.log(net.p[np.arange(N), labels]).mean() + penalty
            net.dscores = (net.p - onehot) / N
            net.dW2 = net.h.T @ net.dscores
            net.dW2 += 0.1 * W2
            net.db2 = net.dscores.sum(0)
            net.dz1 = (net.dscores @ W2.T) * (net.z1 > 0)
            net.dW1 = X.T @ net.dz1 + 0.1 * W1
            net.db1 = net.dz1.sum(0)
            net.dX = net.dz1 @ W1.T
            return loss, (net.dX, net.dW1, net.db1, net.dW2, net.db2)
        """,
    ),
    "tanh network": (
        "tanhsoft",
        """
        def by_hand(X, W1, W2):
            N = X.shape[0]
            a1 = X @ W1
            h1 = np.tanh(a1)
            logits = h1 @ W2
            p = softmax(logits)
            L = -np.sum(onehot * np.log(p)) / N
            dlogits = (p - onehot) / N
            dW2 = h1.T @ dlogits
            dh1 = dlogits @ W2.T
            da1 = dh1 * (1 - h1**2)
            dW1 = X.T @ da1
            dX = da1 @ W1.T
            return L, (dX, dW1, dW2)
        """,
    ),
    "softmax alone": (
        "tanhsoft",
        """
        def by_hand(X, W1, W2):
            Y = onehot
            N = X.shape[0]
            Z1 = X @ W1
            A1 = np.tanh(Z1)
            Z2 = A1 @ W2
            A2 = np.exp(Z2) / np.exp(Z2).sum(axis=1, keepdims=True)
            cost = -np.mean(np.sum(Y * np.log(A2), axis=1))
            dA2 = -Y / A2 / N
            dZ2 = A2 * (dA2 - np.sum(dA2 * A2, axis=1, keepdims=True))
            dW2 = A1.T @ dZ2
            dA1 = dZ2 @ W2.T
            dZ1 = (1 - np.power(A1, 2)) * dA1
            dW1 = X.T @ dZ1
            dX = dZ1 @ W1.T
            return cost, {"dW1": dW1, "dW2": dW2, "dX": dX}
        """,
    ),
    "the mean left to the last lines": (
        "tanhsoft",
        """
        def by_hand(X, W1, W2):
            N = X.shape[0]
            Z1 = X @ W1
            A1 = np.tanh(Z1)
            Z2 = A1 @ W2
            P = softmax(Z2)
            loss = -np.sum(onehot * np.log(P)) / N
            dZ2 = P - onehot
            dW2 = 1/N * A1.T @ dZ2
            dZ1 = dZ2 @ W2.T * (1 - A1**2)
            dW1 = 1/N * X.T @ dZ1
            dX = 1/N * dZ1 @ W1.T
            return loss, (dX, dW1, dW2)
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
    ("deltas", "2 * (z2 - y) / z2.size", "2 * (z2 - y)", "factor"),
    ("deltas", "2 * (z2 - y) / z2.size", "2 * (y - z2) / z2.size", "sign"),
    (
        "deltas",
        "(delta2 @ W2.T) * z1 * (1 - z1)",
        "(delta2 @ W2.T) * z1",
        "missing local",
    ),
    (
        "deltas",
        "(delta2 @ W2.T) * z1 * (1 - z1)",
        "(delta2 @ W2.T) * (1 - z1**2)",
        "wrong local",
    ),
    (
        "deltas",
        "(delta2 @ W2.T) * z1 * (1 - z1)",
        "z1 * (1 - z1)",
        "missing upstream",
    ),
    (
        "cs231n network",
        "dhidden[hidden_layer <= 0] = 0",
        "dhidden[hidden_layer > 0] = 0",
        "wrong local",
    ),
    (
        "cs231n network",
        "data_loss + reg_loss",
        "data_loss - reg_loss",
        "forward value",
    ),
    ("network as attributes", "(net.p - onehot) / N", "(net.p - onehot)", "factor"),
    ("network as attributes", "net.dW2 += 0.1", "net.dW2 = 0.1", "missing +="),
    (
        "network as attributes",
        "net.db2 = net.dscores.sum(0)",
        "net.db2 = net.dscores",
        "missing sum",
    ),
    (
        "network as attributes",
        "(net.dscores @ W2.T) * (net.z1 > 0)",
        "net.dscores @ W2.T",
        "missing local",
    ),
    (
        "the mean left to the last lines",
        "dZ2 = P - onehot",
        "dZ2 = onehot - P",
        "sign",
    ),
    ("the mean left to the last lines", "dW2 = 1/N * ", "dW2 = ", "factor"),
    (
        "the mean left to the last lines",
        "dZ2 @ W2.T * (1 - A1**2)",
        "dZ2 @ W2.T",
        "missing local",
    ),
    ("tanh network", "(1 - h1**2)", "(1 - h1)", "wrong local"),
    (
        "tanh network",
        "da1 = dh1 * (1 - h1**2)",
        "da1 = dh1 * h1 * (1 - h1)",
        "wrong local",
    ),
    (
        "neuron in lists",
        "[w0 * ddot, w1 * ddot]",
        "[w0, w1 * ddot]",
        "missing upstream",
    ),
    (
        "neuron in lists",
        "[x0 * ddot, x1 * ddot, 1.0 * ddot]",
        "[x0 * ddot, x1 * ddot, -ddot]",
        "sign",
    ),
    ("circuit", "dc = s * dout", "dc = -s * dout", "sign"),
]


@pytest.mark.parametrize(("program", "old", "new", "cause"), MISTAKES)
def test_a_mistake_is_found_at_its_line_with_its_cause(program, old, new, cause):
    result = reviewed(program, old, new)

    assert not result
    before = dedent(PROGRAMS[program][1]).strip().split(old)[0]
    assert (result.first.number, result.first.cause.kind) == (before.count("\n") + 1, cause)
    assert len(result.wrong) == 1


@pytest.mark.parametrize(
    ("program", "old", "new", "write"),
    [
        ("sigmoid network", "dW2 = h.T.dot(dout)", "dW2 = dout.T.dot(h)", "dW2 = h.T @ dout"),
        ("sigmoid network", "db1 = da1.sum(0)", "db1 = da1", "db1 = da1.sum(axis=0)"),
        ("cs231n network", "data_loss + reg_loss", "data_loss - reg_loss", None),
        ("the mean left to the last lines", "dW2 = 1/N * ", "dW2 = ", None),
    ],
)
def test_only_what_gives_the_right_value_there_is_proposed(program, old, new, write):
    first = reviewed(program, old, new).first

    assert (first and first.cause.write) == write


def test_a_loss_that_was_not_summed_does_not_pass():
    right = "np.mean(np.sum(Y * np.log(A2), axis=1))"
    result = reviewed("softmax alone", right, "Y * np.log(A2) / N")

    assert result.first.cause.kind == "forward value"
    assert "the sum over axis 0, 1 is missing" in result.first.cause.text


def test_arguments_in_trees_and_gradients_in_lists_are_compared_entry_by_entry():
    def f(w, x):
        dot = w[0] * x[0] + w[1] * x[1] + w[2]
        return 1 / (1 + math.exp(-dot))

    text = """
    def by_hand(w, x):
        dot = w[0] * x[0] + w[1] * x[1] + w[2]
        f = 1 / (1 + math.exp(-dot))
        ddot = (1 - f) * f
        dx = [w[0] * ddot, w[1] * ddot]
        dw = [x[0] * ddot, x[1] * ddot, 1.0 * ddot]
        return f, dw, dx
    """
    args = [2.0, -3.0, -3.0], [-1.0, -2.0]

    assert review(written(text), f, *args)
    result = review(written(text.replace("x[1] * ddot, 1", "x[1], 1")), f, *args)
    assert (result.first.number, result.first.finding.name) == (6, "dw[1]")
    assert result.first.cause.kind == "missing upstream"


def test_arrays_in_trees_are_not_changed():
    text = """
    def by_hand(p):
        loss = np.sum(p["a"] ** 2)
        da = 2 * p["a"]
        p["a"] -= 0.1 * da
        return loss, {"a": da}
    """
    a = np.array([1.0, 2.0])

    assert review(written(text), lambda p: np.sum(p["a"] ** 2), {"a": a})
    np.testing.assert_array_equal(a, [1.0, 2.0])


def test_a_function_with_nan_is_compared_without_warnings():
    text = """
    def by_hand(x):
        dx = 1 / x
        return np.sum(np.log(x)), dx
    """

    assert review(written(text), lambda x: np.sum(np.log(x)), np.array([1.0, -2.0]))
