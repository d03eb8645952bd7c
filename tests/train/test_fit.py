"""Training: that it learns, can be repeated, stopped, killed and resumed, and names bad input."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from chainrule import nn, optim, train, trees
from chainrule.nn.random import key
from chainrule.train.step import Carried, Trained, advance

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 4))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
Y = np.sin(X[:, :1])


def network(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(4, 8, rng=rng), nn.tanh, nn.Linear(8, 2, rng=rng))


def noisy_network():
    rng = np.random.default_rng(0)
    return nn.Sequential(
        *(nn.Linear(4, 8, rng=rng), nn.BatchNorm(8), nn.relu, nn.Dropout(0.3)),
        nn.Linear(8, 2, rng=rng),
    )


def loss(model, x, labels):
    return nn.cross_entropy(model(x), labels)


def noisy_loss(model, x, labels, context):
    return nn.cross_entropy(model(x, context), labels)


def fit(model=None, f=loss, data=(X, LABELS), optimiser=None, **options):
    options = {"epochs": 4, "progress": False, **options}
    return train.fit(model or network(), f, data, optimiser or optim.adam(0.02), **options)


def assert_same(a, b):
    for x, y in zip(nn.parameters(a).values(), nn.parameters(b).values(), strict=True):
        np.testing.assert_array_equal(x, y)


def test_it_learns_and_measures():
    run = fit(epochs=60, validation=(X[:40], LABELS[:40]), metrics={"accuracy": train.accuracy})
    assert run.stopped == "epochs"
    assert run.epoch == 60
    assert list(run.history) == ["epoch", "loss", "validation loss", "validation accuracy"]
    assert run.history["loss"][-1] < 0.2 < run.history["loss"][0]
    assert run.history["validation accuracy"][-1] > 0.9
    assert run.history["validation loss"][-1] == pytest.approx(
        train.evaluate(run.model, loss, (X[:40], LABELS[:40]))
    )
    frame = run.history.to_pandas()
    assert frame["loss"].iloc[-1] == run.history.last()["loss"]


def test_any_tree_is_a_model_and_any_number_of_arrays_a_batch():
    params = {"w": np.zeros((4, 1)), "b": [np.zeros(1)]}

    def squared(params, x, y, weight):
        return np.mean(weight * (x @ params["w"] + params["b"][0] - y) ** 2)

    data = X, X @ np.ones((4, 1)) + 2, np.ones((100, 1))
    run = fit(params, squared, data, optim.momentum(0.02), epochs=60)
    np.testing.assert_allclose(run.model["w"], 1, atol=1e-3)
    np.testing.assert_allclose(run.model["b"][0], 2, atol=1e-3)


def test_the_same_seed_gives_the_same_run():
    first, again = (fit(noisy_network(), noisy_loss) for _ in range(2))
    other = fit(noisy_network(), noisy_loss, seed=1)
    assert_same(first.model, again.model)
    assert_same(first.state, again.state)
    assert not np.array_equal(first.history["loss"], other.history["loss"])


def test_a_step_is_what_one_would_write_by_hand():
    import chainrule as cr

    run = fit(epochs=1, batch_size=1000)
    model, adam = network(), optim.adam(0.02)
    gradient = cr.grad(loss)(model, X, LABELS)
    updates, _ = adam.update(gradient, adam.init(model), model)
    for ours, theirs in zip(
        nn.parameters(run.model).values(),
        nn.parameters(optim.apply_updates(model, updates)).values(),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_early_stopping_ends_with_the_best_epoch():
    models = []
    run = fit(
        epochs=200,
        data=(X[:20], LABELS[:20]),
        validation=(X[20:], LABELS[20:]),
        stopping=train.EarlyStopping(patience=3),
        callbacks=[lambda run: models.append(run.model)],
        optimiser=optim.adam(0.1),
    )
    assert run.stopped == "early stopping"
    best = int(np.argmin(run.history["validation loss"]))
    assert run.epoch == best + 4
    assert_same(run.model, models[best])
    with pytest.raises(ValueError, match="watches 'validation loss', and the history has epoch"):
        fit(stopping=train.EarlyStopping())


def test_steps_write_over_arrays_of_the_run_alone():
    rng = np.random.default_rng(0)
    layers = nn.Linear(4, 8, rng=rng), nn.BatchNorm(8), nn.LayerNorm(8), nn.Linear(8, 2, rng=rng)
    model, optimiser = nn.Sequential(*layers), optim.adam(0.01)
    given = trees.map_leaves(np.array, model)
    seen = []
    run = fit(
        model, noisy_loss, optimiser=optimiser, callbacks=[lambda r: seen.append((r, copied(r)))]
    )
    assert_same(model, given)
    assert all(
        np.array_equal(a, b) for r, kept in seen for a, b in zip(leaves(r), kept, strict=True)
    )
    step = advance(noisy_loss, optimiser, True)
    trained = Trained(run.model, run.state, run.optimiser_state)
    carried = Carried(trees.map_leaves(np.array, trained), np.zeros(2))
    before = trees.flatten(carried)[0]
    after = trees.flatten(step(carried, key(0), X[:32], LABELS[:32])[0])[0]
    assert all(a is b for a, b in zip(before, after, strict=True))


def leaves(run):
    return trees.flatten((run.model, run.state, run.optimiser_state))[0]


def copied(run):
    return [np.array(x) for x in leaves(run)]


def test_a_callback_may_end_it():
    run = fit(epochs=50, callbacks=[lambda run: run.epoch == 3])
    assert (run.stopped, run.epoch) == ("callback", 3)


def test_a_loss_that_is_not_finite_ends_it_with_the_last_good_parameters(tmp_path):
    def explosive(model, x, labels):
        return np.exp(np.sum(model(x) ** 2))

    with pytest.warns(train.DivergenceWarning, match="became (inf|nan) in epoch 1, batch"):
        run = fit(f=explosive, optimiser=optim.sgd(10.0), checkpoint=tmp_path)
    assert run.stopped == "not finite"
    kept = train.load(tmp_path / "checkpoint.safetensors").arrays
    for path, p in nn.parameters(run.model).items():
        assert any(np.array_equal(p, array) for array in kept.values()), path
    assert all(np.isfinite(p).all() for p in nn.parameters(run.model).values())


@pytest.mark.parametrize(("batch", "epoch"), [(100, 5), (25, 2), (40, 2)])
def test_the_last_parameters_whose_loss_was_finite_are_kept(batch, epoch):
    def rooted(model, x):  # a number for the first four steps
        return np.mean(x) * np.sqrt(3.5 - model["steps"])

    ahead = optim.Optimiser(lambda params: (), lambda g, state, p: ({"steps": np.ones(())}, state))
    options = {"batch_size": batch, "epochs": 9, "progress": False}
    with pytest.warns(train.DivergenceWarning, match=f"became nan in epoch {epoch}, batch"):
        run = train.fit({"steps": np.zeros(())}, rooted, np.ones(100), ahead, **options)
    assert run.model["steps"] == 3
    assert run.epoch == len(run.history.get("loss", [])) == 3 * batch // 100


@pytest.mark.parametrize("kind", ["plain", "noisy"])
def test_resumed_runs_end_bit_for_bit_alike(kind, tmp_path):
    model, f = (network(), loss) if kind == "plain" else (noisy_network(), noisy_loss)
    options = {"validation": (X, LABELS), "stopping": train.EarlyStopping(patience=4)}
    whole = fit(model, f, epochs=6, **options)
    fit(model, f, epochs=2, checkpoint=tmp_path, **options)
    rest = fit(model, f, epochs=6, checkpoint=tmp_path, resume=True, **options)
    assert_same(whole.model, rest.model)
    assert_same(whole.state, rest.state)
    assert whole.history.to_dict() == rest.history.to_dict()


def test_an_interrupt_in_the_middle_of_an_epoch_saves_and_is_resumed(tmp_path):
    whole = fit(noisy_network(), noisy_loss)
    calls = []

    def interrupting(model, x, labels, context):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return noisy_loss(model, x, labels, context)

    first = fit(noisy_network(), interrupting, checkpoint=tmp_path)
    assert (first.stopped, first.epoch) == ("interrupted", 0)
    second = fit(noisy_network(), noisy_loss, checkpoint=tmp_path, resume=True)
    assert_same(whole.model, second.model)


def test_a_resumed_run_may_be_interrupted_again(tmp_path):
    whole = fit()

    def ended(epoch):
        def callback(run):
            if run.epoch == epoch:
                raise KeyboardInterrupt

        return callback

    for epoch in (1, 2, 3):
        run = fit(checkpoint=tmp_path, resume=True, callbacks=[ended(epoch)])
        assert (run.stopped, run.epoch) == ("interrupted", epoch)
        (tmp_path / ".checkpoint.safetensors.1.tmp").write_bytes(b"half")  # of a process that died
    rest = fit(checkpoint=tmp_path, resume=True)
    assert_same(whole.model, rest.model)
    assert whole.history.to_dict() == rest.history.to_dict()


PROGRAM = """
import sys, numpy as np
sys.path.insert(0, sys.argv[1])
from test_fit import *
run = fit(noisy_network(), noisy_loss, epochs=60, checkpoint=sys.argv[2], resume=True)
np.savez(sys.argv[3], *nn.parameters(run.model).values())
sys.exit(130 if run.stopped == "interrupted" else 0)
"""


def test_twenty_kills_at_random_moments_change_nothing(tmp_path):
    undisturbed = fit(noisy_network(), noisy_loss, epochs=60)
    chance, result = random.Random(0), tmp_path / "result.npz"
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), tmp_path, result]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for kill in range(21):
        process = subprocess.Popen([*map(str, command)], env=environment)
        if kill < 20:
            begun = time.time()
            # In the first ones the interpreter still starts, in later ones it trains or writes.
            while process.poll() is None and time.time() - begun < 0.3 + chance.random():
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL if kill % 4 else signal.SIGINT)
        code = process.wait(60)
        if result.exists():
            break
        assert kill < 20, code
    with np.load(result) as arrays:
        for x, y in zip(arrays.values(), nn.parameters(undisturbed.model).values(), strict=True):
            np.testing.assert_array_equal(x, y)


# Bad input.


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ((X, LABELS[:50]), r"different lengths: shapes \(100, 4\), \(50,\)"),
        ((X[:0], LABELS[:0]), "no example"),
        ((np.where(X[3, 1] == X, np.nan, X), LABELS), r"data\[0\] has 1 values .* \[3, 1\]: nan"),
        ((X, LABELS.astype(str)), "strings, not of numbers"),
        ((X, np.array([None] * 100)), "objects such as None"),
        ((X, 3), "one number"),
        ((X, LABELS + 5), "labels from 5 to 6"),
    ],
)
def test_bad_data_are_named(data, words):
    with pytest.raises((ValueError, TypeError), match=words):
        fit(data=data)


def test_shapes_that_do_not_go_together_are_named():
    def squared(model, x, y):
        return nn.squared_error(model(x), y)

    with pytest.raises(ValueError, match=r"shapes \(32, 2\) and \(32,\) are not the same"):
        fit(f=squared, data=(X, LABELS.astype(float)))
    with pytest.raises(ValueError, match=r"are not the same: write y\[:, None\] for a column"):
        fit(nn.Linear(4, 1, rng=0), squared, (X, Y[:, 0]))
    with pytest.raises(ValueError, match="mismatch in its core dimension") as raised:
        fit(data=(X[:, :3], LABELS))
    place = "in layers[0], Linear with a weight of (4, 8): its input is (32, 3)"
    assert place in raised.value.__notes__


@pytest.mark.parametrize(
    ("optimiser", "words"),
    [(optim.adam, r"call it with a learning rate, optim.adam\(0.001\)"), (0.1, "is a number")],
)
def test_something_else_than_an_optimiser_is_named(optimiser, words):
    with pytest.raises(TypeError, match=words):
        fit(optimiser=optimiser)


def test_a_disk_that_fills_up_ends_a_run_and_keeps_its_last_checkpoint(tmp_path, monkeypatch):
    fit(epochs=2, checkpoint=tmp_path)
    sync, left = os.fsync, [1]

    def full(handle):
        if not left:
            raise OSError(28, "No space left on device")
        sync(handle)
        left.clear()

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(train.CheckpointError, match="No space left on device"):
        fit(epochs=4, checkpoint=tmp_path, resume=True)
    monkeypatch.undo()
    assert_same(fit(epochs=4).model, fit(epochs=4, checkpoint=tmp_path, resume=True).model)


def test_a_loss_of_other_arguments_is_named():
    with pytest.raises(TypeError, match=r"<lambda>\(model\) is called with the model and 2 arrays"):
        fit(f=lambda model: 0.0)
    with pytest.raises(TypeError, match=r"layers\.1 is a BatchNorm.*loss takes no context"):
        fit(noisy_network())


def test_one_example_is_enough():
    run = fit(data=(X[:1], LABELS[:1]), epochs=2)
    assert len(run.history["loss"]) == 2


def test_progress_is_plain_lines_where_there_is_no_terminal(capsys):
    fit(progress=True, metrics={"accuracy": train.accuracy})
    out = capsys.readouterr().out
    assert "epoch   4/4" in out
    assert "accuracy 0." in out
    assert "/s" in out
    assert max(map(len, out.splitlines())) <= 80


# Files.


def test_checkpoints_of_other_runs_and_damaged_ones_are_refused(tmp_path):
    fit(checkpoint=tmp_path)
    wide = nn.Sequential(nn.Linear(4, 9, rng=0), nn.tanh, nn.Linear(9, 2, rng=0))
    deep = nn.Sequential(*network().layers, nn.Linear(2, 2, rng=0))
    with pytest.raises(train.CheckpointError, match=r"model\.layers\[0\]\.weight is .* \(4, 8\)"):
        fit(wide, checkpoint=tmp_path, resume=True)
    with pytest.raises(train.CheckpointError, match=r"lacks model\.layers\[3\]"):
        fit(deep, checkpoint=tmp_path, resume=True)
    with pytest.raises(train.CheckpointError, match="of a run with seed 0, not 1"):
        fit(checkpoint=tmp_path, resume=True, seed=1)
    file = tmp_path / "checkpoint.safetensors"
    whole = file.read_bytes()
    for cut in (0, 5, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:cut])
        with pytest.raises(train.CheckpointError, match="is damaged"):
            fit(checkpoint=tmp_path, resume=True)


def test_a_disk_that_is_full_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    file = tmp_path / "x.safetensors"
    train.save(file, {"a": np.arange(3.0)}, {"epoch": 1})
    before = file.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(train.CheckpointError, match="No space left on device"):
        train.save(file, {"a": np.arange(4.0)}, {"epoch": 2})
    assert file.read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["x.safetensors"]


def test_arrays_of_any_layout_come_back(tmp_path):
    arrays = {"t": RNG.normal(size=(3, 4)).T, "s": np.arange(10.0)[::3], "n": np.float64(2)}
    train.save(tmp_path / "x.safetensors", arrays, {"note": [1, 2.5]})
    found = train.load(tmp_path / "x.safetensors")
    assert found.notes == {"note": [1, 2.5]}
    for name, x in arrays.items():
        np.testing.assert_array_equal(found.arrays[name], x)


def test_a_run_goes_on_with_what_the_optimiser_carries():
    optimiser = optim.adam(0.02)
    whole = fit(optimiser=optimiser, epochs=4, shuffle=False)
    first = fit(optimiser=optimiser, epochs=2, shuffle=False)
    second = fit(
        first.model, optimiser=optimiser, optimiser_state=first.optimiser_state, epochs=2,
        shuffle=False,
    )  # fmt: skip
    assert_same(whole.model, second.model)
    assert second.optimiser_state[0].item() == whole.optimiser_state[0].item() == 16
    assert whole.history["loss"][2:] == second.history["loss"]


@pytest.mark.parametrize("shuffle", [False, True])
def test_sparse_tables_are_made_dense_batch_by_batch(shuffle):
    x = np.where(X > 0, X, 0)
    dense = fit(data=(x, LABELS), shuffle=shuffle)
    assert_same(dense.model, fit(data=(scipy.sparse.csr_array(x), LABELS), shuffle=shuffle).model)
    with pytest.raises(ValueError, match=r"data\[0\] has 1 values that are NaN"):
        fit(data=(scipy.sparse.coo_array([[np.nan, 0.0]]), LABELS[:1]))
