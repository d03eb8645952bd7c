"""`chainrule train`, `predict` and `diagnose`: on good input, on bad, interrupted and resumed."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from chainrule import train
from chainrule.cli import main

RNG = np.random.default_rng(0)
ROWS = 40
AREA = RNG.uniform(20, 90, ROWS)
TABLE = "area,colour,price\n" + "".join(
    f"{a:.1f},{c},{3 * a + 20 * (c == 'red'):.2f}\n"
    for a, c in zip(AREA, RNG.choice(["red", "blue"], ROWS), strict=True)
)
SMALL = ("--hidden", "4", "--epochs", "3", "--batch-size", "32")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a folder with a table and a run."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "table.csv").write_text(TABLE)
    before = os.getcwd()
    os.chdir(folder)
    try:
        assert main(["train", "table.csv", "--target", "price", "--save", "run", *SMALL]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def run(trained, monkeypatch, capsys):
    """Return a function that runs a command line there: exit code, output, errors."""
    monkeypatch.chdir(trained)
    monkeypatch.setenv("COLUMNS", "80")

    def run(line):
        code = main(line.split())
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


def test_training_says_what_it_does(run):
    code, out, err = run("train table.csv --target price " + " ".join(SMALL))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:5] == [
        "table.csv: 40 rows, 3 columns",
        "  target: price, a number (40 different numbers), 182.7 in the mean",
        "  numbers: area",
        "  categories: colour (2)",
        "regression with 32 rows; 8 are held out",
    ]
    assert "network: 3 features -> 4 relu -> 1, 21 parameters; adam" in out
    assert lines[-3].startswith("epoch   3/3  loss ")
    assert lines[-3].rpartition("/s  ")[2] in ("healthy", "dead in layers.0")
    assert "best on the rows held out after epoch 3: wrong by " in out
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b" not in out


def test_a_run_goes_on_as_if_it_had_not_ended(run, trained):
    assert run("train table.csv --target price --save whole --hidden 4 --epochs 5")[0] == 0
    assert run("train table.csv --target price --save parts --hidden 4 --epochs 2")[0] == 0
    assert run("train --save parts --resume --epochs 5")[0] == 0
    whole, parts = (
        train.load(trained / name / "checkpoint.safetensors") for name in ("whole", "parts")
    )
    assert whole.notes == parts.notes
    assert all(np.array_equal(whole.arrays[name], parts.arrays[name]) for name in whole.arrays)
    code, out, _ = run("train --save parts --resume")
    assert code == 0
    assert "all 5 epochs had been trained: --epochs N goes further" in out


def test_predictions_stand_beside_the_table(run, trained):
    (trained / "new.csv").write_text("colour;area\nred;30,5\ngreen;\n")
    code, out, err = run("predict run new.csv")
    assert code == 0
    header, first, second = out.splitlines()
    assert header == "colour;area;predicted price"
    assert first.startswith("red;30,5;")
    assert np.isfinite(float(second.rpartition(";")[2]))
    assert err.splitlines() == [
        "note: area: 1 missing, filled with 63.55",
        "note: colour: 1 that was not there in training, 'green'",
    ]
    code, out, err = run("predict run table.csv --output predicted.csv")
    assert (code, out) == (0, "wrote predicted.csv: 40 rows\n")
    assert err.startswith("note: the table has price: wrong by ")
    assert (trained / "predicted.csv").read_text().startswith("area,colour,price,predicted price\n")


def test_the_diagnosis_of_a_run(run):
    code, out, err = run("diagnose run")
    assert (code, err) == (0 if "finding" not in out else 1, "")
    assert out.startswith("3 epochs: the loss went from ")
    for when in ("in training:", "at the start:", "now:"):
        assert f"\n{when}\n" in out
    assert ".py" not in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_a_loss_that_is_not_finite_is_told_and_diagnosed(run, trained):
    steep = "--learning-rate 1e5 --optimiser sgd --epochs 40"
    code, out, err = run(f"train table.csv --target price --hidden 4 --save steep {steep}")
    assert code == 1
    assert "stopped: the loss became " in err
    assert "the run ends with the parameters before that" in err
    assert "! nan: the loss is " in out
    kept = train.load(trained / "steep" / "checkpoint.safetensors").arrays
    assert all(np.isfinite(array).all() for array in kept.values())
    code, out, _ = run("diagnose steep")
    assert code == 1
    assert "learning rate too large: after " in out
    assert " --learning-rate" in out


def test_a_picture_of_the_run(run, trained):
    pytest.importorskip("matplotlib")
    code, out, _ = run("train table.csv --target price --plot run.png " + " ".join(SMALL))
    assert code == 0
    assert out.endswith("wrote run.png\n")
    assert (trained / "run.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="no signals")
def test_control_c_saves_and_ends_with_130(trained):
    options = "--target price --save stopped --hidden 4 --epochs 100000 --patience 100000"
    command = [sys.executable, "-m", "chainrule", "train", "table.csv", *options.split()]
    process = subprocess.Popen(command, cwd=trained, stderr=subprocess.PIPE, text=True)
    file = trained / "stopped" / "checkpoint.safetensors"
    began = time.monotonic()
    try:
        while not file.exists() and time.monotonic() - began < 60:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "chainrule train --save stopped --resume goes on\n" in err
    assert "Traceback" not in err
    assert train.load(file).notes["epoch"] >= 1


BAD = {
    "train": "say what to train with: a CSV file, or digits",
    "train nowhere.csv": "there is no file nowhere.csv",
    "train digit": "there is no file digit; did you mean digits?",
    "train table.xlsx": "is no CSV file: save it as one",
    "train table.csv": "say which column of table.csv is to be predicted: --target NAME; it has",
    "train table.csv --target cost": "no column cost: it has area, colour, price",
    "train table.csv --target price --activation sigmod": "did you mean sigmoid?",
    "train table.csv --target price --optimiser newton": "it is one of adam, adamw, sgd",
    "train table.csv --target price --task guess": "it is one of classification, regression",
    "train table.csv --target price --hidden 3,x": "--hidden 3,x: write sizes of layers",
    "train table.csv --target price --epochs 0": "--epochs 0: it must be at least 1",
    "train table.csv --target price --epochs ten": "'--epochs'",
    "train table.csv --target price --learning-rate -1": "it must be above 0",
    "train table.csv --target price --validation 2": "write a share between 0 and 1",
    "train table.csv --target price --seed -1": "must not be negative",
    "train table.csv --target price --save run": "a run is kept in run already: --resume goes on",
    "train table.csv --target price --save table.csv": "this is a file, not a folder",
    "train table.csv --target price --save /proc/run": "/proc/run/run.json cannot be written",
    "train table.csv --target price --plot run.txt": "ends with .png, .svg or .pdf",
    "train table.csv more.csv": "(more.csv)\n  chainrule train --help tells more",
    "train --resume": "say which, --save RUN",
    "train --resume --save nowhere": "nowhere: there is no such folder",
    "train --resume --save run --hidden 5": "run was begun with --hidden 4, not 5",
    "predict nowhere table.csv": "nowhere: there is no such folder",
    "predict . table.csv": "there is no run of chainrule train in it",
    "predict table.csv table.csv": "table.csv is a file: name the folder of a run",
    "predict run nowhere.csv": "there is no file nowhere.csv",
    "predict run other.csv": "the table lacks area, colour, which was trained with; it has a, b",
    "predict run table.csv --output table.csv": "this would overwrite the table",
    "predict run table.csv --output nowhere/out.csv": "cannot be written: No such file",
    "predict cut table.csv": "checkpoint.safetensors is damaged",
    "predict broken table.csv": "run.json is damaged",
    "predict begun table.csv": "begun has no checkpoint: it was ended in its first epoch",
    "predict mixed table.csv": "another model: best model.layers[0].weight is float64 of shape (3",
    "train --resume --save cut": "checkpoint.safetensors is damaged",
    "train --resume --save mixed": "model.layers[0].weight is float64 of shape (3, 4) there, float",
    "diagnose run --data other.csv": "other.csv is not the table that run was trained with",
}


@pytest.fixture(scope="module")
def damaged(trained):
    """Add tables and runs that are not as they should be."""
    (trained / "other.csv").write_text("a,b\n1,2\n")
    settings = (trained / "run" / "run.json").read_text()
    checkpoint = (trained / "run" / "checkpoint.safetensors").read_bytes()
    for name, text, data in [
        ("cut", settings, checkpoint[: len(checkpoint) // 2]),
        ("broken", settings[:100], checkpoint),
        ("begun", settings, None),
        ("mixed", settings.replace('"hidden": [\n   4\n', '"hidden": [\n   5\n'), checkpoint),
    ]:
        (trained / name).mkdir()
        (trained / name / "run.json").write_text(text)
        if data is not None:
            (trained / name / "checkpoint.safetensors").write_bytes(data)


@pytest.mark.parametrize("line", BAD)
def test_bad_input_is_told_in_one_line(line, run, damaged):
    code, out, err = run(line)
    assert code == 2
    assert err.startswith("error: ")
    assert BAD[line] in err
    assert len(err.splitlines()) <= 2
    assert "epoch" not in out


def test_a_disk_that_fills_up_ends_it_and_keeps_the_last_checkpoint(run, trained, monkeypatch):
    file = trained / "run" / "checkpoint.safetensors"
    before = file.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = run("train --save run --resume --epochs 6")
    assert code == 2
    assert "cannot be written (No space left on device); what stood there is as it was" in err
    assert file.read_bytes() == before


def test_a_table_that_has_changed_is_not_gone_on_with(run, trained):
    file = trained / "table.csv"
    try:
        file.write_text(TABLE.replace("red", "green"))
        assert "has changed since run was begun" in run("train --resume --save run")[2]
        file.unlink()
        code, _, err = run("diagnose run")
        assert code == 2
        assert "which is not there: --data says where it is" in err
    finally:
        file.write_text(TABLE)
