"""Mistakes made in right derivations are found at their line, with their cause."""

from __future__ import annotations

import pytest

from tests.programs.derivations import DERIVATIONS

from .conftest import with_mistake

# (derivation, what to replace, by what, the cause to be found at that line)
MISTAKES = [
    ("lecture", "dx += ((1 - sigx)", "dx = ((1 - sigx)", "missing +="),
    ("lecture", "dx += (1) * dnum", "dx = (1) * dnum", "missing +="),
    ("lecture", "dy += ", "dy = ", "missing +="),
    ("softmax", "dW += 0.2 * W", "dW = 0.2 * W", "missing +="),
    ("backprop through time", "dW += np.outer", "dW = np.outer", "missing +="),
    ("lecture", "(-1.0 / (den**2)) * dinvden", "-1.0 / den**2", "missing upstream"),
    ("lecture", "((1 - sigy) * sigy) * dsigy", "(1 - sigy) * sigy", "missing upstream"),
    ("lecture", "dsigx = (1) * dden", "dsigx = 1", "missing upstream"),
    ("network", "dh1 = dz1 * z1 * (1 - z1)", "dh1 = z1 * (1 - z1)", "missing upstream"),
    ("network", "dW2 = z1.T @ dz2", "dW2 = z1.T", "missing upstream"),
    ("network", "dx = dh1 @ W1.T", "dx = W1.T", "missing upstream"),
    ("lecture", "(-1.0 / (den**2))", "(1.0 / (den**2))", "sign"),
    ("lecture", "dx += (1) * dnum", "dx -= (1) * dnum", "sign"),
    ("network", "dy = -dz2", "dy = dz2", "sign"),
    ("network", "dz1 * z1 * (1 - z1)", "dz1 * z1 * (z1 - 1)", "sign"),
    ("softmax", "dscores[np.arange(N), labels] -= 1", "dscores[np.arange(N), labels] += 1", "sign"),
    ("softmax", "dW += 0.2 * W", "dW -= 0.2 * W", "sign"),
    ("network", "dW2 = z1.T @ dz2", "dW2 = dz2.T @ z1", "transpose"),
    ("network", "dW1 = x.T @ dh1", "dW1 = (x.T @ dh1).T", "transpose"),
    ("relu", "X.T @ dh\n", "dh.T @ X\n", "transpose"),
    ("backprop through time", "dh = W.T @ da", "dh = W @ da", "transpose"),
    ("network", "db2 = dz2.sum(axis=0)", "db2 = dz2", "missing sum"),
    ("network", "db1 = dh1.sum(axis=0)", "db1 = dh1.sum(axis=1)", "missing sum"),
    ("network", "db1 = dh1.sum(axis=0)", "db1 = dh1.sum()", "missing sum"),
    ("softmax", "db = np.sum(dscores, axis=0)", "db = dscores", "missing sum"),
    ("relu", "np.sum(dh, axis=0)", "dh", "missing sum"),
    ("lecture", "(2 * xpy)", "(xpy)", "factor"),
    ("network", "dz2 = 2 * (z2 - y)", "dz2 = z2 - y", "factor"),
    ("network", "db2 = dz2.sum(axis=0)", "db2 = dz2.mean(axis=0)", "factor"),
    ("softmax", "dW += 0.2 * W", "dW += 0.1 * W", "factor"),
    ("softmax", "dX = dscores @ W.T", "dX = dscores @ W.T / N", "factor"),
    ("relu", "2 * out / out.size", "2 * out", "factor"),
    ("lecture", "dnum = invden", "dnum = num", "wrong operand"),
    ("lecture", "((1 - sigx) * sigx)", "((1 - sigy) * sigy)", "wrong operand"),
    ("lecture", "((1 - sigx) * sigx)", "((1 - x) * x)", "wrong operand"),
    ("lecture", "dsigx = (1) * dden", "dsigx = (1) * dinvden", "wrong operand"),
    ("lecture", "(den**2)", "den", "wrong operand"),
    ("network", "dh1 = dz1 * z1 * (1 - z1)", "dh1 = dz1 * h1 * (1 - h1)", "wrong operand"),
    ("network", "dW1 = x.T @ dh1", "dW1 = x.T @ dz1", "wrong operand"),
    ("network", "dW2 = z1.T @ dz2", "dW2 = h1.T @ dz2", "wrong operand"),
    ("softmax", "dX = dscores @ W.T", "dX = probs @ W.T", "wrong operand"),
    ("lecture", "return f, (dx, dy)", "return f, (dy, dx)", "wrong operand"),
    ("lecture", "((1 - sigx) * sigx) * dsigx", "dsigx", "missing local"),
    ("lecture", "((1 - sigx) * sigx)", "sigx", "missing local"),
    ("network", "dh1 = dz1 * z1 * (1 - z1)", "dh1 = dz1", "missing local"),
    ("network", "dh1 = dz1 * z1 * (1 - z1)", "dh1 = dz1 * z1", "missing local"),
    (
        "lecture",
        "sigx = 1.0 / (1 + math.exp(-x))",
        "sigx = 1.0 / (1 + math.exp(x))",
        "forward value",
    ),
    ("lecture", "xpysqr = xpy**2", "xpysqr = xpy * 2", "forward value"),
    ("network", "h1 = x @ W1 + b1", "h1 = x @ W1 - b1", "forward value"),
    ("network", "loss = np.sum", "loss = np.mean", "forward value"),
    ("network", "db2 = dz2.sum(axis=0)", "db2 = dz2.sum(axis=0, keepdims=True)", "shape"),
    ("backprop through time", "dx[t] += da", "dx[t] += dh", "unknown"),
    ("deltas", "2 * (z2 - y) / z2.size", "2 * (z2 - y)", "factor"),
    ("deltas", "2 * (z2 - y) / z2.size", "2 * (y - z2) / z2.size", "sign"),
    ("deltas", "(delta2 @ W2.T) * z1 * (1 - z1)", "(delta2 @ W2.T) * z1", "missing local"),
    ("deltas", "(delta2 @ W2.T) * z1 * (1 - z1)", "(delta2 @ W2.T) * (1 - z1**2)", "wrong local"),
    ("deltas", "(delta2 @ W2.T) * z1 * (1 - z1)", "z1 * (1 - z1)", "missing upstream"),
    (
        "cs231n network",
        "dhidden[hidden_layer <= 0] = 0",
        "dhidden[hidden_layer > 0] = 0",
        "wrong local",
    ),
    ("cs231n network", "data_loss + reg_loss", "data_loss - reg_loss", "forward value"),
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
    ("the mean left to the last lines", "dZ2 = P - onehot", "dZ2 = onehot - P", "sign"),
    ("the mean left to the last lines", "dW2 = 1/N * ", "dW2 = ", "factor"),
    ("the mean left to the last lines", "dZ2 @ W2.T * (1 - A1**2)", "dZ2 @ W2.T", "missing local"),
    ("tanh network", "(1 - h1**2)", "(1 - h1)", "wrong local"),
    ("tanh network", "da1 = dh1 * (1 - h1**2)", "da1 = dh1 * h1 * (1 - h1)", "wrong local"),
    ("neuron in lists", "[w0 * ddot, w1 * ddot]", "[w0, w1 * ddot]", "missing upstream"),
    (
        "neuron in lists",
        "[x0 * ddot, x1 * ddot, 1.0 * ddot]",
        "[x0 * ddot, x1 * ddot, -ddot]",
        "sign",
    ),
    ("circuit", "dc = s * dout", "dc = -s * dout", "sign"),
    ("layer norm", "(dout * xhat).sum(axis=0)", "dout.sum(axis=0)", "missing local"),
    ("linear regression", "(2/n) * X.T @ error", "(2/n) * X.T @ (-error)", "sign"),
    ("regression in loops", "db += 2 * diff / n", "db = 2 * diff / n", "missing +="),
    ("regression in loops", "loss += diff**2 / n", "loss += diff / n", "forward value"),
    ("logistic regression", "dz = A - y", "dz = y - A", "sign"),
    ("logistic regression", "dw = 1 / m * np.dot", "dw = np.dot", "factor"),
    (
        "convolution",
        "] += dout[:, i, j][:, None, None] * w",
        "] = dout[:, i, j][:, None, None] * w",
        "missing +=",
    ),
    ("convolution", "dw += np.sum", "dw -= np.sum", "sign"),
    ("recurrent", "da = dh * (1 - h[t+1]**2)", "da = dh * (1 - h[t+1])", "wrong local"),
    ("recurrent", "da = dh * (1 - h[t+1]**2)", "da = dh * (h[t+1]**2 - 1)", "sign"),
    ("attention", "dS = A * (dA", "dS = -A * (dA", "sign"),
    ("attention", "dK = dS.T @ Q", "dK = dS @ Q", "transpose"),
    ("batch norm", "dxmu1 = dxhat * ivar", "dxmu1 = -dxhat * ivar", "sign"),
    ("batch norm", "dxmu2 = 2 * xmu", "dxmu2 = xmu", "factor"),
    ("embedding in loops", "dE[ix] += demb[k, j]", "dE[ix] = demb[k, j]", "missing +="),
    ("embedding", "(1 - h**2) * dh", "(1 - h) * dh", "wrong local"),
    ("embedding", "dz = (1 - h**2) * dh", "dz = dh", "missing local"),
    ("embedding", "dz = (1 - h**2) * dh", "dz = 1 - h**2", "missing upstream"),
    ("dropout", "dh *= MASK", "dh *= -MASK", "sign"),
    ("hinge loss", "dW += 2 * 0.1 * W", "dW += 0.1 * W", "factor"),
]


