"""Optimisers: what to do with a gradient.

An `Optimiser` is two functions. ``init(params)`` returns its state, and ``update(gradients, state,
params)`` returns the updates, to be added to the parameters, and the next state. Parameters,
gradients and states are trees of arrays, and nothing is changed in place, so that a whole step can
be compiled:

>>> import numpy as np, chainrule as cr
>>> from chainrule import optim
>>> params = {"w": np.array([1.0, -2.0])}
>>> optimiser = optim.adam(0.1)
>>> state = optimiser.init(params)
>>> gradients = cr.grad(lambda p: np.sum(p["w"] ** 2))(params)
>>> updates, state = optimiser.update(gradients, state, params)
>>> optim.apply_updates(params, updates)
{'w': array([ 0.9, -1.9])}

To be read in this order: optimiser (what one is, and how several are chained), descent and adaptive
(the methods), transforms (clipping and weight decay), schedules (learning rates), lbfgs (SciPy's
method for whole data sets).
"""

from chainrule.optim.adaptive import adagrad, adam, adamw, lion, rmsprop
from chainrule.optim.descent import momentum, nesterov, sgd
from chainrule.optim.lbfgs import Minimum, lbfgs
from chainrule.optim.optimiser import Optimiser, apply_updates, chain
from chainrule.optim.schedules import constant, cosine, exponential, linear, step, warmup
from chainrule.optim.transforms import clip, clip_by_global_norm, global_norm, weight_decay

__all__ = [
    "Minimum",
    "Optimiser",
    "adagrad",
    "adam",
    "adamw",
    "apply_updates",
    "chain",
    "clip",
    "clip_by_global_norm",
    "constant",
    "cosine",
    "exponential",
    "global_norm",
    "lbfgs",
    "linear",
    "lion",
    "momentum",
    "nesterov",
    "rmsprop",
    "sgd",
    "step",
    "warmup",
    "weight_decay",
]
