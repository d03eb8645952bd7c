"""Whatever a compiled function refers to may change: the next call sees it."""

from __future__ import annotations

import collections
import dataclasses
import functools
import types
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import chainrule as cr
from chainrule.native import specializations

from ..conftest import same

RATE = 0.5
WEIGHTS = np.array([1.0, 2.0])
DEFAULT = np.array([1.0, 2.0])
SETTINGS = {"rate": 2.0, "layers": [np.array([1.0, 1.0]), 3.0]}


def helper(x):
    return x * RATE


def deep_helper(x):
    return helper(x) + 1


class Model:
    scale = 2.0

    def __init__(self) -> None:
        self.w = np.array([1.0, 2.0])
        self.lr = 0.1
        self.inner = Inner()

    def loss(self, x):
        return np.sum(self.w * x) * self.lr * self.scale + self.inner(x)


class Inner:
    def __init__(self) -> None:
        self.offsets = [1.0, np.array([3.0, 4.0])]

    def __call__(self, x):
        return np.sum(self.offsets[1] * 2 * x) + self.offsets[0] + RATE * WEIGHTS[0]


@dataclasses.dataclass
class Config:
    rate: float = 0.5
    table: Any = None


@dataclasses.dataclass(slots=True)
class Slotted:
    rate: float
    table: Any


class Tools:
    factor = 2.0

    @staticmethod
    def scaled(x):
        return x * RATE


X = np.array([0.5, -1.5])
MODULE = ModuleType("settings_of_the_user")
MODULE.__file__ = __file__
MODULE.factor = 2.0
MODULE.table = np.array([1.0, 2.0])


def scenario_global_number(m):
    m.setitem(globals(), "RATE", 0.5)
    yield lambda x: x * RATE
    m.setitem(globals(), "RATE", 0.75)
    yield None


def scenario_helper_global(m):
    yield deep_helper
    m.setitem(globals(), "RATE", 3.5)
    yield None
    m.setitem(globals(), "helper", lambda x: x * 100)
    yield None


def scenario_array_contents(m):
    yield lambda x: x * WEIGHTS + WEIGHTS.sum() * len(WEIGHTS)
    m.setitem(globals(), "WEIGHTS", np.array([3.0, 4.0]))
    yield None
    WEIGHTS[0] = 17
    yield None


def scenario_array_control_flow(m):
    weights = np.array([1.0, 2.0])
    yield lambda x: x if weights[0] > 0 else x * float(len(weights)) * weights.max()
    weights[0] = -3
    yield None
    weights[1] = 10
    yield None


def scenario_array_of_another_shape(m):
    m.setitem(globals(), "WEIGHTS", np.array([3.0, 4.0]))
    yield lambda x: x * WEIGHTS.sum() / WEIGHTS.size
    m.setitem(globals(), "WEIGHTS", np.ones(5, np.float32))
    yield None


def scenario_labels(m):
    labels = np.array([0, 1])
    yield lambda x: np.eye(3)[labels] @ np.ones(3) * x + labels
    labels[0] = 2
    yield None


def scenario_equal_arrays(m):
    first, second, third = np.zeros(2), np.zeros(2), np.zeros(2)
    yield lambda x: x + first + 2 * second + 4 * third @ np.eye(2)
    second[:] = 5
    yield None
    third -= 1
    yield None
    first[1] = 7
    yield None


def scenario_equal_arrays_of_integers(m):
    rows, columns, both = np.array([0, 1]), np.array([0, 1]), np.array([[0, 1], [0, 1]])
    yield lambda x: np.outer(x, x)[rows, columns] + x[both].sum(axis=0)[columns]
    columns[:] = 1, 0
    yield None
    both[0] = 1
    yield None
    rows[0] = 1
    yield None


def scenario_an_array_equal_to_a_literal(m):
    places, scale = np.arange(2), np.array([1.0, 2.0])
    yield lambda x: np.roll(x, 1) + x[np.arange(2)] * x[places] + np.array([1.0, 2.0]) * scale
    scale[:] = 3
    yield None
    places[:] = 1, 0
    yield None


