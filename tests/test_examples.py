"""The examples run, and give the numbers that the lecture and CS231n's notes give."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def lecture():
    return runpy.run_path(str(ROOT / "examples" / "lecture.py"))


def test_lecture_shows_every_example(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    runpy.run_path(str(ROOT / "examples" / "lecture.py"), run_name="__main__")
    shown = capsys.readouterr().out
    for text in (
        "f = (x + y) z",
        "dq = z",
        "dh = (-1.0) * dn",
        "dden = (-1.0 / (den**2)) * dinvden",
        "dz1 = dz2 @ W2.T",
        "dead",
        "vector by matrix: (2,) by (2, 3) gives (2, 2, 3)",
    ):
        assert text in shown
    assert max(map(len, shown.splitlines())) <= 100


def values_and_gradients(f, example, upstream=1.0):
    """Return every variable's value and gradient, scaled by the upstream gradient of the output."""
    staged = cr.stage(f, *example.values())
    variables = staged.run(*example.values()).variables
    return {
        name: (variables[name], upstream * variables[gradient])
        for name, gradient in staged.gradient_name.items()
        if gradient in variables
    }


def test_circuit(lecture):
    value, gradients = cr.value_and_grad(lecture["circuit"], (0, 1, 2))(-2.0, 5.0, -4.0)
    assert (value, gradients) == (-12.0, (-4.0, -4.0, 3.0))
    assert values_and_gradients(lecture["circuit"], lecture["CIRCUIT"])["q"] == (3.0, -4.0)


def test_neuron_on_every_wire(lecture):
    found = values_and_gradients(lecture["neuron"], lecture["NEURON"])
    expected = {
        "a0": (-2.00, 0.20),
        "a1": (6.00, 0.20),
        "s": (4.00, 0.20),
        "h": (1.00, 0.20),
        "n": (-1.00, -0.20),
        "e": (0.37, -0.53),
        "d": (1.37, -0.53),
    }
    for name, wire in expected.items():
        assert found[name] == pytest.approx(wire, abs=0.005), name
    value, gradients = cr.value_and_grad(lecture["neuron"], range(5))(*lecture["NEURON"].values())
    assert value == pytest.approx(0.73, abs=0.005)
    # The notes carry two digits from wire to wire, so that 0.39 and 0.59 are theirs.
    assert gradients == pytest.approx((-0.20, 0.39, -0.39, -0.59, 0.20), abs=0.005)


def test_patterns_of_add_multiply_and_max():
    def patterns(x, y, z, w):
        m = x * y
        n = max(z, w)
        s = m + n
        f = s * 2
        return f

    example = {"x": 3.0, "y": -4.0, "z": 2.0, "w": -1.0}
    gradients = cr.grad(patterns, range(4))(*example.values())
    assert gradients == (-8.0, 6.0, 2.0, 0.0)
    found = values_and_gradients(patterns, example)
    assert (found["m"], found["s"]) == ((-12.0, 2.0), (-10.0, 2.0))


def test_staged(lecture):
    f, by_hand = lecture["staged"], lecture["staged_by_hand"]
    value, (dx, dy) = cr.value_and_grad(f, (0, 1))(3.0, -4.0)
    assert value == 1.5456448841066441
    assert dx == pytest.approx(2.0595697955721652, rel=1e-15)
    assert dy == pytest.approx(1.5922327514838093, rel=1e-15)
    assert by_hand(3.0, -4.0) == (value, (dx, dy))
    assert cr.stage(f, 3.0, -4.0)(3.0, -4.0) == by_hand(3.0, -4.0)
    assert cr.review(by_hand, f, 3.0, -4.0)
    assert not cr.review(lecture["staged_with_a_mistake"], f, 3.0, -4.0)


def test_network(lecture):
    values = lecture["network_values"]()
    assert cr.check_gradient(lecture["network"], *values.values())
    sigmoid = lecture["sigmoid"]
    value, gradient = cr.value_and_grad(sigmoid)(1.0)
    assert (round(float(value), 2), round(float(gradient), 2)) == (0.73, 0.2)


def test_large_weights_saturate_the_sigmoid(lecture):
    network, scaled = lecture["network"], lecture["network_values"](scale=200.0)
    small = cr.grad(network, 1)(*lecture["network_values"]().values())
    assert np.linalg.norm(cr.grad(network, 1)(*scaled.values())) < 0.03 * np.linalg.norm(small)
    explained = str(cr.explain(network, *scaled.values()))
    assert "saturated" in explained


def test_a_step_too_large_kills_the_units(lecture):
    params, x, y = lecture["relu_values"]()
    descend, f = lecture["descend"], lecture["relu_network"]
    learned, dead = descend(params, x, y, rate=0.1, steps=20)
    assert dead == 0
    assert f(*learned.values(), x, y) < 0.01
    learned, dead = descend(params, x, y, rate=1.0, steps=20)
    assert dead == 1
    assert not np.any(cr.grad(f, 0)(*learned.values(), x, y))
    assert "exactly 0" in str(cr.explain(f, *learned.values(), x, y, argnums=(0, 1, 2, 3)))


@pytest.mark.parametrize("which", range(4))
def test_jacobians_have_the_shape_of_output_and_input(lecture, which):
    _, f, point = lecture["JACOBIANS"][which]
    assert cr.jacobian(f)(point).shape == np.shape(f(point)) + point.shape


def test_digits_are_learned(capsys, monkeypatch):
    pytest.importorskip("sklearn")
    digits = runpy.run_path(str(ROOT / "examples" / "digits.py"))
    monkeypatch.setattr(sys, "argv", ["digits.py", "--epochs", "30"])
    digits["main"]()
    shown = capsys.readouterr().out
    assert "accuracy on the test digits: 9" in shown
    assert "dW2 = z1.T @ dz2" in shown
    assert "dh1 = dz1 * z1 * (1 - z1)" in shown  # the lecture's own stages
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    "formula",
    [
        r"z = f(y), \quad y = g(x)",
        r"\frac{\partial f}{\partial q}\,\frac{\partial q}{\partial x}",
        r"\big((\sigma(x W_1 + b_1)\,W_2 + b_2) - y\big)^2",
        r"\partial h_1/\partial x = W_1^\top",
        r"\sigma'(h_1) = z_1 \circ (1 - z_1)",
        r"\frac{1}{1 + e^{-(w_0 x_0 + w_1 x_1 + w_2)}}",
        r"\frac{e^{-x}}{(1 + e^{-x})^2}",
        r"\left(\frac{1 + e^{-x} - 1}{1 + e^{-x}}\right)\left(\frac{1}{1 + e^{-x}}\right)",
        r"\dfrac{\partial y}{\partial x_2}",
        r"\dfrac{\partial y_m}{\partial x_n}",
        r"\dfrac{\partial y}{\partial A_{mn}}",
        r"\frac{\partial y}{\partial \mathbf{z}}\,\frac{\partial \mathbf{z}}{\partial A_{ij}}",
        r"\frac{x + \sigma(y)}{\sigma(x) + (x + y)^2}",
    ],
)
def test_the_page_on_the_lecture_has_each_of_its_formulas(formula):
    assert formula in (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")


def test_pictures_of_the_documentation_are_up_to_date():
    drawn = runpy.run_path(str(ROOT / "docs" / "make_pictures.py"))["pictures"]()
    for name, svg in drawn.items():
        kept = (ROOT / "docs" / "_static" / name).read_text(encoding="utf-8")
        assert kept == svg, f"{name} has changed: run python docs/make_pictures.py"
