"""Programs with one fault each, and healthy ones: dense, convolutional and recurrent."""

from itertools import pairwise

import numpy as np

from chainrule import nn, optim

KINDS_OF_NETWORK = ("dense", "deep", "convolutional", "recurrent")


def data(network, seed, task="classes", n=240):
    """Return inputs and targets that a small network can learn."""
    rng = np.random.default_rng([seed, KINDS_OF_NETWORK.index(network)])
    if network == "convolutional":
        labels = rng.integers(0, 3, n)
        x = 0.5 * rng.normal(size=(n, 1, 8, 8))
        for k, label in enumerate(labels):
            i, j = rng.integers(0, 5, 2)
            if label == 0:
                x[k, 0, i, :] += 2
            elif label == 1:
                x[k, 0, :, j] += 2
            else:
                x[k, 0, i : i + 3, j : j + 3] += 1.5
        score = x[:, 0, :4].mean(axis=(1, 2)) - x[:, 0, 4:].mean(axis=(1, 2))
    elif network == "recurrent":
        x = rng.normal(size=(n, 10, 2))
        score = x[:, -4:, 0].sum(axis=1) / 2
        labels = np.digitize(score, [-0.5, 0.5])
    else:
        x = rng.normal(size=(n, 6))
        score = x[:, 0] * 1.5 + np.sin(2 * x[:, 1])
        labels = np.digitize(score, [-0.7, 0.7])
    if task == "classes":
        return x, labels
    return x, ((score - score.mean()) / score.std()).reshape(-1, 1)


class Last(nn.Module):
    """The last turn of a recurrent layer."""

    layer: nn.Recurrent

    def __call__(self, x):
        return self.layer(x)[:, -1]


class Flat(nn.Module):
    def __call__(self, x):
        return x.reshape(len(x), -1)


def layers(network, seed, outputs=3, activation=nn.relu, weight=None, dtype=np.float64):
    """Return the layers of a small network."""
    rng = np.random.default_rng([seed, 7])
    made = {"rng": rng, "dtype": dtype}
    if weight is not None:
        made["weight"] = weight
    plain = {"rng": rng, "dtype": dtype}
    if network == "convolutional":
        return [
            *(nn.Conv2d(1, 6, 3, **made), activation, nn.MaxPool2d(2), Flat()),
            *(nn.Linear(54, 16, **made), activation, nn.Linear(16, outputs, **plain)),
        ]
    if network == "recurrent":
        return [Last(nn.Recurrent(nn.RNNCell(2, 12, **plain))), nn.Linear(12, outputs, **plain)]
    if network == "deep":
        sizes = [6, 16, 16, 16, 16]
        hidden = [
            part for a, b in pairwise(sizes) for part in (nn.Linear(a, b, **made), activation)
        ]
        return [*hidden, nn.Linear(16, outputs, **plain)]
    return [
        *(nn.Linear(6, 24, **made), activation, nn.Linear(24, 12, **made), activation),
        nn.Linear(12, outputs, **plain),
    ]


def cross_entropy(model, x, labels):
    return nn.cross_entropy(model(x), labels)


def squared(model, x, y):
    return nn.squared_error(model(x), y)


def with_context(model, x, labels, context):
    return nn.cross_entropy(model(x, context), labels)


def program(network, seed, task="classes", **changes):
    """Return what `diagnose` is called with, healthy but for the changes."""
    activation = changes.pop("activation", nn.relu)
    weight = changes.pop("weight", None)
    outputs = 3 if task == "classes" else 1
    parts = layers(network, seed, outputs, activation, weight)
    found = {
        "model": nn.Sequential(*parts),
        "loss": cross_entropy if task == "classes" else squared,
        "data": data(network, seed, task),
        "optimiser": optim.adam(3e-3),
    }
    return {**found, **changes}


# Healthy ones.


def normalised(network, seed):
    first, activation, *rest = layers(network, seed)
    features = 6 if network == "convolutional" else 24
    parts = [first, nn.BatchNorm(features), activation, *rest[:-1], nn.Dropout(0.2), rest[-1]]
    return program(network, seed, model=nn.Sequential(*parts), loss=with_context)


def gated(cell, seed):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(Last(nn.Recurrent(cell(2, 12, rng=rng))), nn.Linear(12, 3, rng=rng))
    return program("recurrent", seed, model=model)


