"""The explanation as text."""

import math
import sys
from textwrap import dedent

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import chainrule as cr
from chainrule.explain.numbers import columns, format_array, format_number, norm
from chainrule.explain.spans import wrap
from tests.programs.lecture import staged

LECTURE = """\
staged(x, y)
    at x = 3, y = -4

forward pass                                                               value
(1)  sigy = 1.0 / (1 + math.exp(-y))                                     0.01799
(2)  num = x + sigy                                                        3.018
(3)  sigx = 1.0 / (1 + math.exp(-x))                                      0.9526
(4)  xpy = x + y                                                              -1
(5)  xpysqr = xpy**2                                                           1
(6)  den = sigx + xpysqr                                                   1.953
(7)  invden = 1.0 / den                                                   0.5121
(8)  f = num * invden                                                      1.546

backward pass                           local gradient × upstream = contribution
     # backprop f = num * invden
(8)  dnum = invden                                                        0.5121
(8)  dinvden = num                                                         3.018
     # backprop invden = 1.0 / den
(7)  dden = (-1.0 / (den**2)) * dinvden                -0.2623 × 3.018 = -0.7916
                                                     -1.0 / (1.953**2) = -0.2623
     # backprop den = sigx + xpysqr
(6)  dsigx = (1) * dden                                    1 × -0.7916 = -0.7916
(6)  dxpysqr = (1) * dden                                  1 × -0.7916 = -0.7916
     # backprop xpysqr = xpy**2
(5)  dxpy = (2 * xpy) * dxpysqr                             -2 × -0.7916 = 1.583
                                                                   2 * (-1) = -2
     # backprop xpy = x + y
(4)  dx = (1) * dxpy                                           1 × 1.583 = 1.583
(4)  dy = (1) * dxpy                                           1 × 1.583 = 1.583
     # backprop sigx = 1.0 / (1 + math.exp(-x))
(3)  dx += ((1 - sigx) * sigx) * dsigx              0.04518 × -0.7916 = -0.03576
                                                 (1 - 0.9526) * 0.9526 = 0.04518
     # backprop num = x + sigy
(2)  dx += (1) * dnum                                        1 × 0.5121 = 0.5121
(2)  dsigy = (1) * dnum                                      1 × 0.5121 = 0.5121
     # backprop sigy = 1.0 / (1 + math.exp(-y))
(1)  dy += ((1 - sigy) * sigy) * dsigy               0.01766 × 0.5121 = 0.009046
                                               (1 - 0.01799) * 0.01799 = 0.01766

result
     f  = 1.546
     dx = 2.06
     dy = 1.592"""


def test_the_lecture():
    assert str(cr.explain(staged, 3.0, -4.0)) == LECTURE


def test_a_network():
    def loss(x, W, b, y):
        h = x @ W + b
        z = np.tanh(h)
        return np.mean((z - y) ** 2)

    x, y = np.array([[1.0, -1.0], [0.5, 2.0]]), np.array([[0.1], [-0.2]])
    W, b = np.array([[0.3], [0.1]]), np.zeros(1)
    text = str(cr.explain(loss, x, W, b, y, argnums=(1, 2)))
    for line in dedent("""\
        loss(x, W, b, y)
            at x = array (2, 2), W = array (2, 1), b = array (1,), y = array (2, 1)
        (1)  h = x @ W + b                                (2, 1) mean 0.275, norm 0.4031
        """).splitlines():
        assert line in text.splitlines()
    gradient = format_array(cr.grad(loss, 1)(x, W, b, y))
    assert f"(1)  dW = x.T @ dh{gradient:>62}" in text
    assert "norms: local " in text
    assert "dx =" not in text


def test_fields():
    explanation = cr.explain(staged, 3.0, -4.0)
    assert explanation.value == staged(3.0, -4.0)
    assert explanation.gradients == cr.stage(staged, 3.0, -4.0)(3.0, -4.0)[1]
    assert explanation.staged(1.0, 2.0)[0] == staged(1.0, 2.0)
    assert explanation.warnings == []
    assert repr(explanation) == "<explanation of staged(x, y): 0 findings>"


def test_gradients_have_the_structure_of_the_arguments():
    def f(params, x):
        return np.sum(np.tanh(x @ params["W"] + params["b"]))

    params, x = {"W": np.ones((2, 3)), "b": np.zeros(3)}, np.array([[0.1, 0.2]])
    explanation = cr.explain(f, params, x)
    gradients, dx = explanation.gradients
    expected = cr.grad(f, (0, 1))(params, x)
    np.testing.assert_allclose(gradients["W"], expected[0]["W"])
    np.testing.assert_allclose(gradients["b"], expected[0]["b"])
    np.testing.assert_allclose(dx, expected[1])
    assert explanation.title == "f(params, x)"
    (only,) = cr.explain(f, params, x, argnums=1).gradients
    np.testing.assert_allclose(only, dx)
    first, second = cr.explain(f, params, x, argnums=(1, 0)).gradients  # in the order asked for
    np.testing.assert_allclose(first, dx)
    np.testing.assert_allclose(second["W"], gradients["W"])


def test_findings_stand_under_their_line():
    def f(h):
        z = np.tanh(h)
        return np.sum(z)

    lines = str(cr.explain(f, np.full((2, 2), 9.0))).splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("(1)  z = "))
    assert lines[at + 1].startswith("     ! line ")
    assert "tanhs in z" in lines[at + 1]
    assert lines[-1] == "1 finding, marked with !"


