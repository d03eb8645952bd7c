"""`diagnose` of PyTorch's models: the same kinds of findings, with layers and lines."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from chainrule.diagnose import diagnose

RNG = np.random.default_rng(0)
X = torch.tensor(RNG.normal(size=(400, 6)), dtype=torch.float32)
LABELS = (X[:, 0] * X[:, 1] > 0).long() + (X[:, 2] > 1)
Y = torch.sin(X[:, :1])


def dense(*between, depth=1, out=3, act=nn.ReLU):
    torch.manual_seed(0)
    layers = []
    for k in range(depth):
        layers += [nn.Linear(6 if k == 0 else 32, 32), act(), *between]
    return nn.Sequential(*layers, nn.Linear(32, out))


def scaled(model, factor, which=0):
    with torch.no_grad():
        model[which].weight *= factor
    return model


def shifted(model, by, which=0):
    with torch.no_grad():
        model[which].bias += by
    return model


def sgd(model, rate=0.1, **options):
    return torch.optim.SGD(model.parameters(), lr=rate, **options)


class Own(nn.Module):
    """A model that calls functions in place of layers."""

    def __init__(self, f=F.relu, shift=0.0, scale=1.0):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(6, 32), nn.Linear(32, 3)
        self.f, self.shift, self.scale = f, shift, scale
        self.forgotten = nn.Linear(2, 2) if f is torch.tanh else None

    def forward(self, x):
        h = self.scale * self.first(x) - self.shift
        h = self.f(h)
        return self.second(h)


def test_healthy_models_raise_no_alarm():
    for model in (
        dense(),
        dense(nn.BatchNorm1d(32), nn.Dropout(0.1), depth=2),
        dense(act=nn.Tanh, depth=2),
        Own(F.gelu),
    ):
        loader = DataLoader(TensorDataset(X, LABELS), batch_size=64)
        report = diagnose(model, nn.CrossEntropyLoss(), loader, optimiser=sgd(model))
        assert report, str(report)
        assert report.profile


def test_convolutions_and_turns():
    torch.manual_seed(0)
    x = torch.randn(200, 1, 8, 8)
    labels = (x[:, 0, :4].mean((1, 2)) > x[:, 0, 4:].mean((1, 2))).long()
    model = nn.Sequential(
        *(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 2)),
        *(nn.ReLU(), nn.Flatten(), nn.Linear(32, 2)),
    )
    assert diagnose(model, F.cross_entropy, (x, labels))
    report = diagnose(shifted(model, -100.0, 4), F.cross_entropy, (x, labels))
    assert ("dead", "4") in [(f.kind, f.layer) for f in report.alarms]

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.out = nn.RNNCell(8, 16), nn.Linear(16, 2)

        def forward(self, x):
            h = torch.zeros(len(x), 16)
            for t in range(8):
                h = self.cell(x[:, 0, t], h)
            return self.out(h)

    model = Recurrent()
    with torch.no_grad():
        model.cell.weight_hh *= 0.1
    (finding,) = diagnose(model, F.cross_entropy, (x, labels)).alarms
    assert (finding.kind, finding.layer) == ("vanishing", "cell")
    assert "h = self.cell(x[:, 0, t], h)" in finding.line


@pytest.mark.parametrize(("kind", "weight"), [("exploding", 1.5), ("vanishing", 0.3), (None, 1.0)])
def test_turns_of_a_whole_layer(kind, weight):
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.rnn, self.out = nn.RNN(1, 16, batch_first=True), nn.Linear(16, 1)

        def forward(self, x):
            return self.out(self.rnn(x)[0][:, -1])

    model = Whole()
    if kind == "exploding":
        model.rnn.nonlinearity, model.rnn.mode = "relu", "RNN_RELU"
    with torch.no_grad():
        model.rnn.weight_hh_l0.copy_(weight * torch.eye(16))
    x = torch.tensor(RNG.normal(size=(200, 30, 1)), dtype=torch.float32)
    report = diagnose(model, F.mse_loss, (x, x[:, -1]))
    found = [(f.kind, f.layer) for f in report.alarms]
    assert ((kind, "rnn") in found) if kind else not found, str(report)


def probabilities(model, x, y):
    return F.cross_entropy(F.softmax(model(x), dim=1), y)


def summed(model, x, y):
    return F.cross_entropy(model(x), y, reduction="sum")


def steep(model, x, y):
    return torch.log(torch.relu(model(x) - 1e9)).mean()


FAULTS = {
    "saturated": lambda: ("0", scaled(dense(act=nn.Sigmoid), 40.0), F.cross_entropy, X),
    "saturated function": lambda: ("first", Own(torch.sigmoid, scale=30), F.cross_entropy, X),
    "dead": lambda: ("0", shifted(dense(), -50.0), F.cross_entropy, X),
    "dead function": lambda: ("first", Own(shift=50.0), F.cross_entropy, X),
    "vanishing": lambda: ("0", dense(act=nn.Sigmoid, depth=9), F.cross_entropy, X),
    "symmetry": lambda: ("0", scaled(dense(), 0.0), F.cross_entropy, X),
    "softmax twice": lambda: ("2", dense(), probabilities, X),
    "softmax twice function": lambda: (
        *("2", nn.Sequential(*dense(out=1), nn.Sigmoid())),
        lambda m, x, y: F.binary_cross_entropy_with_logits(m(x)[:, 0], (y > 0).to(x.dtype)),
        X,
    ),
    "summed loss": lambda: ("", dense(), summed, X),
    "unscaled features": lambda: ("", dense(), F.cross_entropy, 1e3 * X),
    "not connected": lambda: ("forgotten.weight", Own(torch.tanh), F.cross_entropy, X),
    "initial variance": lambda: ("2", scaled(dense(depth=2), 100.0, 2), F.cross_entropy, X),
    "inf": lambda: ("2", dense(), steep, X),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named_with_their_place(name):
    layer, model, loss, x = FAULTS[name]()
    report = diagnose(model, loss, (x, LABELS))
    kind = name.removesuffix(" function")
    found = [f for f in report.alarms if f.kind == kind]
    assert layer in [f.layer for f in found], str(report)
    assert "nn.he_" not in str(report)
    if layer == "first":
        assert "h = self.f(h)" in found[0].line
    if kind in ("dead", "saturated"):
        drawn = {spread.name: spread.kind for spread in report.profile}
        assert drawn[layer] == ("relu" if kind == "dead" else "sigmoid")


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("learning rate too large", lambda m: sgd(m, 1e4)),
        ("learning rate too small", lambda m: sgd(m, 1e-6)),
        ("wrong sign", lambda m: sgd(m, 0.1, maximize=True)),
        ("not trained", lambda m: torch.optim.SGD(list(m.parameters())[1:], lr=0.1)),
        ("momentum", lambda m: sgd(m, 1e-3, momentum=0.999)),
        ("weight decay", lambda m: sgd(m, 1e-2, weight_decay=10.0)),
    ],
)
def test_steps_are_tried(kind, make):
    model = dense()
    before = [p.clone() for p in model.parameters()]
    report = diagnose(model, F.cross_entropy, (X, LABELS), optimiser=make(model))
    assert kind in report.kinds, str(report)
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_training_that_is_left_in_prediction():
    model = dense(nn.Dropout(0.5)).eval()
    report = diagnose(model, F.cross_entropy, (X, LABELS), optimiser=sgd(model))
    assert [(f.kind, f.layer) for f in report.alarms] == [("mode", "2")]
    assert diagnose(model, F.cross_entropy, (X, LABELS))


def test_what_a_regression_cannot_reach():
    model = nn.Sequential(*dense(out=1), nn.Tanh())
    (finding,) = diagnose(model, F.mse_loss, (X, 3 * Y)).alarms
    assert (finding.kind, finding.layer) == ("output range", "2")


def test_dropout_that_does_not_know_what_is_done():
    model = dense()
    report = diagnose(model, lambda m, x, y: F.cross_entropy(F.dropout(m(x)), y), (X, LABELS))
    (finding,) = report.alarms
    assert (finding.kind, finding.layer) == ("mode", "2")
    assert "F.dropout(m(x))" in finding.line


class Normalised(nn.Module):
    """Normalises by running statistics, with .eval() in `forward`."""

    def __init__(self, scaled=False):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.norm, self.second = nn.Linear(6, 32), nn.BatchNorm1d(32), nn.Linear(32, 3)
        self.scaled = scaled

    def forward(self, x):
        if self.scaled:
            x = (x - x.mean(0)) / x.std(0)
        else:
            self.norm.eval()
        return self.second(torch.relu(self.norm(self.first(x))))


def test_a_layer_that_is_put_into_prediction_by_the_model():
    (finding,) = diagnose(Normalised(), F.cross_entropy, (X, LABELS)).alarms
    assert (finding.kind, finding.layer) == ("mode", "norm")


def test_nan_that_is_made_of_the_data():
    x = X.clone()
    x[:, 2] = 7
    report = diagnose(Normalised(scaled=True), F.cross_entropy, (x, LABELS))
    (finding,) = [f for f in report.alarms if f.kind == "nan"]
    assert "x = (x - x.mean(0)) / x.std(0)" in finding.line
    assert "of the data, before any layer" in finding.message


def test_every_output_of_a_recurrent_layer_is_followed():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.cells, self.out = nn.GRU(2, 16, batch_first=True), nn.Linear(16, 3)

        def forward(self, x):
            return self.out(self.cells(x.reshape(len(x), 3, 2))[1][0])

    model = Recurrent()
    assert diagnose(model, F.cross_entropy, (X, LABELS))
    (finding,) = diagnose(model, F.nll_loss, (X, LABELS)).alarms
    assert (finding.kind, finding.layer) == ("missing softmax", "out")


class Clipped(torch.autograd.Function):
    """A ReLU whose gradient is right, or goes through where nothing came out."""

    right = True

    @staticmethod
    def forward(ctx, h):
        ctx.save_for_backward(h)
        return h.clamp(min=0)

    @staticmethod
    def backward(ctx, g):
        (h,) = ctx.saved_tensors
        return g * (h > 0) if Clipped.right else g


@pytest.mark.parametrize("right", [True, False])
def test_a_backward_of_ones_own(right, monkeypatch):
    monkeypatch.setattr(Clipped, "right", right)
    report = diagnose(Own(Clipped.apply), F.cross_entropy, (X, LABELS))
    found = [(f.kind, f.layer) for f in report.alarms]
    assert found == ([] if right else [("wrong gradient", "first")])
    assert right or "the backward of `Clipped` is not the slope" in str(report)


def test_frozen_parameters_are_a_note():
    model = dense()
    model[0].requires_grad_(False)
    report = diagnose(model, F.cross_entropy, (X, LABELS), optimiser=sgd(model))
    assert report, str(report)
    found = {f.layer for f in report.findings if f.kind == "not trained"}
    assert found == {"0.weight", "0.bias"}


def test_bad_input():
    model = dense(out=1)
    with pytest.raises(TypeError, match="is called with the model and 2 tensors of a batch"):
        diagnose(model, lambda y: y, (X, Y))
    with pytest.raises(TypeError, match=r"trained with a torch\.optim\.Optimizer, got"):
        diagnose(model, F.mse_loss, (X, Y), optimiser="adam")
    with pytest.raises(TypeError, match="LBFGS asks for the loss again and again"):
        diagnose(model, F.mse_loss, (X, Y), optimiser=torch.optim.LBFGS(model.parameters()))
    with pytest.raises(ValueError, match="is of another model"):
        diagnose(model, F.mse_loss, (X, Y), optimiser=sgd(dense()))
    assert diagnose(model, F.mse_loss, (X / 0, Y)).kinds == ["inf"]