def attentive(seed):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        *(nn.Linear(2, 8, rng=rng), nn.Residual(nn.MultiHeadAttention(8, heads=2, rng=rng))),
        *(nn.LayerNorm(8), Flat(), nn.Linear(80, 3, rng=rng)),
    )
    return program("recurrent", seed, model=model)


def digits(seed):
    from sklearn.datasets import load_digits

    x, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(64, 32, rng=rng), nn.relu, nn.Linear(32, 10, rng=rng))
    return {
        "model": model,
        "loss": cross_entropy,
        "data": (x[:600] / 16, labels[:600]),
        "optimiser": optim.adam(1e-3),
    }


def binary(seed):
    x, labels = data("dense", seed)
    y = (labels == 1).astype(float).reshape(-1, 1)
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(6, 16, rng=rng), nn.tanh, nn.Linear(16, 1, rng=rng))

    def loss(model, x, y):
        return nn.binary_cross_entropy(model(x), y)

    return {"model": model, "loss": loss, "data": (x, y), "optimiser": optim.adam(3e-3)}


def by_hand(seed):
    rng = np.random.default_rng(seed)
    params = {
        "W1": rng.normal(size=(6, 16)) / np.sqrt(6),
        "b1": np.zeros(16),
        "W2": rng.normal(size=(16, 1)) / 4,
        "b2": np.zeros(1),
    }

    def loss(params, x, y):
        h = 1 / (1 + np.exp(-(x @ params["W1"] + params["b1"])))
        return np.mean((h @ params["W2"] + params["b2"] - y) ** 2)

    def step(params, x, y):
        import chainrule as cr

        g = cr.grad(loss)(params, x, y)
        return {name: p - 0.1 * g[name] for name, p in params.items()}

    return {"model": params, "loss": loss, "data": data("dense", seed, "numbers"), "step": step}


def columns_are_examples(seed):
    """A network of ``W @ x``: signals have a column for each example."""
    rng = np.random.default_rng(seed)
    params = {
        "A": rng.normal(size=(16, 6)) / np.sqrt(3),
        "a": np.zeros((16, 1)),
        "B": rng.normal(size=(3, 16)) / 4,
        "b": np.zeros((3, 1)),
    }

    def loss(params, x, labels):
        h = np.maximum(0, params["A"] @ x.T + params["a"])
        return nn.cross_entropy((params["B"] @ h + params["b"]).T, labels)

    examples = data("dense", seed, n=300)  # the last look has other examples than the first
    return {"model": params, "loss": loss, "data": examples, "optimiser": optim.adam(3e-3)}


def logistic(seed):
    """A linear model that begins with zeros, as its one minimum allows, on balanced classes."""
    x = np.random.default_rng(seed).normal(size=(240, 4))
    labels = np.argsort(np.argsort(x[:, 0] + x[:, 1])) // 80
    params = {"W": np.zeros((4, 3)), "b": np.zeros(3)}

    def loss(params, x, labels):
        return nn.cross_entropy(x @ params["W"] + params["b"], labels)

    return {"model": params, "loss": loss, "data": (x, labels), "optimiser": optim.sgd(0.5)}


