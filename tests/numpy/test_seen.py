"""What recorded code finds at run time is seen, too: in containers, in objects, by an import."""

from __future__ import annotations

import abc
import collections
import copy
import dataclasses
import functools
import gc
import math
import threading
import types

import numpy as np
import pytest

import chainrule as cr

X = np.array([0.7, 0.9, 1.2])


def squares(x):
    b = np.zeros(3)
    for i in range(3):
        b[i] = x[i] ** 2
    return b


def exponentials(x):
    return np.array([math.exp(v) for v in x])


TABLE = {"squares": squares, "module": np, "nested": [(exponentials, 2.0)]}
NAME = "array"
OTHERS = [
    collections.OrderedDict(f=squares),
    collections.defaultdict(list, f=squares),
    types.SimpleNamespace(f=squares),
    collections.deque([squares]),
    {squares},
]


class Layer:
    made = 0

    def __init__(self, n=3):
        self.n, self.buffer = n, np.zeros(n)
        Layer.made += 1

    def forward(self, x):
        out = np.zeros(self.n)
        for i in range(self.n):
            out[i] = math.tanh(x[i])
        return out

    def __call__(self, x):
        return 2 * self.forward(x)

    def fill(self, x):
        self.buffer[:] = x
        return self.buffer

    @property
    def ones(self):
        return np.array([1.0, self.n, 1.0])

    @staticmethod
    def copied(x):
        out = np.zeros(3)
        out[:] = x
        return out

    @classmethod
    def of(cls, n):
        return cls(n)


class Deep(Layer):
    def forward(self, x):
        out = np.zeros(3)
        out[1:] = super().forward(x)[1:]
        return out


class Network:
    def __init__(self):
        self.layers = [Layer(), Deep()]
        self.act, self.xp, self.named = exponentials, np, {"first": Layer()}

    def loss(self, x):
        for layer in self.layers:
            x = layer(x)
        out = self.xp.zeros(3)
        out[:] = self.act(x)
        return np.sum(out) + np.sum(self.named["first"].forward(x) ** 2)


class Tree:
    def __init__(self, child=None):
        self.child, self.parent = child, None

    def apply(self, x):
        out = np.zeros(3)
        out[:] = 2 * x
        return out if self.child is None else self.child.apply(out)


class Base(abc.ABC):
    @abc.abstractmethod
    def apply(self, x): ...


class Concrete(Base):
    def apply(self, x):
        out = np.zeros(3)
        out[:] = x
        return out


@dataclasses.dataclass(frozen=True)
class Scaled:
    a: float

    def apply(self, x):
        out = np.zeros(3)
        out[:] = self.a * x
        return out


class Slotted:
    __slots__ = ("a", "n")

    def __init__(self):
        self.a, self.n = np.zeros(3), 0

    def apply(self, x):
        self.a[:] = x
        return self.a

    def renewed(self, x):
        self.n += 1
        self.a, before = np.zeros(3), self.a.copy()
        self.a[:2] = before[0] = math.exp(x[0])
        return np.sum(self.a * before * x)


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    w: np.ndarray
    k: float = 2.0

    def energy(self, x):
        out = np.empty_like(self.w)
        out[:] = self.w * x
        out[0] = math.sin(self.k * x[1])
        return np.sum(out * (dataclasses.replace(self, k=3.0).k - isinstance(self, Settings)))


class Decorator:
    def __init__(self, f):
        functools.update_wrapper(self, f)

    def __call__(self, x):
        return self.__wrapped__(x)


LAYER, DEEP, NETWORK, CONCRETE, SCALED = Layer(), Deep(), Network(), Concrete(), Scaled(2.0)
SLOTTED, SETTINGS = Slotted(), Settings(np.arange(3.0))
TREE = Tree(Tree(Tree()))
TREE.child.parent = TREE
decorated = Decorator(squares)


@functools.cache
def cached(x):
    return math.exp(x) * 2


def by_import(x):
    import math as m

    import numpy as xp
    from numpy import zeros

    out, more = xp.zeros(3), zeros(3)
    out[:] = x
    more[0] = m.exp(x[0])
    return np.sum(out**2 + more)


def with_default(x, table=TABLE, layer=LAYER):
    return np.sum(table["squares"](x)) + np.sum(layer(x))


def made_here(x):
    layer = Layer.of(3)
    return np.sum(layer(x) * layer.copied(x)) + np.sum(layer.fill(x)) + isinstance(layer, Layer)


def deep_copies(x):
    a = copy.deepcopy(np.ones(3))
    a[1] = x[1] ** 2
    return np.sum(a)