@pytest.mark.parametrize(("derivation", "old", "new", "cause"), MISTAKES)
def test_a_mistake_is_found_at_its_line_with_its_cause(derivation, old, new, cause):
    result = with_mistake(derivation, old, new)

    line = DERIVATIONS[derivation].line_with(old.strip())
    assert not result
    assert (result.first.number, result.first.cause.kind) == (line, cause)
    assert len(result.wrong) == 1


@pytest.mark.parametrize(
    ("derivation", "removed", "last"),
    [
        ("lecture", "    dx += (1) * dnum\n", "dx += ((1 - sigx)"),
        ("lecture", "    dy += ((1 - sigy) * sigy) * dsigy\n", "dy = (1) * dxpy"),
        ("softmax", "    dW += 0.2 * W\n", "dW = X.T @ dscores"),
        ("softmax", "    dscores[np.arange(N), labels] -= 1\n", "dscores /= N"),
    ],
)
def test_a_path_that_was_left_out_is_told_at_the_last_line_of_its_gradient(
    derivation, removed, last
):
    result = with_mistake(derivation, removed, "")

    assert result.first.cause.kind == "missing path"
    assert last in result.first.source


def test_a_forgotten_relu_is_told_where_its_gradient_was_first_used_without_it():
    result = with_mistake("relu", "    dh[h <= 0] = 0\n", "")

    assert result.first.cause.kind == "missing local"
    assert "maximum" in result.first.cause.text
    assert result.first.source == 'grads["W1"] = X.T @ dh'


@pytest.mark.parametrize(
    ("derivation", "old", "new", "write"),
    [
        ("sigmoid network", "dW2 = h.T.dot(dout)", "dW2 = dout.T.dot(h)", "dW2 = h.T @ dout"),
        ("sigmoid network", "db1 = da1.sum(0)", "db1 = da1", "db1 = da1.sum(axis=0)"),
        ("cs231n network", "data_loss + reg_loss", "data_loss - reg_loss", None),
        ("the mean left to the last lines", "dW2 = 1/N * ", "dW2 = ", None),
    ],
)
def test_only_what_gives_the_right_value_there_is_proposed(derivation, old, new, write):
    first = with_mistake(derivation, old, new).first

    assert (first and first.cause.write) == write


def test_a_loss_that_was_not_summed_does_not_pass():
    right = "np.mean(np.sum(Y * np.log(A2), axis=1))"
    result = with_mistake("softmax alone", right, "Y * np.log(A2) / N")

    assert result.first.cause.kind == "forward value"
    assert "the sum over axis 0, 1 is missing" in result.first.cause.text
