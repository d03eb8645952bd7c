"""Layers and losses beside PyTorch's."""

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule import nn

RNG = np.random.default_rng(0)


def drawn(*shape):
    return RNG.normal(size=shape)


def put(target, value):
    target.data = torch.tensor(np.ascontiguousarray(value))


def conv(kind, theirs, shape, **options):
    layer = kind(2, 3, 3, rng=0, **options)
    other = theirs(2, 3, 3, dtype=torch.float64, **options)
    put(other.weight, layer.weight)
    put(other.bias, layer.bias)
    return layer, other, drawn(*shape)


def linear():
    layer, other = nn.Linear(3, 4, rng=0), torch.nn.Linear(3, 4, dtype=torch.float64)
    put(other.weight, layer.weight.T)
    put(other.bias, layer.bias)
    return layer, other, drawn(5, 3)


def recurrent(cell, theirs, order):
    layer = nn.Recurrent(cell(3, 4, rng=0))
    other = theirs(3, 4, batch_first=True, dtype=torch.float64)
    gates = [np.split(w, len(order), axis=-1) for w in list(vars(layer.cell).values())[:3]]
    w, u, b = (np.concatenate([g[k] for k in order], axis=-1) for g in gates)
    put(other.weight_ih_l0, w.T)
    put(other.weight_hh_l0, u.T)
    put(other.bias_ih_l0, b)
    put(other.bias_hh_l0, np.zeros_like(b))
    return layer, lambda x: other(x)[0], drawn(2, 6, 3)


def attention(causal):
    layer = nn.MultiHeadAttention(4, heads=2, rng=0, causal=causal)
    other = torch.nn.MultiheadAttention(4, 2, batch_first=True, dtype=torch.float64)
    weights = [layer.query_weight.T, layer.key_weight.T, layer.value_weight.T]
    put(other.in_proj_weight, np.concatenate(weights))
    put(other.out_proj.weight, layer.output_weight.T)
    mask = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1) if causal else None
    return layer, lambda x: other(x, x, x, attn_mask=mask, need_weights=False)[0], drawn(2, 5, 4)


LAYERS = {
    "linear": linear,
    "conv1d": lambda: conv(nn.Conv1d, torch.nn.Conv1d, (2, 2, 9), stride=2, padding=1),
    "conv2d": lambda: conv(nn.Conv2d, torch.nn.Conv2d, (2, 2, 7, 6), stride=(2, 1), padding=(1, 2)),
    "layer norm": lambda: (
        nn.LayerNorm(4),
        torch.nn.LayerNorm(4, dtype=torch.float64),
        drawn(3, 4),
    ),
    "max pool": lambda: (nn.MaxPool2d(3, stride=2), torch.nn.MaxPool2d(3, 2), drawn(2, 2, 8, 7)),
    "average pool": lambda: (nn.AvgPool2d((2, 3)), torch.nn.AvgPool2d((2, 3)), drawn(2, 2, 8, 7)),
    "rnn": lambda: recurrent(nn.RNNCell, torch.nn.RNN, [0]),
    "gru": lambda: recurrent(nn.GRUCell, torch.nn.GRU, [0, 1, 2]),
    "lstm": lambda: recurrent(nn.LSTMCell, torch.nn.LSTM, [0, 1, 2, 3]),
    "attention": lambda: attention(False),
    "causal attention": lambda: attention(True),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    layer, other, x = LAYERS[name]()
    tensor = torch.tensor(x, requires_grad=True)
    y = other(tensor)
    weights = drawn(*y.shape)
    np.testing.assert_allclose(layer(x), y.detach().numpy(), rtol=1e-9, atol=1e-10)
    (y * torch.tensor(weights)).sum().backward()
    gradient = cr.grad(lambda x: np.sum(layer(x) * weights))(x)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-8, atol=1e-9)


def test_batch_norm_with_its_running_statistics():
    layer, other = nn.BatchNorm(3), torch.nn.BatchNorm2d(3, dtype=torch.float64)
    state = nn.initial_state(layer)
    for _ in range(3):
        x = drawn(4, 3, 5, 2) * 2 + 1
        context = nn.Training(layer, state)
        expected = other(torch.tensor(x)).detach().numpy()
        np.testing.assert_allclose(layer(x, context), expected, rtol=1e-9, atol=1e-10)
        state = context.state
    np.testing.assert_allclose(state[""]["mean"], other.running_mean.numpy(), rtol=1e-9)
    np.testing.assert_allclose(state[""]["variance"], other.running_var.numpy(), rtol=1e-9)
    other.eval()
    expected = other(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(layer(x, nn.Evaluation(layer, state)), expected, rtol=1e-9)


F = torch.nn.functional
ACTIVATIONS = [
    *((nn.elu, F.elu), (nn.gelu, F.gelu), (nn.leaky_relu, F.leaky_relu), (nn.relu, F.relu)),
    *((nn.sigmoid, F.sigmoid), (nn.silu, F.silu), (nn.softplus, F.softplus), (nn.tanh, F.tanh)),
    (nn.softmax, lambda x: F.softmax(x, -1)),
    (nn.log_softmax, lambda x: F.log_softmax(x, -1)),
]


@pytest.mark.parametrize(("ours", "theirs"), ACTIVATIONS, ids=lambda f: f.__name__)
def test_activations(ours, theirs):
    x = np.linspace(-30, 30, 40).reshape(4, 10)
    np.testing.assert_allclose(ours(x), theirs(torch.tensor(x)).numpy(), rtol=1e-8, atol=1e-9)


LOSSES = [
    (nn.squared_error, F.mse_loss, drawn(4, 3)),
    (nn.huber, F.huber_loss, 3 * drawn(4, 3)),
    (nn.cross_entropy, F.cross_entropy, np.array([2, 0, 1, 1])),
    (nn.cross_entropy, F.cross_entropy, nn.softmax(drawn(4, 3))),
    (nn.binary_cross_entropy, F.binary_cross_entropy_with_logits, nn.sigmoid(drawn(4, 3))),
]


@pytest.mark.parametrize(("ours", "theirs", "y"), LOSSES)
def test_losses(ours, theirs, y):
    predicted = drawn(4, 3) * 2
    expected = theirs(torch.tensor(predicted), torch.tensor(y)).item()
    assert ours(predicted, y) == pytest.approx(expected, rel=1e-12)