def test_advice_is_given_once():
    def f(h):
        a = np.tanh(h)
        b = np.tanh(9 * a)
        return np.sum(b)

    explanation = cr.explain(f, np.full((2, 2), 9.0))
    saturated = [finding for finding in explanation.warnings if finding.kind == "saturated"]
    assert len(saturated) == 2
    assert all("Smaller weights" in finding.message for finding in saturated)
    assert str(explanation).count("Smaller weights") == 1


def test_a_branch_that_was_taken_is_told():
    def f(x):
        y = x * x if x > 0 else -x
        return y * 3

    text = str(cr.explain(f, 2.0))
    assert "x > 0" in text
    assert "saw True: other values may go another way" in text.replace("\n     #   ", " ")


def long_lines(x, y):
    a_really_long_variable_name_for_the_total = (
        x * 3.25 + y * 4.125 + np.sin(x) * np.cos(y) + np.exp(-x * x - y * y) + np.log1p(x**2)
    )
    return a_really_long_variable_name_for_the_total * 2


def wide_names(幅, 高さ):
    面積 = 幅 * 高さ
    とてもとても長い名前の変数 = 面積**2 + 幅 + np.sin(面積) * np.cos(幅) + np.exp(-高さ * 高さ)
    return とてもとても長い名前の変数


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("f", [staged, long_lines, wide_names])
def test_no_line_is_too_wide_and_nothing_is_lost(f, width):
    explanation = cr.explain(f, 3.0, -4.0)
    lines = ["".join(span.text for span in line) for line in explanation.lines(width)]
    assert max(map(columns, lines)) <= width
    everything = "".join("".join(lines).replace("#", "").split())
    for stage in explanation.staged.stages:
        assert "".join(stage.text.split()) in everything
    for line in explanation.staged.backward:
        assert "".join(line.text.split()) in everything


@given(st.text("ab 幅=(", max_size=60), st.integers(2, 20))
def test_wrapping_keeps_every_character(text, width):
    lines = wrap(text, width)
    assert all(columns(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_wide_names_align():
    lines = str(cr.explain(wide_names, 2.0, 3.0)).splitlines()
    ends = {columns(line) for line in lines if line.startswith("(")}
    assert ends == {80} or max(ends) == 80


# Colour.


class Terminal:
    def __init__(self, stream, encoding="utf-8"):
        self.stream = stream
        self.encoding = encoding

    def isatty(self):
        return True

    def __getattr__(self, name):
        return getattr(self.stream, name)


def test_print_has_colour_in_a_terminal_alone(monkeypatch):
    explanation = cr.explain(staged, 3.0, -4.0)
    assert "\x1b" not in str(explanation)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", Terminal(sys.stdout))
    assert "\x1b[" in str(explanation)
    assert explanation.text == f"{explanation}" == LECTURE
    monkeypatch.setenv("NO_COLOR", "1")
    assert str(explanation) == LECTURE


@pytest.mark.parametrize(("columns_there", "expected"), [(200, 80), (80, 80), (50, 50), (5, 20)])
def test_a_narrow_terminal_is_not_overrun(monkeypatch, columns_there, expected):
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", str(columns_there))
    monkeypatch.setattr(sys, "stdout", Terminal(sys.stdout))
    explanation = cr.explain(staged, 3.0, -4.0)
    text = str(explanation)
    assert "\x1b" not in text
    assert max(map(columns, text.splitlines())) == expected
    console = Console(width=columns_there, no_color=True, force_terminal=False)
    with console.capture() as capture:
        console.print(explanation)
    if columns_there >= 20:
        assert max(len(line.rstrip()) for line in capture.get().splitlines()) == expected


def test_a_terminal_without_unicode(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal(sys.stdout, "ascii"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    assert str(cr.explain(staged, 3.0, -4.0)) == LECTURE.replace("×", "*")
    assert str(cr.explain(wide_names, 2.0, 3.0)).isascii()


def test_rich_prints_the_same_text():
    console = Console(width=80, no_color=True, force_terminal=False)
    with console.capture() as capture:
        console.print(cr.explain(staged, 3.0, -4.0))
    assert [line.rstrip() for line in capture.get().rstrip().splitlines()] == LECTURE.splitlines()


# Numbers.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.7310585786, "0.7311"),
        (-4.0, "-4"),
        (12345.678, "12345.7"),
        (1.6e-9, "1.6e-09"),
        (1.5e12, "1.5e+12"),
        (np.float32(0.1), "0.1"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (np.True_, "True"),
    ],
)
def test_numbers(value, text):
    assert format_number(value) == text


def test_a_norm_does_not_overflow():
    assert norm(np.array([3e200, 4e200])) == pytest.approx(5e200)
    assert norm(np.array([3e-200, 4e-200])) == pytest.approx(5e-200)
    assert norm(np.array([])) == 0
    assert math.isnan(norm(np.array([math.nan, 1.0])))


# What cannot be explained.


def test_bad_input():
    with pytest.raises(cr.errors.ArgumentError):
        cr.explain(lambda x: x * 2, 3)
    with pytest.raises(cr.errors.NonScalarOutputError):
        cr.explain(lambda x: x * 2, np.ones(3))


def test_a_result_that_depends_on_nothing():
    explanation = cr.explain(lambda x: 3.0, 1.0)
    (finding,) = explanation.warnings
    assert "does not depend on x" in finding.message
    assert explanation.gradients == (0.0,)
    assert explanation.svg().startswith("<svg")
    assert "result" in str(explanation)
