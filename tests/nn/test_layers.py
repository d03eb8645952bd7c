"""Layers and losses: shapes, gradients by finite differences, compiled code, bad input."""

import copy
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn

RNG = np.random.default_rng(0)


def drawn(*shape):
    return RNG.normal(size=shape)


#: A module, and an input of it.
LAYERS = {
    "linear": (nn.Linear(3, 4, rng=0), drawn(5, 3)),
    "linear, no bias": (nn.Linear(3, 4, rng=0, bias=False), drawn(2, 5, 3)),
    "embedding": (nn.Embedding(6, 3, rng=0), np.array([[0, 5], [2, 0]])),
    "layer norm": (nn.LayerNorm(4), drawn(3, 4)),
    "conv1d": (nn.Conv1d(2, 3, 3, rng=0, stride=2, padding=1), drawn(2, 2, 7)),
    "conv2d": (nn.Conv2d(2, 3, (3, 2), rng=0), drawn(2, 2, 5, 4)),
    "conv2d, same": (nn.Conv2d(2, 3, 3, rng=0, padding="same"), drawn(2, 2, 4, 3)),
    "max pool": (nn.MaxPool2d(2), drawn(2, 2, 5, 4)),
    "average pool": (nn.AvgPool1d(3, stride=2), drawn(2, 2, 7)),
    "rnn": (nn.Recurrent(nn.RNNCell(2, 3, rng=0)), drawn(2, 4, 2)),
    "gru": (nn.Recurrent(nn.GRUCell(2, 3, rng=0)), drawn(2, 4, 2)),
    "lstm": (nn.Recurrent(nn.LSTMCell(2, 3, rng=0)), drawn(2, 4, 2)),
    "attention": (nn.MultiHeadAttention(4, heads=2, rng=0), drawn(2, 3, 4)),
    "causal attention": (nn.MultiHeadAttention(4, heads=2, rng=0, causal=True), drawn(2, 3, 4)),
    "residual": (nn.Residual(nn.Sequential(nn.Linear(3, 3, rng=0), nn.tanh)), drawn(2, 3)),
    "mlp": (
        nn.Sequential(nn.Linear(3, 5, rng=0), nn.gelu, nn.Dropout(0.5), nn.Linear(5, 2, rng=1)),
        drawn(4, 3),
    ),
}
ACTIVATIONS = {
    f.__name__: f
    for f in (
        *(nn.elu, nn.gelu, nn.leaky_relu, nn.log_softmax, nn.relu, nn.sigmoid, nn.silu),
        *(nn.softmax, nn.softplus, nn.tanh),
    )
}
LOSSES = {
    "squared_error": (nn.squared_error, drawn(4, 3), drawn(4, 3)),
    "huber": (nn.huber, 3 * drawn(4, 3), drawn(4, 3)),
    "cross_entropy": (nn.cross_entropy, drawn(4, 3), np.array([0, 2, 1, 2])),
    "cross_entropy, soft": (nn.cross_entropy, drawn(4, 3), nn.softmax(drawn(4, 3))),
    "binary_cross_entropy": (nn.binary_cross_entropy, drawn(4), np.array([0, 1, 1, 0.3])),
    "hinge": (nn.hinge, drawn(4), np.array([1, -1, 1, -1])),
}


def weighted(y):
    """Return a number in which every entry of y has a part of its own."""
    return np.sum(y * np.cos(np.arange(np.size(y))).reshape(np.shape(y)))


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_parameters_and_inputs(name):
    layer, x = LAYERS[name]

    def loss(layer, x):
        return weighted(layer(x))

    by = (0, 1) if x.dtype.kind == "f" and nn.count(layer) else (0 if nn.count(layer) else 1)
    assert cr.check_gradient(loss, layer, x, argnums=by)
    step = cr.compile(cr.value_and_grad(loss, argnums=by))
    expected = cr.value_and_grad(loss, argnums=by)(layer, x)
    for _ in range(2):
        for ours, theirs in zip(
            nn.parameters(step(layer, x)).values(), nn.parameters(expected).values(), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["conv1d", "conv2d"])