def scenario_equal_arrays_in_a_gradient(m):
    model = Model()
    model.moments = [np.zeros(2), np.zeros(2)]
    yield cr.grad(lambda x: np.sum((x + model.moments[0]) ** 2 + (x - model.moments[1]) ** 2))
    model.moments[1][:] = 3
    yield None
    model.moments[0][0] = -2
    yield None


def scenario_float_of_captured(m):
    table = np.array([1.0, 2.0])
    yield lambda x: x * max(float(t) for t in table)
    table[0] = 9
    yield None


def scenario_closure(m):
    rate, table = 0.5, np.array([1.0, 2.0])

    def change():
        nonlocal rate, table
        rate, table = 0.25, np.array([5.0, 5.0])

    yield lambda x: x * rate + table
    table[1] = 7
    yield None
    change()
    yield None


def scenario_function_in_a_cell(m):
    act = [np.tanh]
    activation = np.tanh

    def change():
        nonlocal activation
        activation = np.sin
        act[0] = np.cos

    yield lambda x: activation(x) + act[0](x)
    change()
    yield None


def scenario_dict_and_list(m):
    m.setitem(globals(), "SETTINGS", {"rate": 2.0, "layers": [np.array([1.0, 1.0]), 3.0]})
    yield lambda x: x * SETTINGS["rate"] + SETTINGS["layers"][0] * SETTINGS["layers"][1]
    SETTINGS["rate"] = 5.0
    yield None
    SETTINGS["layers"][0][1] = 11
    yield None
    SETTINGS["layers"][1] = 4.0
    yield None
    SETTINGS["layers"].insert(0, np.array([2.0, 2.0]))
    yield None


def scenario_presence_of_a_key(m):
    options: dict[str, float] = {}
    yield lambda x: x * 2 if "double" in options else x
    options["double"] = 1.0
    yield None


def scenario_object(m):
    model = Model()
    yield model.loss
    model.lr = 0.2
    yield None
    model.w[0] = 9
    yield None
    model.w = np.array([5.0, 6.0])
    yield None
    model.inner.offsets[1][0] = -2
    yield None
    model.inner.offsets[0] = 20.0
    yield None
    m.setattr(Model, "scale", 5.0)
    yield None
    model.scale = 7.0  # hides the class's
    yield None
    m.setitem(globals(), "RATE", 9.5)
    yield None
    m.setattr(Inner, "__call__", lambda self, x: np.sum(x))
    yield None


def scenario_dataclass(m):
    config = Config(0.5, np.array([1.0, 2.0]))
    yield lambda x: x * config.rate + config.table
    config.rate = 0.75
    yield None
    config.table[0] = 5
    yield None


def scenario_name_that_hides_a_builtin(m):
    yield lambda x: x * abs(-2.0) + helper(x)
    m.setitem(globals(), "abs", lambda x: 10.0)
    yield None


def scenario_slots(m):
    config = Slotted(0.5, np.array([1.0, 2.0]))
    yield lambda x: x * config.rate + config.table
    config.rate = 0.75
    yield None
    config.table[0] = 5
    yield None
    config.table = np.array([8.0, 8.0])
    yield None


def scenario_gradient_by_a_captured_dataclass(m):
    config = Config(0.5, np.array([1.0, 2.0]))

    def loss(c, x):
        return np.sum(c.rate * x * c.table)

    yield lambda x: cr.grad(loss)(config, x).table
    config.rate = 0.75
    yield None
    config.table[0] = 5
    yield None


def scenario_other_containers(m):
    table = collections.OrderedDict(a=1.0)
    names = {"a"}
    space = types.SimpleNamespace(rate=2.0, table=np.array([1.0, 2.0]))
    queue = collections.deque([1.0, 2.0])
    yield lambda x: (x * table["a"] * (2 if "b" in names else 1) + space.rate) * queue[-1]
    table["a"] = 5.0
    yield None
    names.add("b")
    yield None
    space.rate = 3.0
    yield None
    queue.append(7.0)
    yield None


