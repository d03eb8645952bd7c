"""Seeded mistakes are found at their line, with their cause."""

import linecache
import math
import re
import sys
from textwrap import dedent

import numpy as np
import pytest

import chainrule as cr
from chainrule import review

rng = np.random.default_rng(0)
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

NETWORK = """
def by_hand(x, y, W1, b1, W2, b2):
    h1 = x @ W1 + b1
    z1 = sigmoid(h1)
    z2 = z1 @ W2 + b2
    loss = np.sum((z2 - y) ** 2)
    dz2 = 2 * (z2 - y)
    dy = -dz2
    dW2 = z1.T @ dz2
    db2 = dz2.sum(axis=0)
    dz1 = dz2 @ W2.T
    dh1 = dz1 * z1 * (1 - z1)
    dW1 = x.T @ dh1
    db1 = dh1.sum(axis=0)
    dx = dh1 @ W1.T
    return loss, (dx, dy, dW1, db1, dW2, db2)
"""

SOFTMAX = """
def by_hand(X, W, b):
    N = X.shape[0]
    scores = X @ W + b
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = exps / exps.sum(axis=1, keepdims=True)
    loss = -np.log(probs[np.arange(N), labels]).mean() + 0.1 * np.sum(W * W)
    dscores = probs.copy()
    dscores[np.arange(N), labels] -= 1
    dscores /= N
    dW = X.T @ dscores
    dW += 0.2 * W
    db = np.sum(dscores, axis=0)
    dX = dscores @ W.T
    return loss, {"X": dX, "W": dW, "b": db}
"""

RELU = """
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
"""

RECURRENT = """
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
"""


def normal(*shapes):
    return tuple(rng.normal(size=shape) for shape in shapes)


W1, b1, W2 = normal((3, 5), 5, (5, 2))
CASES = {
    "lecture": (LECTURE, lecture, (3.0, -4.0)),
    "network": (NETWORK, network, normal((5, 3), (5, 2), (3, 4), 4, (4, 2), 2)),
    "softmax": (SOFTMAX, softmax_loss, normal((6, 4), (4, 3), 3)),
    "relu": (RELU, relu_loss, ({"W1": W1, "b1": b1, "W2": W2}, *normal((4, 3)))),
    "recurrent": (RECURRENT, recurrent, normal((3, 3), (3, 3))),
}


def written(text):
    """Define a listing's function, with its source where tracebacks find it."""
    text = dedent(text).strip() + "\n"
    file = f"<listing {len(linecache.cache)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names = {"np": np, "math": math, "sigmoid": sigmoid, "labels": labels}
    exec(compile(text, file, "exec"), names)
    return next(v for k, v in names.items() if k in text.split("(")[0])


def seeded(case, old, new):
    text, f, args = CASES[case]
    assert text.count(old) == 1, f"{old!r} is not a unique part of the listing"
    return review(written(text.replace(old, new)), f, *args)


def line_with(text, part):
    return next(k for k, line in enumerate(text.strip().splitlines(), 1) if part in line)


# (listing, what to replace, by what, the cause to be found at that line)
MISTAKES = [
    ("lecture", "dx += ((1 - sigx)", "dx = ((1 - sigx)", "missing +="),
    ("lecture", "dx += (1) * dnum", "dx = (1) * dnum", "missing +="),
    ("lecture", "dy += ", "dy = ", "missing +="),
    ("softmax", "dW += 0.2 * W", "dW = 0.2 * W", "missing +="),
    ("recurrent", "dW += np.outer", "dW = np.outer", "missing +="),
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
    ("recurrent", "dh = W.T @ da", "dh = W @ da", "transpose"),
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
    ("recurrent", "dx[t] += da", "dx[t] += dh", "unknown"),
]


@pytest.mark.parametrize(("case", "old", "new", "cause"), MISTAKES)
def test_a_mistake_is_found_at_its_line_with_its_cause(case, old, new, cause):
    result = seeded(case, old, new)

    assert not result
    assert result.first.number == line_with(CASES[case][0], old.strip())
    assert result.first.cause.kind == cause
    assert len(result.wrong) == 1


