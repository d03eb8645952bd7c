"""A folder with Python files to name on the command line."""

import numpy as np
import pytest

from chainrule.cli import main

MODEL = """\
import math

import numpy as np


def f(x, y=2.0, n=3):
    q = x * y
    z = q**n
    return z


def net(x, W1, b1):
    h1 = x @ W1 + b1
    loss = np.sum(h1**2)
    return loss


def by_name(x, *, scale=2.0):
    z = scale * x
    return z


def tree(params, x):
    return np.sum(params["W"] @ x + params["b"])


def pick(x, labels, kind="sum"):
    return getattr(np, kind)(x[labels])


def wrong(x):
    return math.log(x - 10)


def whole(x):
    return int(x) * 2


def leaves(x):
    raise SystemExit("bye")


def interrupted(x):
    raise KeyboardInterrupt


def many(*xs):
    return xs[0]


def hand(x, y=2.0, n=3):
    q = x * y
    z = q**n
    dq = n * q ** (n - 1)
    dx = dq * y
    dy = dq * x
    return z, (dx, dy)


def bad_hand(x, y=2.0, n=3):
    q = x * y
    z = q**n
    dq = q ** (n - 1)
    dx = dq * y
    dy = dq * x
    return z, (dx, dy)


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError


def unprintable(x):
    raise Unprintable


def closes(x):
    raise GeneratorExit


def own_pipe(x):
    raise BrokenPipeError("the pipe of f")


async def later(x):
    return x


def several(x):
    yield x


class Model:
    scale = 2.0

    @staticmethod
    def loss(w):
        return w * w

    def scaled(self, w):
        return self.scale * w


model = Model()


CONSTANT = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder that holds the files of the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "syntax.py").write_text("def f(x):\n    return x +\n")
    (tmp_path / "imports.py").write_text("import no_such_module\n")
    (tmp_path / "raises.py").write_text("W = [1, 2]\nprint(W[5])\n")
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00\x01")
    (tmp_path / "notes.ipynb").write_text("{}")
    (tmp_path / "neighbour.py").write_text(
        "from helper import double\n\n\ndef f(x):\n    return double(x)\n"
    )
    (tmp_path / "helper.py").write_text("def double(x):\n    return 2 * x\n")
    for package in ("outer", "outer/inner"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "outer" / "scale.py").write_text("SCALE = 2.0\n")
    (tmp_path / "outer" / "inner" / "relative.py").write_text(
        "from ..scale import SCALE\n\n\ndef f(x):\n    return SCALE * x\n"
    )
    np.save("W.npy", np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.save("labels.npy", np.array([0, 2]))
    np.save("words.npy", np.array(["a", "b"]))
    np.save("objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    np.savez("both.npz", a=np.ones(2), b=np.ones(3))
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY\x01\x00")
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "readonly.svg").write_text("old")
    return tmp_path


@pytest.fixture
def chainrule(folder, capsys):
    """Return a function that runs a command line: exit code, standard output, standard error."""

    def run(*argv):
        code = main([str(word) for word in argv])
        out, err = capsys.readouterr()
        return code, out, err

    return run
