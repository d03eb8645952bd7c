"""Optimisers, step by step beside PyTorch's."""

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule import optim

# Ours, and PyTorch's of the same constants.
METHODS = {
    "sgd": (optim.sgd(0.01), torch.optim.SGD, {"lr": 0.01}),
    "momentum": (optim.momentum(0.01, 0.8), torch.optim.SGD, {"lr": 0.01, "momentum": 0.8}),
    "nesterov": (
        optim.nesterov(0.01, 0.8),
        torch.optim.SGD,
        {"lr": 0.01, "momentum": 0.8, "nesterov": True},
    ),
    "decayed": (
        optim.chain(optim.weight_decay(0.1), optim.momentum(0.01, 0.8)),
        torch.optim.SGD,
        {"lr": 0.01, "momentum": 0.8, "weight_decay": 0.1},
    ),
    "adagrad": (optim.adagrad(0.1), torch.optim.Adagrad, {"lr": 0.1}),
    "rmsprop": (optim.rmsprop(0.01, 0.9), torch.optim.RMSprop, {"lr": 0.01, "alpha": 0.9}),
    "adam": (optim.adam(0.01, 0.8, 0.99), torch.optim.Adam, {"lr": 0.01, "betas": (0.8, 0.99)}),
    "adamw": (
        optim.adamw(0.01, weight_decay=0.1),
        torch.optim.AdamW,
        {"lr": 0.01, "weight_decay": 0.1},
    ),
}


def loss(params, x, sin, exp):
    return (sin(x @ params["W"] + params["b"]) ** 2 + exp(0.1 * (x @ params["W"]))).sum()


@pytest.mark.parametrize("method", METHODS)
def test_thirty_steps(method):
    ours, theirs, options = METHODS[method]
    rng = np.random.default_rng(0)
    params = {"W": rng.normal(size=(4, 3)), "b": rng.normal(size=3)}
    tensors = {name: torch.tensor(p, requires_grad=True) for name, p in params.items()}
    optimiser = theirs(list(tensors.values()), **options)
    state = ours.init(params)
    for _ in range(30):
        x = rng.normal(size=(5, 4))
        gradients = cr.grad(loss)(params, x, np.sin, np.exp)
        updates, state = ours.update(gradients, state, params)
        params = optim.apply_updates(params, updates)
        optimiser.zero_grad()
        loss(tensors, torch.tensor(x), torch.sin, torch.exp).backward()
        optimiser.step()
        for name, p in params.items():
            np.testing.assert_allclose(p, tensors[name].detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        (optim.cosine(0.1, 20, last=0.01), "CosineAnnealingLR", {"T_max": 20, "eta_min": 0.01}),
        (optim.step(0.1, {5: 0.5, 12: 0.5}), "MultiStepLR", {"milestones": [5, 12], "gamma": 0.5}),
        (optim.exponential(0.1, 0.9), "ExponentialLR", {"gamma": 0.9}),
        (
            optim.linear(0.1, 0.05, 8),
            "LinearLR",
            {"start_factor": 1.0, "end_factor": 0.5, "total_iters": 8},
        ),
    ],
)
def test_schedules(ours, theirs, options):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = getattr(torch.optim.lr_scheduler, theirs)(optimiser, **options)
    for steps in range(20):
        assert float(ours(steps)) == pytest.approx(schedule.get_last_lr()[0], rel=1e-9)
        optimiser.step()
        schedule.step()
