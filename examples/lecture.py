"""Every example of the lecture on backpropagation, in plain Python and NumPy.

``python examples/lecture.py`` shows them all. Each function can also be asked for alone, for
example with ``chainrule explain examples/lecture.py:staged --at x=3 --at y=-4``.
"""

import math

import numpy as np
from rich.console import Console

import chainrule

# --- f(x, y, z) = (x + y) z -------------------------------------------------------------------


def circuit(x, y, z):
    q = x + y
    f = q * z
    return f


CIRCUIT = {"x": -2.0, "y": 5.0, "z": -4.0}

# --- the logistic neuron, gate by gate --------------------------------------------------------


def neuron(w0, x0, w1, x1, w2):
    a0 = w0 * x0
    a1 = w1 * x1
    s = a0 + a1
    h = s + w2
    n = -1 * h
    e = math.exp(n)
    d = e + 1
    f = 1 / d
    return f


NEURON = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}


def sigmoid(h):
    return 1 / (1 + np.exp(-h))


# The gates it is made of: name, function, a point, and the local gradient as a formula.
GATES = [
    ("1 / x", lambda x: 1 / x, 1.37, "-1 / x^2"),
    ("c + x", lambda x: 1 + x, 0.37, "1"),
    ("exp(x)", lambda x: math.exp(x), -1.0, "exp(x)"),
    ("a x", lambda x: -1 * x, 1.0, "a"),
    ("sigmoid", sigmoid, 1.0, "(1 - s) s"),
]


# --- the staged function ----------------------------------------------------------------------


def staged(x, y):
    sigy = 1.0 / (1 + math.exp(-y))  # sigmoid in numerator
    num = x + sigy  # numerator
    sigx = 1.0 / (1 + math.exp(-x))  # sigmoid in denominator
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr  # denominator
    invden = 1.0 / den
    f = num * invden  # done!
    return f


STAGED = {"x": 3.0, "y": -4.0}


def staged_by_hand(x, y):
    # forward pass
    sigy = 1.0 / (1 + math.exp(-y))  # (1)
    num = x + sigy  # (2)
    sigx = 1.0 / (1 + math.exp(-x))  # (3)
    xpy = x + y  # (4)
    xpysqr = xpy**2  # (5)
    den = sigx + xpysqr  # (6)
    invden = 1.0 / den  # (7)
    f = num * invden  # (8)
    # backprop f = num * invden
    dnum = invden  # (8)
    dinvden = num  # (8)
    # backprop invden = 1.0 / den
    dden = (-1.0 / (den**2)) * dinvden  # (7)
    # backprop den = sigx + xpysqr
    dsigx = (1) * dden  # (6)
    dxpysqr = (1) * dden  # (6)
    # backprop xpysqr = xpy**2
    dxpy = (2 * xpy) * dxpysqr  # (5)
    # backprop xpy = x + y
    dx = (1) * dxpy  # (4)
    dy = (1) * dxpy  # (4)
    # backprop sigx = 1.0 / (1 + math.exp(-x))
    dx += ((1 - sigx) * sigx) * dsigx  # (3)
    # backprop num = x + sigy
    dx += (1) * dnum  # (2)
    dsigy = (1) * dnum  # (2)
    # backprop sigy = 1.0 / (1 + math.exp(-y))
    dy += ((1 - sigy) * sigy) * dsigy  # (1)
    return f, (dx, dy)


def staged_with_a_mistake(x, y):
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
    dsigx = dden
    dxpysqr = dden
    dxpy = (2 * xpy) * dxpysqr
    dx = dxpy
    dy = dxpy
    dx = ((1 - sigx) * sigx) * dsigx  # the lecture says: notice += !!
    dx += dnum
    dsigy = dnum
    dy += ((1 - sigy) * sigy) * dsigy
    return f, (dx, dy)


# --- the network: Loss = ((sigmoid(x W1 + b1) W2 + b2) - y)^2 ---------------------------------


def network(x, W1, b1, W2, b2, y):
    h1 = x @ W1 + b1
    z1 = sigmoid(h1)
    z2 = z1 @ W2 + b2
    loss = np.sum((z2 - y) ** 2)
    return loss


