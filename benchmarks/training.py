"""Training: epochs of small and large networks, and a convolution, against who else trains them.

Everybody has the same layers, data, batches, optimiser (Adam), dtype and number of threads,
shuffles, and has to reach the same accuracy.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from measure import compare
from peers import Call
from workload import Target

from chainrule import nn, optim, train

RATE = 1e-3

#: By task, what chainrule's time is to be against.
TARGETS = {
    "digits": (Target("scikit-learn", 3), Target("PyTorch", 3), Target("jax.jit", 1)),
    "synthetic": (Target("best", 1.2),),
    "convolution": (Target("PyTorch", 1),),
}

Trained = Callable[[Any], Any]  # from inputs to classes


@dataclass(frozen=True)
class Task:
    """A table to learn.

    Attributes:
        title: what it is, with its sizes.
        hidden: units of the hidden layer.
        batch: examples in a step.
        epochs: in a call that is timed.
        until: in the run whose accuracy is looked at.
        accuracy: what everybody has to reach on the test examples.
    """

    title: str
    hidden: int
    batch: int
    epochs: int
    until: int
    accuracy: float
    data: Callable[[], tuple[Any, Any, Any, Any]]

    @cached_property
    def arrays(self) -> tuple[Any, Any, Any, Any]:
        """Training examples, their classes, test examples, theirs."""
        return self.data()

    @property
    def sizes(self) -> tuple[int, int, int]:
        x, labels = self.arrays[:2]
        return x.shape[1], self.hidden, int(labels.max()) + 1


def _digits() -> tuple[Any, Any, Any, Any]:
    from sklearn.datasets import load_digits

    x, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, labels = (x[order] / 16).astype(np.float32), labels[order]
    return x[:1437], labels[:1437], x[1437:], labels[1437:]


def _synthetic() -> tuple[Any, Any, Any, Any]:
    random = np.random.default_rng(0)
    x = random.normal(size=(62_000, 784)).astype(np.float32)
    labels = np.argmax(x @ random.normal(size=(784, 10)).astype(np.float32), axis=1)
    return x[:60_000], labels[:60_000], x[60_000:], labels[60_000:]


TASKS = {
    "digits": Task(
        "an epoch on digits (1,437 x 64, 100 hidden, batch 32, float32)",
        *(100, 32, 5, 30, 0.95, _digits),
    ),
    "synthetic": Task(
        "an epoch on 60,000 x 784 (512 hidden, batch 128, float32)",
        *(512, 128, 1, 2, 0.8, _synthetic),
    ),
}


def training(rounds: int, seconds: float) -> dict[str, Any]:
    """Return the seconds of an epoch, or of a gradient, by task and peer, and accuracies."""
    found = {name: _raced(task, rounds, seconds) for name, task in TASKS.items()}
    found["convolution"] = _convolution(rounds, seconds)
    return found


def _raced(task: Task, rounds: int, seconds: float) -> dict[str, Any]:
    calls: dict[str, Call] = {}
    accuracies: dict[str, float] = {}
    *_, x, labels = task.arrays
    for name, make in _PEERS.items():
        run = make(task)
        accuracy = float(np.mean(run(task.until)(x) == labels))
        if accuracy < task.accuracy:
            raise ValueError(f"{name} reaches {accuracy:.3f}, and {task.accuracy} is to be reached")
        accuracies[name] = accuracy
        calls[name] = Call(run, (task.epochs,))
    timings = compare({**calls, "products": Call(_products(task), ())}, rounds, seconds)
    floor = timings.pop("products").seconds
    peers = {name: timing.seconds / task.epochs for name, timing in timings.items()}
    return {"title": task.title, "peers": peers, "accuracy": accuracies, "products": floor}


def _order(task: Task, epoch: int) -> Iterator[Any]:
    """Yield the rows of each batch of an epoch."""
    order = np.random.default_rng(epoch).permutation(len(task.arrays[0]))
    for start in range(0, len(order), task.batch):
        yield order[start : start + task.batch]


def _chainrule(task: Task) -> Callable[[int], Trained]:
    x, labels, *_ = task.arrays
    inputs, hidden, classes = task.sizes
    options = {"dtype": x.dtype}
    model = nn.Sequential(
        nn.Linear(inputs, hidden, rng=0, **options),
        nn.relu,
        nn.Linear(hidden, classes, rng=1, **options),
    )
    optimiser = optim.adam(RATE)

    def loss(model: Any, x: Any, labels: Any) -> Any:
        return nn.cross_entropy(model(x), labels)

    def run(epochs: int) -> Trained:
        found = train.fit(
            model,
            loss,
            (x, labels),
            optimiser,
            epochs=epochs,
            batch_size=task.batch,
            progress=False,
        )
        return lambda x: np.argmax(found.model(x), axis=1)

    return run


def _scikit_learn(task: Task) -> Callable[[int], Trained]:
    from sklearn.neural_network import MLPClassifier

    x, labels, *_ = task.arrays

    def run(epochs: int) -> Trained:
        classifier = MLPClassifier(
            (task.hidden,),
            batch_size=task.batch,
            learning_rate_init=RATE,
            max_iter=epochs,
            random_state=0,
            tol=0.0,
            n_iter_no_change=10_000,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has not converged
            return classifier.fit(x, labels).predict

    return run


def _pytorch(task: Task) -> Callable[[int], Trained]:
    import torch

    x, labels = (torch.tensor(array) for array in task.arrays[:2])
    inputs, hidden, classes = task.sizes
    loss = torch.nn.CrossEntropyLoss()

    def run(epochs: int) -> Trained:
        torch.manual_seed(0)
        model = torch.nn.Sequential(
            torch.nn.Linear(inputs, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, classes)
        )
        optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
        for epoch in range(epochs):
            for rows in _order(task, epoch):
                batch = torch.from_numpy(rows)
                optimiser.zero_grad()
                loss(model(x[batch]), labels[batch]).backward()
                optimiser.step()
        return lambda x: model(torch.tensor(x)).argmax(dim=1).numpy()

    return run


def _jax(task: Task) -> Callable[[int], Trained]:
    import jax
    import jax.numpy as jnp

    x, labels, *_ = task.arrays
    inputs, hidden, classes = task.sizes

    def outputs(params: Any, x: Any) -> Any:
        w1, b1, w2, b2 = params
        return jax.nn.relu(x @ w1 + b1) @ w2 + b2

    def loss(params: Any, x: Any, labels: Any) -> Any:
        logs = jax.nn.log_softmax(outputs(params, x))
        return -jnp.mean(logs[jnp.arange(len(labels)), labels])

    def step(params: Any, means: Any, squares: Any, t: Any, x: Any, labels: Any) -> Any:
        value, gradient = jax.value_and_grad(loss)(params, x, labels)
        t = t + 1
        means = [0.9 * m + 0.1 * g for m, g in zip(means, gradient, strict=True)]
        squares = [0.999 * s + 0.001 * g * g for s, g in zip(squares, gradient, strict=True)]
        rate, root = RATE / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        params = [
            p - rate * m / (jnp.sqrt(s) / root + 1e-8)
            for p, m, s in zip(params, means, squares, strict=True)
        ]
        return params, means, squares, t, value

    compiled = jax.jit(step, donate_argnums=(0, 1, 2))

    def run(epochs: int) -> Trained:
        random = np.random.default_rng(0)
        shapes = [(inputs, hidden), (hidden,), (hidden, classes), (classes,)]
        params = [
            jnp.array(random.normal(size=shape) * np.sqrt(2 / shape[0]), x.dtype)
            if len(shape) == 2
            else jnp.zeros(shape, x.dtype)
            for shape in shapes
        ]
        state = params, [0 * p for p in params], [0 * p for p in params], jnp.zeros((), x.dtype)
        for epoch in range(epochs):
            for rows in _order(task, epoch):
                *state, _ = compiled(*state, x[rows], labels[rows])
        trained = jax.block_until_ready(state[0])
        return lambda x: np.asarray(outputs(trained, x)).argmax(axis=1)

    return run


_PEERS = {
    "chainrule": _chainrule,
    "scikit-learn": _scikit_learn,
    "PyTorch": _pytorch,
    "jax.jit": _jax,
}


def _products(task: Task) -> Callable[[], None]:
    """Return the matrix products of an epoch, as NumPy's BLAS does them."""
    x = task.arrays[0]
    inputs, hidden, classes = task.sizes
    sizes = ((inputs, hidden), (hidden, classes))
    a, b = (np.ones((task.batch, m), x.dtype) for m, _ in sizes)
    w1, w2 = (np.ones(size, x.dtype) for size in sizes)
    d1, d2 = (np.ones((task.batch, n), x.dtype) for _, n in sizes)
    rooms = [np.empty_like(y) for y in (d1, d2, w1, w2, d1)]

    def run() -> None:
        for _ in range(-(-len(x) // task.batch)):
            for left, right, room in (
                *((a, w1, rooms[0]), (b, w2, rooms[1]), (a.T, d1, rooms[2])),
                *((b.T, d2, rooms[3]), (d2, w2.T, rooms[4])),
            ):
                np.matmul(left, right, out=room)

    return run


def _convolution(rounds: int, seconds: float) -> dict[str, Any]:
    """Time a 3x3 convolution, 16 to 32 channels, with all its gradients."""
    import torch

    import chainrule as cr

    random = np.random.default_rng(0)
    x = random.normal(size=(32, 16, 28, 28)).astype(np.float32)
    upstream = random.normal(size=(32, 32, 28, 28)).astype(np.float32)
    layer = nn.Conv2d(16, 32, 3, rng=0, padding=1, dtype=np.float32)

    def total(layer: Any, x: Any, upstream: Any) -> Any:
        return np.sum(layer(x) * upstream)

    ours = cr.compile(cr.value_and_grad(total, (0, 1)))
    theirs = torch.nn.Conv2d(16, 32, 3, padding=1)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(layer.weight))
        theirs.bias.zero_()
    given, weights = torch.tensor(x, requires_grad=True), torch.tensor(upstream)

    def pytorch() -> tuple[Any, ...]:
        theirs.zero_grad()
        given.grad = None
        (theirs(given) * weights).sum().backward()
        return theirs.weight.grad, theirs.bias.grad, given.grad

    gradient, dx = ours(layer, x, upstream)[1]
    for a, b in zip((gradient.weight, gradient.bias, dx), pytorch(), strict=True):
        error = np.max(np.abs(a - b.numpy())) / np.max(np.abs(a))
        if not error < 1e-4:
            raise ValueError(f"the gradients of the convolution differ by {error:.1e}")
    calls = {"chainrule": Call(ours, (layer, x, upstream)), "PyTorch": Call(pytorch, ())}
    timings = compare(calls, rounds, seconds)
    return {
        "title": "3x3 convolution, batch 32, 28 x 28, 16 to 32 channels, forward and backward",
        "peers": {name: timing.seconds for name, timing in timings.items()},
    }
