"""`diagnose`: faults are named with their kind and place, healthy programs raise no alarm."""

import json

import numpy as np
import pytest
from rich.console import Console

from chainrule import nn, optim
from chainrule.diagnose import KINDS, Finding, diagnose
from tests.diagnose.faulty import FAULTS, HEALTHY, cross_entropy, data, place, program


def diagnosis(made):
    model, loss, examples = (made.pop(name) for name in ("model", "loss", "data"))
    return diagnose(model, loss, examples, **made)


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_programs_raise_no_alarm(name):
    report = diagnosis(HEALTHY[name](5))
    assert report, str(report)


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named_with_their_place(name):
    kind, where, networks, make = FAULTS[name]
    network = networks[len(name) % len(networks)]
    report = diagnosis(make(network, 5))
    assert kind in report.kinds, str(report)
    layer = place(where, network)
    if layer is not None:
        assert layer in [f.layer for f in report.alarms if f.kind == kind]


def test_every_kind_of_fault_is_tried():
    assert {kind for kind, *_ in FAULTS.values()} == set(KINDS) - {"not connected"}


def test_a_parameter_that_is_not_connected():
    class Network(nn.Module):
        used: nn.Linear
        forgotten: nn.Linear

        def __call__(self, x):
            return self.used(x)

    model = Network(nn.Linear(6, 3, rng=0), nn.Linear(6, 3, rng=1))
    report = diagnose(model, cross_entropy, data("dense", 0))
    found = {f.layer for f in report.alarms if f.kind == "not connected"}
    assert found == {"forgotten.weight", "forgotten.bias"}


def test_labels_of_inputs_that_are_not_used_are_used():
    made = FAULTS["nothing goes in"][-1]("dense", 0)
    found = [f.layer for f in diagnosis(made).alarms if f.kind == "data not used"]
    assert found == ["data[0]"]


def test_inputs_far_from_zero_are_used():
    made = program("recurrent", 0)
    x, labels = made["data"]
    assert "data not used" not in diagnosis({**made, "data": (50 * x + 1000, labels)}).kinds


def test_a_loss_that_does_not_end_at_zero_can_be_learnt_by_heart():
    made = program("dense", 0, "numbers")
    x, y = made["data"]
    counts = np.round(np.exp(y / 2))

    def poisson(model, x, counts):
        return np.mean(np.exp(model(x)) - counts * model(x))

    assert diagnosis({**made, "loss": poisson, "data": (x, counts)})


def test_the_report_is_text_data_and_html():
    report = diagnosis(FAULTS["softmax twice"][-1]("dense", 0))
    assert not report
    text = str(report)
    assert "softmax twice in layers.4" in text
    assert "faulty.py: return nn.cross_entropy(nn.softmax(model(x)), labels)" in text
    assert "- hand the logits over" in text
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["findings"][0]["kind"] == "softmax twice"
    assert plain["findings"][0]["layer"] == "layers.4"
    assert {"layers.4.weight"} < {spread.name for spread in report.profile}
    assert "<b>softmax twice</b>" in report._repr_html_()
    console = Console(width=60, record=True, force_terminal=False)
    console.print(report)
    assert max(map(len, console.export_text().splitlines())) <= 60


def test_nothing_but_the_kinds_that_are_asked_for():
    made = FAULTS["softmax twice"][-1]("dense", 0)
    assert diagnosis({**made, "kinds": {"dead", "saturated"}})


def test_the_model_is_left_as_it_is():
    made = program("dense", 0)
    before = {k: np.array(v) for k, v in nn.parameters(made["model"]).items()}
    model = made["model"]
    diagnosis(made)
    for name, p in nn.parameters(model).items():
        np.testing.assert_array_equal(p, before[name])


def test_names_in_a_report_are_escaped():
    report = diagnose(
        {"<script>": np.zeros((6, 3))},
        lambda params, x, labels: nn.cross_entropy(x @ params["<script>"] * np.nan, labels),
        data("dense", 0),
    )
    assert "<script>" not in report._repr_html_()
    assert report.kinds[0] == "nan"


def test_no_other_kinds():
    with pytest.raises(ValueError, match="no kind of finding is called 'tired'"):
        Finding("tired", "note", "", "")


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        ((np.zeros((0, 6)), np.zeros(0, int)), "no example"),
        ((np.zeros((5, 6)), np.zeros(4, int)), "different lengths"),
        ((np.array([["a"]]), np.zeros(1, int)), "not of numbers"),
    ],
)
def test_bad_data(examples, words):
    with pytest.raises((ValueError, TypeError), match=words):
        diagnose(nn.Linear(6, 3, rng=0), cross_entropy, examples, optimiser=optim.sgd(0.1))


def test_bad_arguments():
    made = FAULTS["softmax twice"][-1]("dense", 0)
    for changes, words in (
        ({"loss": lambda model, x, y: model(x)}, r"one number, .* got an array of shape \("),
        ({"loss": lambda model, x, y: None}, "one number, .* got None"),
        ({"optimiser": "adam"}, r"optim\.adam\(1e-3\), got 'adam'"),
        ({"optimiser": None, "step": lambda model, x, y: None}, "the next model, .* got None"),
        ({"kinds": {"deaad"}}, "no kind of finding is called 'deaad'"),
        ({"batch_size": 0}, "1 or more, got 0"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            diagnosis({**made, **changes})
