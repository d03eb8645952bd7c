"""`Monitor` in training loops of plain NumPy."""

from itertools import pairwise

import numpy as np
import pytest

from chainrule.diagnose import Monitor

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
    monitor = Monitor(every=every)
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
    monitor = Monitor(every=5)
    for k in range(12):
        w = np.ones(3)
        asked = monitor.wants()
        assert asked == (k % 5 == 0)
        monitor.step({"w": w}, {"w": w} if asked else None, {"w": w - 0.1}, 1.0)
    assert monitor.history["step"] == [1, 6, 11]
    with pytest.raises(ValueError, match="at least 1"):
        Monitor(every=0)


def test_exploding_gradients():
    monitor = Monitor(every=1)
    params = {f"W{k}": np.eye(3) for k in range(4)}
    slopes = {name: np.full((3, 3), 1e2 ** (3 - k)) for k, name in enumerate(params)}
    monitor.step(params, slopes, {k: p - 1e-9 * slopes[k] for k, p in params.items()}, 1.0)
    (finding,) = monitor.report().alarms
    assert (finding.kind, finding.layer) == ("exploding", "W0")
    assert finding.evidence["ratio"] == pytest.approx(1e6)