def test_gradients_of_layers_with_sizes_are_printed(name):
    layer, x = LAYERS[name]

    def loss(layer, x):
        return weighted(layer(x))

    value, found = cr.stage(loss, layer, x)(layer, x)
    expected_value, expected = cr.value_and_grad(loss, (0, 1))(layer, x)
    assert value == pytest.approx(expected_value, rel=1e-12)
    assert nn.parameters(found[0]).keys() == nn.parameters(layer).keys()
    for a, b in zip(
        [*nn.parameters(found[0]).values(), found[1]],
        [*nn.parameters(expected[0]).values(), expected[1]],
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    assert found[0].stride == layer.stride


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    f = ACTIVATIONS[name]
    x = np.linspace(-4, 4, 12).reshape(3, 4)
    assert cr.check_gradient(lambda x: weighted(f(x)), x)
    for far in (-1e4, 1e4):
        gradient = cr.grad(lambda x: weighted(f(x)))(np.array([far, 0.5]))
        assert np.isfinite(gradient).all()
    assert f(x.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    f, predicted, y = LOSSES[name]
    assert cr.check_gradient(f, predicted, y, argnums=0)
    assert np.isfinite(f(predicted * 1e4, y))
    assert np.shape(f(predicted, y)) == ()


@pytest.mark.parametrize("name", LAYERS)
def test_a_module_is_a_tree_of_its_parameters(name):
    layer, x = LAYERS[name]
    gradient = cr.grad(lambda layer: weighted(layer(x)))(layer) if nn.count(layer) else layer
    assert type(gradient) is type(layer)
    assert list(nn.parameters(gradient)) == list(nn.parameters(layer))
    same = pickle.loads(pickle.dumps(copy.deepcopy(layer)))
    np.testing.assert_array_equal(same(x), layer(x))


def test_parameters_are_named_by_their_paths():
    model = nn.Sequential(nn.Residual(nn.Linear(2, 2, rng=0)), nn.relu, nn.LayerNorm(2))
    assert list(nn.parameters(model)) == [
        *("layers.0.inner.weight", "layers.0.inner.bias"),
        *("layers.2.scale", "layers.2.shift"),
    ]
    assert [path for path, _ in nn.modules(model)] == [
        *("", "layers.0", "layers.0.inner", "layers.1", "layers.2"),
    ]
    assert nn.count(model) == 10


def test_a_module_of_ones_own():
    class Network(nn.Module):
        hidden: nn.Linear
        out: nn.Linear
        power: int = nn.static(default=2)

        def __call__(self, x):
            return self.out(self.hidden(x) ** self.power)

    model = Network(nn.Linear(2, 3, rng=0), nn.Linear(3, 1, rng=1))
    assert cr.check_gradient(lambda m, x: weighted(m(x)), model, drawn(4, 2), argnums=0)
    cubed = model.replace(power=3)
    step = cr.compile(lambda m, x: weighted(m(x)))
    x = drawn(4, 2)
    assert step(model, x) == pytest.approx(weighted(model(x)))
    assert step(cubed, x) == pytest.approx(weighted(cubed(x)))
    with pytest.raises(TypeError, match="no field depth"):
        model.replace(depth=1)
    with pytest.raises(AttributeError):
        model.power = 4


def test_float32_stays_float32():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=0, dtype=np.float32),
        nn.BatchNorm(2, dtype=np.float32),
        nn.Dropout(0.5),
        nn.MaxPool2d(2),
    )
    state = nn.initial_state(model)

    def loss(model, x):
        context = nn.Training(model, state, nn.key(0))
        return np.mean(model(x, context)), context.state

    gradient, after = cr.grad(loss, has_aux=True)(model, drawn(3, 1, 6, 6).astype(np.float32))
    assert {p.dtype for p in nn.parameters(gradient).values()} == {np.dtype(np.float32)}
    assert {p.dtype for p in nn.parameters(after).values()} == {np.dtype(np.float32)}


# Context: keys and running statistics.


def test_dropout_drops_at_its_rate_keeps_the_mean_and_can_be_repeated():
    layer, x = nn.Dropout(0.3), np.ones(20_000)
    first, again, other = (layer(x, nn.Training(layer, key=nn.key(seed))) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.mean(first == 0) == pytest.approx(0.3, abs=0.02)
    assert np.mean(first) == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, nn.Evaluation(layer)), x)
    two = nn.Sequential(layer, layer)
    y = two(x, nn.Training(two, key=nn.key(0)))
    assert np.mean(y == 0) == pytest.approx(1 - 0.49, abs=0.02)  # each layer draws its own


def test_compiled_dropout_draws_anew_by_each_key():
    layer, x = nn.Dropout(0.5), drawn(4, 50)

    def loss(x, key):
        return np.sum(layer(x, nn.Training(layer, key=key)) ** 2)

    step = cr.compile(cr.value_and_grad(loss))
    for seed in range(5):
        value, gradient = step(x, nn.key(seed))
        expected, wanted = cr.value_and_grad(loss)(x, nn.key(seed))
        assert value == pytest.approx(expected)
        np.testing.assert_allclose(gradient, wanted)