@pytest.mark.parametrize(
    ("case", "removed", "last"),
    [
        ("lecture", "    dx += (1) * dnum\n", "dx += ((1 - sigx)"),
        ("lecture", "    dy += ((1 - sigy) * sigy) * dsigy\n", "dy = (1) * dxpy"),
        ("softmax", "    dW += 0.2 * W\n", "dW = X.T @ dscores"),
        ("softmax", "    dscores[np.arange(N), labels] -= 1\n", "dscores /= N"),
    ],
)
def test_a_path_that_was_left_out_is_told_at_the_last_line_of_its_gradient(case, removed, last):
    result = seeded(case, removed, "")

    assert result.first.cause.kind == "missing path"
    assert last in result.first.source


@pytest.mark.parametrize(
    ("removed", "name"), [("    dx = dh1 @ W1.T\n", "x"), ("    dy = -dz2\n", "y")]
)
def test_a_gradient_that_was_never_computed_is_missing(removed, name):
    text, f, args = CASES["network"]
    text = text.replace(removed, "").replace(", (dx, dy, dW1, db1, dW2, db2)", "")

    result = review(written(text), f, *args)

    assert result.missing == (name,)
    assert result.first is None
    assert not result
    assert review(written(text), f, *args, argnums=(2, 3, 4, 5))


def test_a_forgotten_relu_is_told_where_its_gradient_was_first_used_without_it():
    result = seeded("relu", "    dh[h <= 0] = 0\n", "")

    assert result.first.cause.kind == "missing local"
    assert "maximum" in result.first.cause.text
    assert result.first.source == 'grads["W1"] = X.T @ dh'


# What follows from a mistake, and what does not.


def test_lines_that_are_right_but_for_an_earlier_mistake_only_follow():
    result = seeded("lecture", "(-1.0 / (den**2))", "(1.0 / (den**2))")

    verdicts = {line.source.split(" =")[0].split(" +")[0]: line.verdict for line in result.lines}
    assert verdicts["dden"] == "wrong"
    assert verdicts["dsigx"] == verdicts["dxpysqr"] == verdicts["dxpy"] == "follows"
    assert verdicts["dnum"] == verdicts["dsigy"] == "right"
    assert len(result.wrong) == 1


def test_everything_after_a_wrong_value_follows_where_it_is_right_in_itself():
    result = seeded("network", "h1 = x @ W1 + b1", "h1 = x @ W1 - b1")

    assert [line.verdict for line in result.lines] == ["wrong"] + ["follows"] * 12


def test_two_mistakes_are_both_found():
    text, f, args = CASES["network"]
    text = text.replace("dz2 = 2 * ", "dz2 = ").replace("db1 = dh1.sum(axis=0)", "db1 = dh1")

    result = review(written(text), f, *args)

    assert [(line.names[0], line.cause.kind) for line in result.wrong] == [
        ("dz2", "factor"),
        ("db1", "missing sum"),
    ]


def test_a_line_that_adds_its_own_part_rightly_is_right():
    result = seeded("lecture", "dx += ((1 - sigx)", "dx = ((1 - sigx)")

    after = result[result.first.number + 1]
    assert (after.source, after.verdict) == ("dx += (1) * dnum", "right")


def test_a_gradient_used_before_it_is_complete_is_a_mistake_of_order():
    def f(x):
        a = x * 2.0
        b = a * 3.0
        c = a * b
        return c

    hand = written("""
    def by_hand(x):
        a = x * 2.0
        b = a * 3.0
        c = a * b
        db = a
        da = b
        dx = 2.0 * da
        da += 3.0 * db
        return c, dx
    """)
    result = review(hand, f, 1.5)

    assert result.first.names == ("dx",)
    assert result.first.cause.kind == "order"


@pytest.mark.parametrize(
    ("returned", "name"),
    [
        ("num, (dx, dy)", "the value returned"),
        ("xpy", "the value returned"),
        ("f, dx, dx", "the gradient by y that is returned"),
        ("f, {'x': dx, 'y': -dy}", "the gradient by y that is returned"),
        ("[dx, dy + dnum]", "the gradient by y that is returned"),
    ],
)
def test_what_is_returned_is_compared_too(returned, name):
    result = seeded("lecture", "return f, (dx, dy)", f"return {returned}")

    assert [line.number for line in result.wrong] == [22]
    assert result.first.finding.name == name


