"""Training: minibatches, one compiled step, validation, checkpoints, progress.

>>> import numpy as np
>>> from chainrule import nn, optim, train
>>> x = np.linspace(-1, 1, 200).reshape(-1, 1)
>>> model = nn.Sequential(nn.Linear(1, 16, rng=0), nn.tanh, nn.Linear(16, 1, rng=1))
>>> def loss(model, x, y):
...     return nn.squared_error(model(x), y)
>>> run = train.fit(model, loss, (x, x**2), optim.adam(0.01), epochs=30, progress=False)
>>> run.history["loss"][-1] < 0.01
True

To be read in this order: fit (the whole), loop (where a run stands), step (what
is compiled), batches, history, stopping, metrics, checkpoint, progress, watching.
"""

from chainrule.train.checkpoint import Checkpoint, CheckpointError, load, save
from chainrule.train.fit import DivergenceWarning, fit
from chainrule.train.history import History
from chainrule.train.loop import Run
from chainrule.train.metrics import accuracy, evaluate
from chainrule.train.stopping import EarlyStopping

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "DivergenceWarning",
    "EarlyStopping",
    "History",
    "Run",
    "accuracy",
    "evaluate",
    "fit",
    "load",
    "save",
]