def test_batch_norm_trains_by_the_batch_and_predicts_by_running_statistics():
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm(4))
    state, x = nn.initial_state(model), drawn(8, 3)
    assert list(state) == ["layers.1"]

    def loss(model, state, x):
        context = nn.Training(model, state)
        return weighted(model(x, context) ** 3), context.state

    assert cr.check_gradient(lambda m, x: loss(m, state, x)[0], model, x, argnums=(0, 1))
    step = cr.compile(cr.grad(loss, has_aux=True))
    for _ in range(200):
        _, state = step(model, state, x)
    h = model.layers[0](x)
    np.testing.assert_allclose(state["layers.1"]["mean"], h.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(state["layers.1"]["variance"], h.var(axis=0, ddof=1), rtol=1e-6)
    y = model(x, nn.Evaluation(model, state))
    np.testing.assert_allclose(y, (h - h.mean(0)) / np.sqrt(h.var(0, ddof=1) + 1e-5), rtol=1e-5)


# Initial weights.


@pytest.mark.parametrize(
    ("initialiser", "variance"),
    [
        (nn.glorot_normal, 2 / 500),
        (nn.glorot_uniform, 2 / 500),
        (nn.he_normal, 2 / 300),
        (nn.he_uniform, 2 / 300),
        (nn.lecun_normal, 1 / 300),
        (nn.lecun_uniform, 1 / 300),
    ],
)
def test_initial_weights_have_their_variance(initialiser, variance):
    weights = initialiser(0, (300, 200))
    assert np.var(weights) == pytest.approx(variance, rel=0.03)
    assert abs(np.mean(weights)) < 3 * np.sqrt(variance / weights.size)
    np.testing.assert_array_equal(weights, initialiser(0, (300, 200)))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (8, 2, 3, 3)])
def test_orthogonal_weights(shape):
    w = nn.orthogonal(0, shape).reshape(shape[0], -1)
    small = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-12)


# Bad input.


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nn.squared_error(drawn(4), drawn(4, 1)), r"\(4,\) and \(4, 1\)"),
        (lambda: nn.cross_entropy(drawn(4, 3), np.zeros(4)), "float64 of shape"),
        (lambda: nn.cross_entropy(drawn(4, 3), np.zeros(5, int)), r"labels of shape \(4,\)"),
        (lambda: nn.cross_entropy(drawn(4, 3), np.array([0, 1, 2, 3])), "from 0 to 3"),
        (lambda: nn.Conv2d(3, 8, 3, rng=0)(drawn(2, 1, 9, 9)), "made for 3 channels, got 1"),
        (lambda: nn.Conv2d(3, 8, 3, rng=0)(drawn(3, 9, 9)), r"\(batch, channels, height, width\)"),
        (lambda: nn.Conv2d(1, 8, 5, rng=0)(drawn(2, 1, 4, 9)), "do not fit"),
        (lambda: nn.Conv1d(1, 8, 4, rng=0, padding="same"), "odd kernels"),
        (lambda: nn.Conv1d(1, 8, 4, rng=0, padding="full"), "'same'"),
        (lambda: nn.MaxPool2d((2, 2, 2)), "2 numbers"),
        (lambda: nn.Dropout(1.0), "without 1"),
        (lambda: nn.MultiHeadAttention(10, heads=3, rng=0), "cannot be shared out"),
        (lambda: nn.Recurrent(nn.RNNCell(2, 3, rng=0))(drawn(4, 2)), r"\(batch, time, inputs\)"),
        (lambda: nn.he_normal(0, (3,)), "no inputs and outputs"),
        (lambda: nn.Sequential(nn.Linear(2, 2, rng=0), 3), "a module or a function, got 3"),
        (lambda: nn.BatchNorm(3)(drawn(4, 3)), "call the model with a context"),
        (lambda: nn.Dropout()(drawn(3), nn.Training(nn.Dropout())), "has no key"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises((ValueError, TypeError, LookupError), match=words):
        call()


def test_a_context_of_another_model_or_without_statistics():
    layer, other = nn.BatchNorm(3), nn.BatchNorm(3)
    with pytest.raises(LookupError, match="no part of the model"):
        layer(drawn(4, 3), nn.Training(other, nn.initial_state(other)))
    with pytest.raises(LookupError, match="initial_state"):
        layer(drawn(4, 3), nn.Training(layer))
    with pytest.raises(ValueError, match="no variance"):
        layer(drawn(1, 3), nn.Training(layer, nn.initial_state(layer)))