@pytest.mark.parametrize("returned", ["f", "dx, dy", "f, dx, dy", "f, {'dy': dy}", "f, dx", "None"])
def test_any_selection_may_be_returned(returned):
    assert seeded("lecture", "return f, (dx, dy)", f"return {returned}")


# The report.


def test_the_report_shows_found_expected_cause_and_cure():
    result = seeded("lecture", "dx += ((1 - sigx)", "dx = ((1 - sigx)")

    text = str(result)
    assert "the first wrong line is line 18" in text
    assert re.search(r"found +-0.03576", text)
    assert re.search(r"expected +1.547", text)
    assert "missing +=" in text
    assert "write     dx += ((1 - sigx) * sigx) * dsigx" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_to_write_is_the_staged_line():
    result = seeded("network", "dW2 = z1.T @ dz2", "dW2 = dz2.T @ z1")

    assert result.first.cause.write == "dW2 = z1.T @ dz2"


def test_what_to_write_in_the_forward_pass_is_the_functions_own_line():
    result = seeded("lecture", "xpysqr = xpy**2", "xpysqr = xpy * 2")

    assert result.first.cause.write == "xpysqr = xpy**2"


def test_the_report_is_html_too():
    result = seeded("network", "z2 - y) ** 2", "z2 - y) ** 3")

    page = result._repr_html_()
    assert "wrong" in page
    assert "<code>z2 = z1 @ W2 + b2</code>" in page


def test_the_report_of_long_lines_fits_80_columns():
    text, f, args = CASES["softmax"]

    printed = str(review(written(text), f, *args)).splitlines()
    assert max(map(len, printed)) <= 80


# The run.


def test_an_exception_ends_the_review_at_its_line():
    result = seeded("network", "dx = dh1 @ W1.T", "dx = dh1 @ W1")

    assert not result
    assert isinstance(result.error, ValueError)
    assert (result.error_line, result.error_source) == (14, "dx = dh1 @ W1")
    assert {line.verdict for line in result.lines} == {"right"}
    assert "line 14: dx = dh1 @ W1" in str(result)


def test_lines_before_an_exception_are_judged():
    result = seeded("lecture", "    dsigy = (1) * dnum\n", "    dnum / 0\n")

    assert isinstance(result.error, ZeroDivisionError)
    assert {line.verdict for line in result.lines} == {"right"}


def test_a_debuggers_trace_function_sees_the_run_and_stays():
    seen = []

    def tracer(frame, event, arg):
        if frame.f_code.co_name == "by_hand":
            seen.append(event)
        return tracer

    text, f, args = CASES["lecture"]
    hand = written(text)
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        result = review(hand, f, *args)
        after = sys.gettrace()
    finally:
        sys.settrace(before)

    assert result
    assert after is tracer
    assert seen.count("line") >= 21


def test_arguments_are_not_changed():
    hand = written("""
    def by_hand(x):
        loss = np.sum(x * x)
        x *= 2
        dx = x
        return loss, dx
    """)
    x = np.array([1.0, 2.0])

    assert review(hand, lambda x: np.sum(x * x), x)
    np.testing.assert_array_equal(x, [1.0, 2.0])


# Bad input.


def test_the_function_must_be_a_python_function():
    with pytest.raises(cr.errors.ArgumentError, match="hand-written Python function"):
        review(max, lambda x: x, 1.0)


def test_the_function_must_take_the_same_arguments():
    with pytest.raises(cr.errors.ArgumentError, match="cannot be called with 2 arguments"):
        review(lambda x: x, lambda x, y: x * y, 1.0, 2.0)


def test_integers_alone_cannot_be_reviewed():
    with pytest.raises(cr.errors.ArgumentError, match=r"3\.0 instead of 3"):
        review(lambda x: x, lambda x: x, 3)


def test_the_value_must_be_a_number():
    with pytest.raises(cr.errors.NonScalarOutputError, match="shape"):
        review(lambda x: x, lambda x: x, np.ones(2))