def scenario_sparse(m):
    matrix = scipy.sparse.csr_array(np.eye(2))
    yield lambda x: x * (matrix @ np.ones(2))
    matrix.data[0] = 5
    yield None


def scenario_function_in_a_class(m):
    yield lambda x: Tools.scaled(x) * Tools.factor
    m.setattr(Tools, "factor", 4.0)
    yield None
    m.setattr(Tools, "scaled", staticmethod(lambda x: x * 10))
    yield None
    m.setitem(globals(), "RATE", 2.5)
    yield None


def scenario_call_of_a_compiled_function(m):
    inner = cr.compile(lambda x: x * RATE * WEIGHTS)
    yield lambda x: inner(x) + inner(np.ones(2))
    m.setitem(globals(), "RATE", 2.5)
    yield None
    WEIGHTS[0] = 13
    yield None


def scenario_defaults(m):
    def f(x, rate=0.5, *, table=DEFAULT):
        return x * rate + table

    yield f
    f.__kwdefaults__["table"][0] = 3
    yield None
    f.__defaults__ = (2.5,)
    yield None


def scenario_partial(m):
    table = np.array([1.0, 2.0])
    yield functools.partial(lambda t, x: t * x * t.sum(), table)
    table[0] = 4
    yield None


def scenario_module(m):
    yield lambda x: x * MODULE.factor + MODULE.table.sum()
    m.setattr(MODULE, "factor", 3.0)
    yield None
    MODULE.table[0] = 8
    yield None


def scenario_code(m):
    def f(x):
        return x * 2

    def g(x):
        return x * 3

    yield lambda x: f(x)
    f.__code__ = g.__code__
    yield None


def scenario_gradient(m):
    table = np.array([1.0, 2.0])
    yield cr.grad(lambda x: np.sum(table.max() * x**2 * RATE))
    table[1] = 6
    yield None
    m.setitem(globals(), "RATE", 3.25)
    yield None


SCENARIOS = {name[9:]: f for name, f in list(globals().items()) if name.startswith("scenario_")}


@pytest.mark.parametrize("name", SCENARIOS)
def test_never_stale(name: str, compiled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "RATE", 0.5)
    steps = SCENARIOS[name](monkeypatch)
    f = next(steps)
    fast = compiled(f)
    for x in (X, X + 1, -X):
        same(fast(x), f(x))
    for _ in steps:
        for x in (X, X + 1, -X, X * 0.5):
            same(fast(x), f(x))


def test_a_training_loop_that_fills_its_weights_is_recorded_once(
    compiled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = []
    run = specializations.run
    monkeypatch.setattr(specializations, "run", lambda *args: recordings.append(1) or run(*args))
    model = Model()
    gradient = compiled(cr.grad(model.loss))
    for _ in range(5):
        same(gradient(X), cr.grad(model.loss)(X))
        model.w -= 0.1
    assert len(recordings) == 1


def test_values_that_come_and_go_are_recorded_once_each(
    compiled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = []
    run = specializations.run
    monkeypatch.setattr(specializations, "run", lambda *args: recordings.append(1) or run(*args))
    fast = compiled(helper)
    for rate in (0.5, 0.75, 0.5, 0.75, 0.5):
        monkeypatch.setitem(globals(), "RATE", rate)
        assert fast(2.0) == 2 * rate
    assert len(recordings) == 2


def test_a_number_that_changes_at_each_call_is_named(
    compiled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = compiled(helper)
    for k in range(specializations.MOST_RECORDINGS):
        monkeypatch.setitem(globals(), "RATE", k + 0.5)
        assert fast(2.0) == 2 * (k + 0.5)
    monkeypatch.setitem(globals(), "RATE", 90.5)
    with pytest.warns(cr.errors.NotCompiledWarning, match="`RATE` was changed"):
        assert fast(2.0) == 181.0
    monkeypatch.setitem(globals(), "RATE", 91.5)
    assert fast(2.0) == 183.0
