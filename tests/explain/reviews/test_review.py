"""What a review says of mistakes and what follows from them, of runs and of bad input."""

from __future__ import annotations

import math
import re
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule import review
from tests.programs.derivations import DERIVATIONS, written

from .conftest import reviewed, with_mistake

NETWORK = DERIVATIONS["network"]


@pytest.mark.parametrize(
    ("removed", "name"), [("    dx = dh1 @ W1.T\n", "x"), ("    dy = -dz2\n", "y")]
)
def test_a_gradient_that_was_never_computed_is_missing(removed, name):
    left_out = NETWORK.with_mistake(removed, "")
    left_out = left_out.with_mistake(", (dx, dW1, db1, dW2, db2, dy)", "")

    result = reviewed(left_out)

    assert result.missing == (name,)
    assert result.first is None
    assert not result
    assert reviewed(left_out, argnums=(1, 2, 3, 4))


# What follows from a mistake, and what does not.


def test_lines_that_are_right_but_for_an_earlier_mistake_only_follow():
    result = with_mistake("lecture", "(-1.0 / (den**2))", "(1.0 / (den**2))")

    verdicts = {line.source.split(" =")[0].split(" +")[0]: line.verdict for line in result.lines}
    assert verdicts["dden"] == "wrong"
    assert verdicts["dsigx"] == verdicts["dxpysqr"] == verdicts["dxpy"] == "follows"
    assert verdicts["dnum"] == verdicts["dsigy"] == "right"
    assert len(result.wrong) == 1


def test_everything_after_a_wrong_value_follows_where_it_is_right_in_itself():
    result = with_mistake("network", "h1 = x @ W1 + b1", "h1 = x @ W1 - b1")

    assert [line.verdict for line in result.lines] == ["wrong"] + ["follows"] * 12


def test_two_mistakes_are_both_found():
    twice = NETWORK.with_mistake("dz2 = 2 * ", "dz2 = ")

    result = reviewed(twice.with_mistake("db1 = dh1.sum(axis=0)", "db1 = dh1"))

    assert [(line.names[0], line.cause.kind) for line in result.wrong] == [
        ("dz2", "factor"),
        ("db1", "missing sum"),
    ]


def test_a_line_that_adds_its_own_part_rightly_is_right():
    result = with_mistake("lecture", "dx += ((1 - sigx)", "dx = ((1 - sigx)")

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
    result = with_mistake("lecture", "return f, (dx, dy)", f"return {returned}")

    assert [line.number for line in result.wrong] == [22]
    assert result.first.finding.name == name


@pytest.mark.parametrize("returned", ["f", "dx, dy", "f, dx, dy", "f, {'dy': dy}", "f, dx", "None"])
def test_any_selection_may_be_returned(returned):
    assert with_mistake("lecture", "return f, (dx, dy)", f"return {returned}")


# The report.


def test_the_report_shows_found_expected_cause_and_cure():
    result = with_mistake("lecture", "dx += ((1 - sigx)", "dx = ((1 - sigx)")

    text = str(result)
    assert "the first wrong line is line 18" in text
    assert re.search(r"found +-0.03576", text)
    assert re.search(r"expected +1.547", text)
    assert "missing +=" in text
    assert "write     dx += ((1 - sigx) * sigx) * dsigx" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_to_write_is_the_staged_line():
    result = with_mistake("network", "dW2 = z1.T @ dz2", "dW2 = dz2.T @ z1")

    assert result.first.cause.write == "dW2 = z1.T @ dz2"


def test_what_to_write_in_the_forward_pass_is_the_functions_own_line():
    result = with_mistake("lecture", "xpysqr = xpy**2", "xpysqr = xpy * 2")

    assert result.first.cause.write == "xpysqr = xpy**2"


def test_the_report_is_html_too():
    result = with_mistake("network", "z2 - y) ** 2", "z2 - y) ** 3")

    page = result._repr_html_()
    assert "wrong" in page
    assert "<code>z2 = z1 @ W2 + b2</code>" in page


def test_the_report_of_long_lines_fits_80_columns():
    printed = str(reviewed(DERIVATIONS["softmax"])).splitlines()

    assert max(map(len, printed)) <= 80


# The run.


def test_an_exception_ends_the_review_at_its_line():
    result = with_mistake("network", "dx = dh1 @ W1.T", "dx = dh1 @ W1")

    assert not result
    assert isinstance(result.error, ValueError)
    assert (result.error_line, result.error_source) == (14, "dx = dh1 @ W1")
    assert {line.verdict for line in result.lines} == {"right"}
    assert "line 14: dx = dh1 @ W1" in str(result)


def test_lines_before_an_exception_are_judged():
    result = with_mistake("lecture", "    dsigy = (1) * dnum\n", "    dnum / 0\n")

    assert isinstance(result.error, ZeroDivisionError)
    assert {line.verdict for line in result.lines} == {"right"}


def test_a_debuggers_trace_function_sees_the_run_and_stays():
    seen = []

    def tracer(frame, event, arg):
        if frame.f_code.co_name == "by_hand":
            seen.append(event)
        return tracer

    hand, (f, args) = written(DERIVATIONS["lecture"].text), DERIVATIONS["lecture"].program
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


def swing(th, om, dt):
    for _ in range(60):
        th = th + dt * om
        om = om - dt * math.sin(th)
    return th


def swing_by_hand(th, om, dt):
    ths, oms = [], []
    for _ in range(60):
        oms.append(om)
        th = th + dt * om
        ths.append(th)
        om = om - dt * math.sin(th)
    dth = 1.0
    dom = ddt = 0.0
    for t in reversed(range(60)):
        ddt += -math.sin(ths[t]) * dom
        dth += -math.sin(ths[t]) * dt * dom  # wrong
        ddt += oms[t] * dth
        dom += dt * dth
    return th, (dth, dom, ddt)


def test_a_mistake_that_each_turn_of_a_long_loop_makes_takes_no_time_for_each(monkeypatch):
    from chainrule.explain.reviews import judge

    asked = []
    attribute = judge.attribute
    monkeypatch.setattr(judge, "attribute", lambda *args: asked.append(1) or attribute(*args))

    result = review(swing_by_hand, swing, 0.5, 0.1, 0.01)

    assert result.first.source.endswith("# wrong")
    assert len(result.wrong) == 1
    assert result.first.cause.text.startswith(
        "its value stands in place of the local gradient of sin"
    )
    assert len(asked) < 10
    beginning = next(line for line in result.lines if line.source == "dom = ddt = 0.0")
    assert beginning.verdict == "right"
