"""Networks: layers, activation functions, losses, and where initial weights come from.

A module is a frozen dataclass, and by that a tree of its parameters; it is called as a function of
NumPy arrays. So everything that chainrule does to a function works on a network:

>>> import numpy as np, chainrule as cr
>>> from chainrule import nn
>>> model = nn.Sequential(nn.Linear(64, 100, rng=0), nn.relu, nn.Linear(100, 10, rng=1))
>>> def loss(model, x, labels):
...     return nn.cross_entropy(model(x), labels)
>>> gradient = cr.grad(loss)(model, np.ones((32, 64)), np.zeros(32, dtype=int))
>>> gradient.layers[0].weight.shape
(64, 100)

To be read in this order: module (what one is), linear, containers, activations, losses,
initialisers; then context and random (what training needs besides: running statistics, keys),
normalisation, convolution, recurrent, attention.
"""

from chainrule.nn.activations import (
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from chainrule.nn.attention import MultiHeadAttention, attention
from chainrule.nn.containers import Residual, Sequential
from chainrule.nn.context import Context, Evaluation, Training, initial_state
from chainrule.nn.convolution import AvgPool1d, AvgPool2d, Conv1d, Conv2d, MaxPool1d, MaxPool2d
from chainrule.nn.initialisers import (
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    orthogonal,
)
from chainrule.nn.linear import Embedding, Linear
from chainrule.nn.losses import binary_cross_entropy, cross_entropy, hinge, huber, squared_error
from chainrule.nn.module import Module, count, modules, parameters, static
from chainrule.nn.normalisation import BatchNorm, Dropout, LayerNorm
from chainrule.nn.random import key, random_uniform, split
from chainrule.nn.recurrent import GRUCell, LSTMCell, Recurrent, RNNCell

__all__ = [
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "Context",
    "Conv1d",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Evaluation",
    "GRUCell",
    "LSTMCell",
    "LayerNorm",
    "Linear",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "MultiHeadAttention",
    "RNNCell",
    "Recurrent",
    "Residual",
    "Sequential",
    "Training",
    "attention",
    "binary_cross_entropy",
    "count",
    "cross_entropy",
    "elu",
    "gelu",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "hinge",
    "huber",
    "initial_state",
    "key",
    "leaky_relu",
    "lecun_normal",
    "lecun_uniform",
    "log_softmax",
    "modules",
    "orthogonal",
    "parameters",
    "random_uniform",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "split",
    "squared_error",
    "static",
    "tanh",
]
