"""`Monitor` in training loops: of plain NumPy, and in `train.fit`; and what it draws."""

from itertools import pairwise

import numpy as np
import pytest

from chainrule import nn, optim, train
from chainrule.diagnose import Monitor, diagnose

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4))
Y = np.sin(X @ RNG.normal(size=(4, 1)))


def sigmoid(h):
    return 1 / (1 + np.exp(-h))


def start(depth=2, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    sizes = [4, *[8] * depth, 1]
    return {
        f"W{k}": scale * rng.normal(size=(a, b)) / np.sqrt(a)
        for k, (a, b) in enumerate(pairwise(sizes))
    }


def gradients(params, f, slope):
    """Forward and backward by hand, as a person writes it."""
    signals, h = [X], X
    names = list(params)
    for name in names[:-1]:
        h = f(h @ params[name])
        signals.append(h)
    error = h @ params[names[-1]] - Y
    found, d = {}, 2 * error / len(X)
    for k in reversed(range(len(names))):
        found[names[k]] = signals[k].T @ d
        if k:
            d = (d @ params[names[k]].T) * slope(signals[k])
    return float(np.mean(error**2)), found, signals[1:]


def run(params, rule, steps=40, f=np.tanh, slope=lambda h: 1 - h**2, every=2):
    monitor = Monitor(every=every, share=None)
    for _ in range(steps):
        loss, g, signals = gradients(params, f, slope)
        new = {name: rule(name, p, g[name]) for name, p in params.items()}
        monitor.step(params, g, new, loss, {f"h{k}": h for k, h in enumerate(signals)})
        params = new
    return monitor


def down(rate):
    return lambda name, p, g: p - rate * g


def relu(h):
    return np.maximum(h, 0)


def test_a_healthy_loop():
    monitor = run(start(), down(0.1))
    assert monitor.report(), str(monitor.report())
    assert monitor.health == "healthy"
    assert len(monitor.history["step"]) == 20
    assert 1e-5 < monitor.history["update W0"][0] < 1e-1


@pytest.mark.parametrize(
    ("kind", "layer", "make"),
    [
        ("wrong sign", "", lambda: run(start(), down(-0.01))),
        ("not applied", "", lambda: run(start(), down(0.0))),
        ("not trained", "W1", lambda: run(start(), lambda n, p, g: p - 0.1 * g * (n != "W1"))),
        ("learning rate too small", "", lambda: run(start(), down(1e-8))),
        ("learning rate too large", "", lambda: run(start(), down(0.9))),
        ("learning rate too large", "", lambda: run(start(), down(30.0), 6)),
        ("nan", "W0", lambda: run(start(), down(1e6), f=lambda h: h, slope=np.ones_like)),
        (
            "saturated",
            "h0",
            lambda: run(start(scale=30.0), down(1e-3), f=sigmoid, slope=lambda h: h * (1 - h)),
        ),
        (
            "dead",
            "h0",
            lambda: run(start(), down(1e-3), f=lambda h: relu(h - 50), slope=lambda h: h > 0),
        ),
        (
            "vanishing",
            "W0",
            lambda: run(start(depth=8), down(0.1), f=sigmoid, slope=lambda h: h * (1 - h)),
        ),
    ],
)
def test_faults_are_named(kind, layer, make):
    with np.errstate(all="ignore"):
        report = make().report()
    assert (kind, layer) in [(f.kind, f.layer) for f in report.alarms], str(report)


def test_between_looks_nothing_but_the_loss_is_read():
    monitor = Monitor(every=5, share=None)
    for k in range(12):
        w = np.ones(3)
        asked = monitor.wants()
        assert asked == (k % 5 == 0)
        monitor.step({"w": w}, {"w": w} if asked else None, {"w": w - 0.1}, 1.0)
    assert monitor.history["step"] == [1, 6, 11]
    with pytest.raises(ValueError, match="at least 1"):
        Monitor(every=0)


def test_exploding_gradients():
    monitor = Monitor(every=1, share=None)
    params = {f"W{k}": np.eye(3) for k in range(4)}
    slopes = {name: np.full((3, 3), 1e2 ** (3 - k)) for k, name in enumerate(params)}
    monitor.step(params, slopes, {k: p - 1e-9 * slopes[k] for k, p in params.items()}, 1.0)
    (finding,) = monitor.report().alarms
    assert (finding.kind, finding.layer) == ("exploding", "W0")
    assert finding.evidence["ratio"] == pytest.approx(1e6)


def test_units_that_die_in_training_are_found_and_those_that_come_back_are_not():
    def watched(alive):
        monitor = Monitor(every=1, share=None)
        for k in range(40):
            h = np.abs(X) * alive(k)
            monitor.step({"w": X}, {"w": X}, {"w": 0.999 * X}, 1.0, {"h": h})
        return monitor.report().kinds

    assert watched(lambda k: k < 10) == ["dead"]
    assert watched(lambda k: k >= 10) == []


def test_the_time_that_looks_take_is_limited_and_both_questions_get_the_same_answer():
    monitor = Monitor(every=1, share=0.001)
    monitor._spent = 10.0  # it looked for long
    w = np.ones(3)
    assert not monitor.wants()
    monitor._spent = 0.0
    monitor.step({"w": w}, None, {"w": w}, 1.0)  # as was said before
    assert not monitor.history
    monitor.step({"w": w}, {"w": w}, {"w": w}, 1.0)
    assert monitor.history["step"] == [2]


# In fit.


def loss(model, x, y):
    return nn.squared_error(model(x), y)


def model(scale=1.0):
    def drawn(rng, shape, dtype=float):
        return scale * nn.glorot_normal(rng, shape, dtype)

    rng = np.random.default_rng(0)
    return nn.Sequential(
        *(nn.Linear(4, 8, rng=rng, weight=drawn), nn.sigmoid),
        *(nn.Linear(8, 8, rng=rng), nn.relu, nn.Linear(8, 1, rng=rng)),
    )


def fit(monitor, of=None, rate=0.01, **options):
    of = of or model()
    return train.fit(
        of, loss, (X, Y), optim.adam(rate), monitor=monitor, epochs=5, progress=False, **options
    )


def test_a_run_that_is_watched_is_the_same_bit_for_bit():
    monitor = Monitor(every=3, share=None)
    watched, alone = fit(monitor), fit(None)
    for a, b in zip(
        nn.parameters(watched.model).values(), nn.parameters(alone.model).values(), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    assert monitor.steps == 10
    assert monitor.history["step"] == [1, 4, 7, 10]
    assert monitor.report().kinds in ([], ["dead"])  # of eight units, on four batches
    assert {s.name: s.kind for s in monitor.report().profile if s.what == "activation"} == {
        "layers.0": "sigmoid",
        "layers.2": "relu",
    }
    first = X @ model().layers[0].weight  # what an update does is seen
    assert first.shape == (64, 8)
    assert 1e-4 < monitor.history["update layers.0.weight"][0] < 1e-1


def test_the_line_of_progress_ends_with_the_health(capsys):
    options = {"optimiser": optim.sgd(0.01), "validation": (X, Y), "epochs": 3}
    train.fit(model(100.0), loss, (X, Y), monitor=Monitor(), **options)
    out = capsys.readouterr().out
    assert out.splitlines()[-1].endswith("/s  saturated in layers.0")
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.filterwarnings("ignore::chainrule.train.DivergenceWarning")
def test_the_step_with_nan_is_known():
    monitor = Monitor()
    run = fit(monitor, rate=1e300)
    assert run.stopped == "not finite"
    assert monitor.health.startswith("nan in layers.")


# Pictures.


def titles(figure):
    return [axis.get_title(loc="left") for axis in figure.axes if axis.get_visible()]


def test_pictures():
    pytest.importorskip("matplotlib")
    monitor = Monitor(every=1, share=None)
    fit(monitor, model(30.0))
    figure = monitor.plot()
    assert titles(figure) == [
        "loss",
        "update to weight (1e-3 is usual)",
        "layers.0 (sigmoid)",
        "gradient of layers.0.weight, powers of ten",
        "layers.2 (relu)",
        "gradient of layers.2.weight, powers of ten",
        "gradient of layers.4.weight, powers of ten",
    ]
    shown = titles(monitor.report().plot())
    assert shown[0].startswith("layers.0 (sigmoid): ")
    assert int(shown[0].split()[-2].rstrip("%")) > 50  # saturated
    assert len(shown) == 5
    with pytest.raises(ValueError, match="has not looked at a step"):
        Monitor().plot()
    with pytest.raises(ValueError, match="no activations and no gradients"):
        diagnose(model(), loss, (X * np.nan, Y)).plot()