def network_values(scale=1.0):
    """Return a batch of 4 with 3 inputs, 5 hidden units and 2 outputs."""
    rng = np.random.default_rng(0)
    return {
        "x": rng.normal(size=(4, 3)),
        "W1": scale * rng.normal(size=(3, 5)),
        "b1": np.zeros(5),
        "W2": rng.normal(size=(5, 2)),
        "b2": np.zeros(2),
        "y": rng.normal(size=(4, 2)),
    }


# --- ReLU, and how it dies --------------------------------------------------------------------


def relu_network(W1, b1, W2, b2, x, y):
    h1 = x @ W1 + b1
    z1 = np.maximum(h1, 0)
    z2 = z1 @ W2 + b2
    loss = np.mean((z2 - y) ** 2)
    return loss


def relu_values():
    """Return parameters, and 16 rows of which the network shall learn the sum."""
    rng = np.random.default_rng(3)
    x = rng.uniform(size=(16, 3))
    params = {
        "W1": rng.normal(size=(3, 4)),
        "b1": np.full(4, 0.1),
        "W2": np.abs(rng.normal(size=(4, 1))),
        "b2": np.zeros(1),
    }
    return params, x, np.sum(x, axis=1, keepdims=True)


def descend(params, x, y, rate, steps):
    """Take steps of gradient descent; returns the parameters and the share of dead units."""
    gradient = chainrule.grad(relu_network, argnums=(0, 1, 2, 3))
    for _ in range(steps):
        gradients = gradient(*params.values(), x, y)
        params = {
            name: p - rate * g for (name, p), g in zip(params.items(), gradients, strict=True)
        }
    h1 = x @ params["W1"] + params["b1"]
    return params, np.mean(np.all(h1 <= 0, axis=0))


# --- the Jacobian in every shape --------------------------------------------------------------

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
X = np.array([0.5, -1.0, 2.0])

JACOBIANS = [
    ("scalar by vector", lambda x: np.sum(x**2), X),
    ("vector by vector", lambda x: A @ x, X),
    ("scalar by matrix", lambda A: np.sum(A**2), A),
    ("vector by matrix", lambda A: A @ X, A),
]


# --- all of it --------------------------------------------------------------------------------


def main() -> None:
    console = Console(highlight=False)

    def heading(text: str) -> None:
        console.print()
        console.rule(f"[bold]{text}", align="left")
        console.print()

    heading("f = (x + y) z")
    console.print(chainrule.explain(circuit, *CIRCUIT.values()))

    heading("The logistic neuron, gate by gate")
    console.print(chainrule.explain(neuron, *NEURON.values()))

    heading("Its gates")
    for name, f, x, formula in GATES:
        value, gradient = chainrule.value_and_grad(f)(x)
        console.print(f"  {name:7} at {x:5.2f}: {value:5.2f}, d/dx = {formula} = {gradient:5.2f}")

    heading("The staged function")
    console.print(chainrule.explain(staged, *STAGED.values()))

    heading("The lecture's own listing, reviewed")
    console.print(chainrule.review(staged_by_hand, staged, *STAGED.values()))

    heading("The same with one + forgotten")
    console.print(chainrule.review(staged_with_a_mistake, staged, *STAGED.values()))

    heading("The network: Loss = ((sigmoid(x W1 + b1) W2 + b2) - y)^2")
    console.print(chainrule.stage(network, *network_values().values()).source, markup=False)

    heading("Weights too large: the sigmoid saturates")
    console.print(chainrule.explain(network, *network_values(scale=200.0).values()))

    heading("A step too large: the ReLU dies")
    params, x, y = relu_values()
    for rate in (0.1, 1.0):
        learned, dead = descend(params, x, y, rate, steps=20)
        loss = relu_network(*learned.values(), x, y)
        console.print(f"  20 steps of {rate}: loss {loss:.3g}, {dead:.0%} of the units are dead")
    console.print()
    console.print(chainrule.explain(relu_network, *learned.values(), x, y, argnums=(0, 1, 2, 3)))

    heading("The Jacobian in every shape")
    for name, f, point in JACOBIANS:
        jacobian = chainrule.jacobian(f)(point)
        shapes = f"{np.shape(f(point))} by {point.shape}"
        console.print(f"  {name}: {shapes} gives {jacobian.shape}", markup=False)
        console.print("    " + np.array2string(jacobian, prefix="    "), markup=False)


if __name__ == "__main__":
    main()