def ridge(seed):
    """A linear regression with noise: it has fewer parameters than it is asked to learn."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(200, 5))
    y = x @ rng.normal(size=5) + rng.normal(size=200)

    def loss(params, x, y):
        return np.mean((x @ params["w"] + params["c"] - y) ** 2) + 0.01 * np.sum(params["w"] ** 2)

    params = {"w": 0.1 * rng.normal(size=5), "c": np.zeros(())}
    return {"model": params, "loss": loss, "data": (x, y), "optimiser": optim.sgd(0.1)}


def gates_by_hand(seed):
    """An LSTM with a matrix for each gate: these stand beside one another."""
    rng = np.random.default_rng(seed)
    params = {k: rng.normal(size=(10, 8)) / np.sqrt(10) for k in ("Wi", "Wf", "Wo", "Wg")}
    params |= {"bf": np.ones(8), "out": 0.3 * rng.normal(size=(8, 3))}

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def loss(params, x, labels):
        h = c = np.zeros((len(x), 8))
        for t in range(x.shape[1]):
            v = np.concatenate([x[:, t], h], axis=1)
            new = sigmoid(v @ params["Wi"]) * np.tanh(v @ params["Wg"])
            c = sigmoid(v @ params["Wf"] + params["bf"]) * c + new
            h = sigmoid(v @ params["Wo"]) * np.tanh(c)
        return nn.cross_entropy(h @ params["out"], labels)

    examples = data("recurrent", seed)
    return {"model": params, "loss": loss, "data": examples, "optimiser": optim.adam(1e-2)}


def likelihood_by_hand(seed):
    """A binary cross-entropy of a sigmoid, written out: its targets are multiplied."""
    made = by_hand(seed)

    def loss(params, x, y):
        h = np.tanh(x @ params["W1"] + params["b1"])
        q = 1 / (1 + np.exp(-(h @ params["W2"] + params["b2"])))
        return -np.mean(y * np.log(q + 1e-9) + (1 - y) * np.log(1 - q + 1e-9))

    x, y = made["data"]
    examples = x, (y > 0).astype(float)
    return {**made, "loss": loss, "data": examples, "step": None, "optimiser": optim.adam(1e-2)}


HEALTHY = {
    "dense": lambda seed: program("dense", seed),
    "dense, tanh": lambda seed: program(
        "dense", seed, activation=nn.tanh, weight=nn.glorot_uniform
    ),
    "dense, regression": lambda seed: program("dense", seed, "numbers"),
    "deep": lambda seed: program("deep", seed),
    "deep, gelu": lambda seed: program("deep", seed, activation=nn.gelu),
    "convolutional": lambda seed: program("convolutional", seed),
    "convolutional, normalised": lambda seed: normalised("convolutional", seed),
    "dense, dropout": lambda seed: normalised("dense", seed),
    "recurrent": lambda seed: program("recurrent", seed),
    "lstm": lambda seed: gated(nn.LSTMCell, seed),
    "gru": lambda seed: gated(nn.GRUCell, seed),
    "attention": attentive,
    "digits": digits,
    "binary": binary,
    "by hand": by_hand,
    "columns are examples": columns_are_examples,
    "logistic, zeros": logistic,
    "ridge": ridge,
    "gates by hand": gates_by_hand,
    "likelihood by hand": likelihood_by_hand,
}

# Faults: name -> (kind, layer or None where it is the whole, program of (network, seed)).


def scaled(factor):
    def initialiser(rng, shape, dtype=float):
        return factor * nn.he_normal(rng, shape, dtype)

    return initialiser


def change(model, path, f):
    """Return a model with one parameter changed."""
    name, *rest = path.split(".")
    if isinstance(model, tuple):
        k = int(name)
        return (
            *model[:k],
            change(model[k], ".".join(rest), f) if rest else f(model[k]),
            *model[k + 1 :],
        )
    value = getattr(model, name)
    return model.replace(**{name: change(value, ".".join(rest), f) if rest else f(value)})


FIRST = {
    "dense": "layers.0",
    "deep": "layers.0",
    "convolutional": "layers.0",
    "recurrent": "layers.0.layer.cell",
}
LAST = {
    "dense": "layers.4",
    "deep": "layers.8",
    "convolutional": "layers.6",
    "recurrent": "layers.1",
}


def with_data(network, seed, f, task="classes"):
    made = program(network, seed, task)
    return {**made, "data": f(*made["data"], np.random.default_rng(seed))}


def first_weight(network):
    return f"{FIRST[network]}.{'input_weight' if network == 'recurrent' else 'weight'}"


def changed(network, seed, path, f, **options):
    made = program(network, seed, **options)
    return {**made, "model": change(made["model"], path, f)}


def with_step(network, seed, rule, task="classes"):
    import chainrule as cr

    made = program(network, seed, task)
    loss, model = made["loss"], made["model"]
    del made["optimiser"]
    gradient = cr.compile(cr.grad(loss))

    def step(model, *batch):
        return rule(model, gradient(model, *batch))

    return {**made, "step": step, "model": model}


def sgd(rate, only=None):
    from chainrule import trees

    def rule(model, gradient):
        names = list(nn.parameters(model))
        leaves, build = trees.flatten(model)
        slopes, _ = trees.flatten(gradient)
        keep = [only is not None and only in name for name in names]
        return build(
            [p if kept else p - rate * g for p, g, kept in zip(leaves, slopes, keep, strict=True)]
        )

    return rule


def wrong_gradient(network, seed):
    import chainrule as cr

    made = program(network, seed)
    path = first_weight(network)

    def gradient(model, *batch):
        return change(cr.grad(made["loss"])(model, *batch), path, lambda g: -g)

    return {**made, "gradient": gradient}


def own_random_dropout(network, seed):
    parts = layers(network, seed)
    model = nn.Sequential(*parts[:-1], nn.Dropout(0.4), parts[-1])
    count = iter(range(1, 10**9))

    def loss(model, x, labels, context):
        always = nn.Training(model, {}, nn.key(next(count)))
        return nn.cross_entropy(model(x, always), labels)

    return program(network, seed, model=model, loss=loss)


def dropout_without_context(network, seed):
    parts = layers(network, seed)
    model = nn.Sequential(*parts[:-1], nn.Dropout(0.4), parts[-1])
    return program(network, seed, model=model)


def dropout_never(network, seed):
    parts = layers(network, seed)
    model = nn.Sequential(*parts[:-1], nn.Dropout(0.4), parts[-1])

    def loss(model, x, labels, context):
        return nn.cross_entropy(model(x), labels)

    return program(network, seed, model=model, loss=loss)


def explicit(model, x, labels):
    p = nn.softmax(model(x))
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))


def raw_log(model, x, labels):
    p = model(x)
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))


def twice(model, x, labels):
    return nn.cross_entropy(nn.softmax(model(x)), labels)


def summed(model, x, labels):
    return nn.cross_entropy(model(x), labels) * len(x)


def penalty(factor):
    def loss(model, x, labels):
        size = sum(np.sum(w**2) for w in nn.parameters(model).values())
        return nn.cross_entropy(model(x), labels) + factor * size

    return loss


def same_input(model, x, labels):
    return nn.cross_entropy(model(np.ones_like(x)), labels)


def half_precision(network, seed):
    made = program(network, seed, "numbers")
    x, y = made["data"]
    model = nn.Sequential(*layers(network, seed, 1, dtype=np.float32))

    def loss(model, x, y):
        offset = np.float32(1e7)
        return np.mean(((model(x) + offset) - (y + offset)) ** 2)

    return {
        **made,
        "model": model,
        "loss": loss,
        "data": (x.astype(np.float32), y.astype(np.float32)),
    }


def exponentials(z):
    e = np.exp(z)
    return e / np.sum(e, axis=-1, keepdims=True)


def twice_by_hand(model, x, labels):
    p = exponentials(exponentials(model(x)))
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))


def clipped_log(model, x, labels):
    p = np.clip(model(x), 1e-7, 1 - 1e-7)
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))


def nothing_of_infinity(model, x, labels):
    p, wanted = nn.softmax(2e3 * model(x)), np.eye(3)[labels]
    return -np.mean(wanted * np.log(p) + (1 - wanted) * np.log(1 - p))


def sigmoid_twice(network, seed):
    made = binary(seed)

    def loss(model, x, y):
        p = 1 / (1 + np.exp(-model(x)))
        return nn.binary_cross_entropy(p[:, 0], y[:, 0])

    return {**made, "loss": loss}


def log_of_negative(model, x, labels):
    h = model(x)
    return np.mean(np.log(h[np.arange(len(labels)), labels] - 1e3))


def exploding_inf(model, x, labels):
    return np.mean(np.exp(1e3 * model(x) ** 2))


def rare_column(network, seed):
    made = binary(seed)
    x, y = made["data"]
    keep = (y[:, 0] == 0) | (np.cumsum(y[:, 0]) <= 2)
    return {**made, "data": (x[keep], y[keep])}


def growing(network, seed):
    """A recurrent network in plain NumPy whose turns double its state."""
    rng = np.random.default_rng(seed)
    params = {
        "Wx": rng.normal(size=(2, 8)),
        "Wh": 3 * np.linalg.qr(rng.normal(size=(8, 8)))[0],
        "Wo": rng.normal(size=(8, 3)) / 1e5,
    }

    def loss(params, x, labels):
        state = np.zeros((len(x), 8))
        for t in range(10):
            state = x[:, t] @ params["Wx"] + state @ params["Wh"]
        return nn.cross_entropy(state @ params["Wo"], labels)

    return {"model": params, "loss": loss, "data": data("recurrent", seed)}


def without_last_column(model, x, labels):
    return nn.cross_entropy(model(x * (np.arange(6) < 5)), labels)


def softmax_of_one(model, x, y):
    return np.mean((nn.softmax(model(x)) - (y > 0)) ** 2)


def score_of_class(model, x, labels):
    return -np.mean(model(x)[np.arange(len(labels)), labels])


def likelihood(model, x, labels):
    return np.mean(nn.log_softmax(model(x))[np.arange(len(labels)), labels])


def squares_off(model, x, y):
    return -np.mean((model(x) - y) ** 2)


def reconstruction(network, seed):
    """An autoencoder whose output is between 0 and 1, of data that are not."""
    made = program("dense", seed, model=nn.Sequential(*layers("dense", seed, 6)))

    def loss(model, x):
        return np.mean((nn.sigmoid(model(x)) - x) ** 2)

    return {**made, "loss": loss, "data": made["data"][:1]}


def positive_weights(network, seed):
    """Weights of `W @ x` that were drawn between 0 and 1: signals grow by their mean."""
    made = columns_are_examples(seed)
    rng = np.random.default_rng(seed)
    drawn = {"A": rng.uniform(0, 1, (16, 6)), "B": rng.uniform(0, 9, (3, 16))}
    return {**made, "model": made["model"] | drawn}


def alike_rows(network, seed):
    """Weights of `W @ x` whose rows, the units, are all the same."""
    made = columns_are_examples(seed)
    model = made["model"]
    same = {"A": np.tile(model["A"][:1], (16, 1)), "B": np.full((3, 16), 0.1)}
    return {**made, "model": model | same}


DENSE = ("dense", "convolutional", "recurrent")
STACKED = ("dense", "deep", "convolutional")

FAULTS = {
    "nan in data": (
        "nan",
        "data[0]",
        DENSE,
        lambda k, s: with_data(
            k, s, lambda x, y, r: (np.where(r.random(x.shape) < 0.01, np.nan, x), y)
        ),
    ),
    "nan": ("nan", None, DENSE, lambda k, s: program(k, s, loss=log_of_negative)),
    "nan of inf": ("nan", "last", DENSE, lambda k, s: program(k, s, loss=nothing_of_infinity)),
    "inf": ("inf", None, DENSE, lambda k, s: program(k, s, loss=exploding_inf)),
    "input not used": (
        "data not used",
        "data[0]",
        DENSE,
        lambda k, s: program(k, s, loss=same_input),
    ),
    "shuffled labels": (
        "unrelated labels",
        None,
        DENSE,
        lambda k, s: with_data(k, s, lambda x, y, r: (x, r.permutation(y))),
    ),
    "shifted labels": (
        "unrelated labels",
        None,
        DENSE,
        lambda k, s: with_data(k, s, lambda x, y, r: (x, np.roll(y, 1))),
    ),
    "constant features": (
        "constant features",
        None,
        ("dense", "deep"),
        lambda k, s: with_data(
            k, s, lambda x, y, r: (np.hstack([x[:, :3], np.full((len(x), 3), 2.0)]), y)
        ),
    ),
    "constant image": (
        "constant features",
        None,
        ("convolutional", "recurrent"),
        lambda k, s: with_data(
            k, s, lambda x, y, r: (np.where(np.arange(x.shape[-1]) >= 1, 1.0, x), y)
        ),
    ),
    "unscaled": (
        "unscaled features",
        None,
        DENSE,
        lambda k, s: with_data(k, s, lambda x, y, r: (100 * x + 300, y)),
    ),
    "one feature large": (
        "unscaled features",
        None,
        ("dense", "deep"),
        lambda k, s: with_data(
            k, s, lambda x, y, r: (x * np.where(np.arange(6) == 2, 1e4, 1.0), y)
        ),
    ),
    "unbalanced": (
        "unbalanced labels",
        None,
        DENSE,
        lambda k, s: with_data(
            k,
            s,
            lambda x, y, r: (lambda keep: (x[keep], y[keep]))((y != 1) | (np.cumsum(y == 1) <= 2)),
        ),
    ),
    "unbalanced column": ("unbalanced labels", None, ("dense",), rare_column),
    "targets far off": (
        "initial loss",
        "last",
        ("dense",),
        lambda k, s: with_data(k, s, lambda x, y, r: (x, y + 100), "numbers"),
    ),
    "targets of another size": (
        "initial loss",
        "last",
        ("dense",),
        lambda k, s: with_data(k, s, lambda x, y, r: (x, 77 * y + 152), "numbers"),
    ),
    "nothing goes in": (
        "data not used",
        "data[0]",
        STACKED,
        lambda k, s: program(k, s, loss=lambda m, x, y: nn.cross_entropy(m(0 * x), y)),
    ),
    "half an image": (
        "data not used",
        "data[0]",
        ("convolutional",),
        lambda k, s: program(
            k,
            s,
            loss=lambda m, x, y: nn.cross_entropy(m(x * (np.arange(8) < 4)), y),
        ),
    ),
    "exploding by hand": ("exploding", "Wh", ("recurrent",), growing),
    "softmax twice": ("softmax twice", "last", DENSE, lambda k, s: program(k, s, loss=twice)),
    "softmax layer": (
        "softmax twice",
        "last",
        STACKED,
        lambda k, s: program(k, s, model=nn.Sequential(*layers(k, s), nn.softmax)),
    ),
    "softmax twice by hand": (
        "softmax twice",
        "last",
        DENSE,
        lambda k, s: program(k, s, loss=twice_by_hand),
    ),
    "sigmoid twice": ("softmax twice", "layers.2", ("dense",), sigmoid_twice),
    "clipped logits": (
        "missing softmax",
        "last",
        DENSE,
        lambda k, s: program(k, s, loss=clipped_log),
    ),
    "missing softmax": ("missing softmax", "last", DENSE, lambda k, s: program(k, s, loss=raw_log)),
    "output relu": (
        "output range",
        "last",
        DENSE,
        lambda k, s: program(k, s, "numbers", model=nn.Sequential(*layers(k, s, 1), nn.relu)),
    ),
    "output sigmoid": (
        "output range",
        "last",
        DENSE,
        lambda k, s: program(k, s, "numbers", model=nn.Sequential(*layers(k, s, 1), nn.sigmoid)),
    ),
    "output softplus": (
        "output range",
        "last",
        DENSE,
        lambda k, s: program(k, s, "numbers", model=nn.Sequential(*layers(k, s, 1), nn.softplus)),
    ),
    "summed": ("summed loss", None, DENSE, lambda k, s: program(k, s, loss=summed)),
    "dropout in prediction": ("mode", None, DENSE, own_random_dropout),
    "no context": ("mode", None, DENSE, dropout_without_context),
    "context not handed on": ("mode", None, DENSE, dropout_never),
    "wrong gradient": ("wrong gradient", "first weight", DENSE, wrong_gradient),
    "zeros": (
        "symmetry",
        "first",
        STACKED,
        lambda k, s: changed(k, s, first_weight(k), np.zeros_like),
    ),
    "constants": (
        "symmetry",
        "first",
        STACKED,
        lambda k, s: program(k, s, weight=lambda rng, shape, dtype=float: np.full(shape, 0.1)),
    ),
    "small weights": (
        "initial variance",
        "first",
        STACKED,
        lambda k, s: program(k, s, weight=scaled(0.01)),
    ),
    "large weights": (
        "initial variance",
        "first",
        STACKED,
        lambda k, s: program(k, s, weight=scaled(12.0)),
    ),
    "saturated": (
        "saturated",
        "first",
        ("dense", "deep", "recurrent"),
        lambda k, s: changed(k, s, first_weight(k), lambda w: 12 * w, activation=nn.sigmoid),
    ),
    "dead": (
        "dead",
        "first",
        STACKED,
        lambda k, s: changed(k, s, f"{FIRST[k]}.bias", lambda b: b - 50),
    ),
    "vanishing": (
        "vanishing",
        "first",
        ("deep",),
        lambda k, s: program(
            k,
            s,
            activation=nn.sigmoid,
            model=nn.Sequential(
                *layers("deep", s, 3, nn.sigmoid, nn.glorot_uniform)[:-1],
                *[
                    p
                    for q in range(6)
                    for p in (nn.Linear(16, 16, rng=q, weight=nn.glorot_uniform), nn.sigmoid)
                ],
                nn.Linear(16, 3, rng=s),
            ),
        ),
    ),
    "sigmoids": (
        "vanishing",
        "first",
        ("deep",),
        lambda k, s: program(
            k,
            s,
            model=nn.Sequential(
                *layers("deep", s, 3, nn.sigmoid)[:-1],
                *[p for q in range(3) for p in (nn.Linear(16, 16, rng=q), nn.sigmoid)],
                nn.Linear(16, 3, rng=s),
            ),
        ),
    ),
    "exploding": (
        "exploding",
        "first",
        ("deep",),
        lambda k, s: program(
            k,
            s,
            model=nn.Sequential(
                *layers("deep", s)[:-1],
                *[
                    p
                    for q in range(6)
                    for p in (nn.Linear(16, 16, rng=q, weight=scaled(4.0)), nn.relu)
                ],
                nn.Linear(16, 3, rng=s),
            ),
        ),
    ),
    "vanishing in time": (
        "vanishing",
        "first",
        ("recurrent",),
        lambda k, s: changed(k, s, "layers.0.layer.cell.hidden_weight", lambda w: 0.3 * w),
    ),
    "sure at the start": (
        "initial loss",
        "last",
        DENSE,
        lambda k, s: changed(k, s, f"{LAST[k]}.bias", lambda b: b + np.array([30.0, 0, 0])),
    ),
    "last weights large": (
        "initial loss",
        "last",
        STACKED,
        lambda k, s: changed(k, s, f"{LAST[k]}.weight", lambda w: 200 * w),
    ),
    "wrong sign": ("wrong sign", None, DENSE, lambda k, s: with_step(k, s, sgd(-0.1))),
    "not applied": ("not applied", None, DENSE, lambda k, s: with_step(k, s, lambda m, g: m)),
    "not trained": (
        "not trained",
        "first weight",
        DENSE,
        lambda k, s: with_step(k, s, sgd(0.1, only=first_weight(k))),
    ),
    "momentum": (
        "momentum",
        None,
        DENSE,
        lambda k, s: program(k, s, optimiser=optim.momentum(1e-3, 0.999)),
    ),
    "betas swapped": (
        "momentum",
        None,
        DENSE,
        lambda k, s: program(k, s, optimiser=optim.adam(3e-3, b1=0.999, b2=0.9)),
    ),
    "decay": (
        "weight decay",
        None,
        DENSE,
        lambda k, s: program(
            k, s, optimiser=optim.chain(optim.weight_decay(10.0), optim.sgd(0.01))
        ),
    ),
    "decoupled": (
        "weight decay",
        None,
        DENSE,
        lambda k, s: program(k, s, optimiser=optim.adamw(3e-3, weight_decay=50.0)),
    ),
    "penalty": ("weight decay", None, DENSE, lambda k, s: program(k, s, loss=penalty(5.0))),
    "rate too large": (
        "learning rate too large",
        None,
        DENSE,
        lambda k, s: program(k, s, optimiser=optim.adam(1.0)),
    ),
    "rate far too large": (
        "learning rate too large",
        None,
        DENSE,
        lambda k, s: program(k, s, optimiser=optim.sgd(30.0)),
    ),
    "rate too small": (
        "learning rate too small",
        None,
        DENSE,
        lambda k, s: program(k, s, optimiser=optim.adam(1e-7)),
    ),
    "rate far too small": (
        "learning rate too small",
        None,
        DENSE,
        lambda k, s: program(k, s, optimiser=optim.sgd(1e-5)),
    ),
    "contradictions": (
        "cannot overfit",
        None,
        DENSE,
        lambda k, s: with_data(
            k,
            s,
            lambda x, y, r: (
                x[np.arange(len(x)) % 3],
                np.where(r.random(len(x)) < 0.5, np.arange(len(x)) % 3, y),
            ),
        ),
    ),
    "float32": ("precision", None, DENSE, half_precision),
    "score of the class": (
        "missing softmax",
        "last",
        DENSE,
        lambda k, s: program(k, s, loss=score_of_class),
    ),
    "likelihood": ("wrong sign", None, DENSE, lambda k, s: program(k, s, loss=likelihood)),
    "squares off": (
        "wrong sign",
        None,
        DENSE,
        lambda k, s: program(k, s, "numbers", loss=squares_off),
    ),
    "softmax of one": (
        "output range",
        "last",
        DENSE,
        lambda k, s: program(k, s, "numbers", loss=softmax_of_one),
    ),
    "reconstruction": ("output range", "layers.4", ("dense",), reconstruction),
    "positive weights": ("initial variance", "B", ("dense",), positive_weights),
    "alike rows": ("symmetry", "A", ("dense",), alike_rows),
    "one column of a table cut off": (
        "data not used",
        "data[0]",
        ("dense",),
        lambda k, s: program(k, s, loss=without_last_column),
    ),
}


def place(where, network):
    """Return the layer that a fault of a network lies in."""
    if where == "first":
        return FIRST[network]
    if where == "first weight":
        return first_weight(network)
    if where == "last":
        return LAST[network]
    return where
