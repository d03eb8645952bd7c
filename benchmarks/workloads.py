"""What is timed: the same mathematics for every peer, checked to agree before it is timed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr

X, Y = 3.0, -4.0


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


def lecture_by_hand(x, y):
    """The lecture's own listing: the floor for staged code."""
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


def lecture_with(exp: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def f(x, y):
        sigy = 1.0 / (1 + exp(-y))
        num = x + sigy
        sigx = 1.0 / (1 + exp(-x))
        xpy = x + y
        xpysqr = xpy**2
        den = sigx + xpysqr
        invden = 1.0 / den
        return num * invden

    return f


def scalar() -> dict[str, Callable[[], Any]]:
    """The lecture's scalar function: value and both gradients."""
    import autograd
    import autograd.numpy
    import torch

    ours = cr.value_and_grad(lecture, (0, 1))
    theirs = autograd.value_and_grad(lecture_with(autograd.numpy.exp), (0, 1))
    in_torch = lecture_with(torch.exp)

    def torch_eager():
        x = torch.tensor(X, dtype=torch.float64, requires_grad=True)
        y = torch.tensor(Y, dtype=torch.float64, requires_grad=True)
        value = in_torch(x, y)
        value.backward()
        return value.item(), (x.grad.item(), y.grad.item())

    return {
        "chainrule": lambda: ours(X, Y),
        "HIPS autograd": lambda: theirs(X, Y),
        "torch eager": torch_eager,
    }


def staged() -> dict[str, Callable[[], Any]]:
    """The staged function against the lecture's hand-written listing."""
    printed = cr.stage(lecture, X, Y)
    return {
        "chainrule": lambda: printed(X, Y),
        "chainrule .function": lambda f=printed.function: f(X, Y),
        "by hand": lambda: lecture_by_hand(X, Y),
    }


def network_data(batch=32, inputs=64, hidden=64, outputs=10, dtype=np.float32):
    rng = np.random.default_rng(0)
    shapes = [(batch, inputs), (inputs, hidden), (hidden,), (hidden, outputs), (outputs,)]
    x, *parameters = (rng.normal(size=shape).astype(dtype) / 8 for shape in shapes)
    y = np.eye(outputs, dtype=dtype)[rng.integers(outputs, size=batch)]
    return x, y, parameters


def network() -> dict[str, Callable[[], Any]]:
    """The lecture's network, batch 32, 64-64-10, float32: loss and gradients of all parameters."""
    import autograd
    import autograd.numpy
    import torch

    torch.set_num_threads(1)
    x, y, parameters = network_data()

    def loss_with(np_):
        def loss(W1, b1, W2, b2):
            z1 = 1 / (1 + np_.exp(-(x @ W1 + b1)))
            z2 = z1 @ W2 + b2
            return np_.sum((z2 - y) ** 2)

        return loss

    ours = cr.value_and_grad(loss_with(np), (0, 1, 2, 3))
    theirs = autograd.value_and_grad(loss_with(autograd.numpy), (0, 1, 2, 3))
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)
    tensors = [torch.from_numpy(p.copy()).requires_grad_() for p in parameters]

    def torch_eager():
        W1, b1, W2, b2 = tensors
        for tensor in tensors:
            tensor.grad = None
        loss = torch.sum((torch.sigmoid(tx @ W1 + b1) @ W2 + b2 - ty) ** 2)
        loss.backward()
        return loss.item(), tuple(tensor.grad.numpy() for tensor in tensors)

    return {
        "chainrule": lambda: ours(*parameters),
        "HIPS autograd": lambda: theirs(*parameters),
        "torch eager": torch_eager,
    }


def network_by_hand() -> dict[str, Callable[[], Any]]:
    """The network's floor in NumPy: the staged code, which is what a person writes by hand."""
    x, y, parameters = network_data()

    def loss(W1, b1, W2, b2):
        z1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
        z2 = z1 @ W2 + b2
        return np.sum((z2 - y) ** 2)

    ours = cr.value_and_grad(loss, (0, 1, 2, 3))
    printed = cr.stage(loss, *parameters)
    return {"chainrule": lambda: ours(*parameters), "staged": lambda: printed(*parameters)}


WORKLOADS = {
    "scalar": scalar,
    "staged": staged,
    "network": network,
    "network-by-hand": network_by_hand,
}