FORMS = {
    "dict": lambda x: np.sum(TABLE["squares"](x)),
    "nested containers": lambda x: np.sum(TABLE["nested"][0][0](x)) * TABLE["nested"][0][1],
    "other containers": lambda x: (
        np.sum([OTHERS[0]["f"](x), OTHERS[1]["f"](x), OTHERS[2].f(x), OTHERS[3][0](x)])
        + sum(np.sum(f(x)) for f in OTHERS[4])
    ),
    "module in a dict": lambda x: np.sum(TABLE["module"].array([x[0], 1.0]) ** 2),
    "method": lambda x: np.sum(LAYER.forward(x)),
    "callable object": lambda x: np.sum(LAYER(x)),
    "super": lambda x: np.sum(DEEP(x) * DEEP.ones),
    "class": made_here,
    "objects in objects": NETWORK.loss,
    "cycle": lambda x: np.sum(TREE.apply(x)) + (TREE.child.parent is TREE),
    "abstract": lambda x: np.sum(CONCRETE.apply(x) ** 2) + isinstance(CONCRETE, Base),
    "dataclass": lambda x: np.sum(SCALED.apply(x)) + (dataclasses.replace(SCALED, a=2.0) == SCALED),
    "slots": lambda x: np.sum(Slotted().apply(x) ** 2),
    "object with slots": SETTINGS.energy,
    "slots that are captured": lambda x: SETTINGS.energy(x) * SETTINGS.k,
    "decorated": lambda x: np.sum(decorated(x)),
    "cached": lambda x: cached(x[0]) + cached(2.0),
    "import": by_import,
    "name of a name": lambda x: np.sum(getattr(np, NAME)([x[0] ** 2, 1.0])),
    "default": with_default,
    "partial": functools.partial(lambda layer, x: np.sum(layer(x)), LAYER),
    "copies": deep_copies,
}


@pytest.mark.parametrize("name", FORMS)
def test_gradients_of_what_is_found_at_run_time(name):
    f = FORMS[name]
    value, gradient = cr.value_and_grad(f)(X)
    assert value == pytest.approx(f(X), rel=1e-14)
    slopes = [(f(X + e) - f(X - e)) / 2e-6 for e in 1e-6 * np.eye(3)]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-9)


def test_objects_that_are_arguments():
    def f(layer, x, *, scaled):
        known = type(layer) is Layer and isinstance(scaled, Scaled)
        return np.sum(layer(x)) + np.sum(scaled.apply(x)) + known

    layer, scaled = Layer(), Scaled(3.0)
    value, gradient = cr.value_and_grad(f, argnums=1)(layer, X, scaled=scaled)
    assert value == pytest.approx(f(layer, X, scaled=scaled), rel=1e-14)
    np.testing.assert_allclose(gradient, 2 / np.cosh(X) ** 2 + 3.0)
    assert type(layer) is Layer
    slope = cr.grad(lambda scaled: np.sum(scaled.apply(X)))(scaled)
    assert type(slope) is Scaled
    assert slope.a == pytest.approx(X.sum())


def test_the_users_own_are_left_as_they_are():
    before = Layer.made
    for f in FORMS.values():
        cr.grad(f)(X)
    assert Layer.made > before  # Layer.made += 1 is done to the user's class
    assert type(LAYER) is Layer
    assert type(NETWORK.layers[1]) is Deep
    assert TABLE["squares"] is squares
    assert type(LAYER(X)) is np.ndarray
    gc.collect()
    kinds = {type(x) for x in gc.get_objects()}
    assert not kinds & set(Layer.__subclasses__()) - {Deep}


def test_what_a_run_leaves_in_an_object_is_an_ndarray():
    layer = Layer()

    def f(x):
        layer.scratch = np.zeros(3)
        layer.result = layer.forward(x)
        layer.other = Layer()
        return np.sum(layer.copied(x))

    cr.grad(f)(X)
    assert type(layer.scratch) is np.ndarray
    np.testing.assert_array_equal(layer.result, layer.forward(X))
    assert type(layer.result) is np.ndarray
    assert type(layer.other) is Layer
    assert type(layer.other.buffer) is np.ndarray


def test_slots_are_written_where_they_are():
    other = Slotted()

    def f(x, by):
        by.renewed(2 * x)
        return SLOTTED.renewed(x) * np.sum(by.a) + SLOTTED.n

    SLOTTED.a, other.a = np.ones(3), np.ones(3)
    value, slope = cr.value_and_grad(f)(X, other)
    assert SLOTTED.n == 1
    assert type(SLOTTED) is type(other) is Slotted
    np.testing.assert_array_equal(SLOTTED.a, np.exp(X[0]) * np.array([1.0, 1.0, 0.0]))
    assert type(SLOTTED.a) is type(other.a) is np.ndarray

    def again(x):
        SLOTTED.a, other.a, SLOTTED.n = np.ones(3), np.ones(3), 0
        return f(x, other)

    assert value == again(X)
    slopes = [(again(X + e) - again(X - e)) / 2e-6 for e in 1e-6 * np.eye(3)]
    np.testing.assert_allclose(slope, slopes, rtol=1e-6)


def test_containers_and_objects_are_live():
    table = {"f": squares}
    layers = [Layer()]
    gradient = cr.grad(lambda x: np.sum(table["f"](x)) + sum(np.sum(m(x)) for m in layers))
    first = gradient(X)
    table["f"] = exponentials
    second = gradient(X)
    np.testing.assert_allclose(second - first, np.exp(X) - 2 * X)
    layers.append(Layer())
    np.testing.assert_allclose(gradient(X) - second, 2 / np.cosh(X) ** 2)


def test_a_container_that_a_run_changes_is_changed():
    registry = [squares]

    def f(x):
        registry.append(len(registry))
        return np.sum(registry[0](x))

    cr.grad(f)(X)
    assert registry == [squares, 1]


def test_threads_share_an_object():
    gradient = cr.grad(NETWORK.loss)
    expected, found = gradient(X), []
    threads = [
        threading.Thread(target=lambda: found.extend(gradient(X) for _ in range(20)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 60
    for g in found:
        np.testing.assert_array_equal(g, expected)
    assert type(NETWORK) is Network
