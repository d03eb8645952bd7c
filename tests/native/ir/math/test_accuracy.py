"""Every function within 2 ULP of the truth, at every binade, and vectorised; limits as in C99."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from chainrule.native.ir.math import HAVE_FAST_PATH, NAMES, catalogue, definitions, fast_range
from chainrule.native.runtime import engine

from ...conftest import load

measure = load("accuracy_measure", Path(__file__).with_name("measure.py"))

DTYPES = {"double": np.float64, "float": np.float32}
TARGETS = (engine.host(), measure.PLAIN)
KINDS = pytest.mark.parametrize("kind", ["double", "float"])
EVERY = pytest.mark.parametrize("name", NAMES)


@KINDS
@pytest.mark.parametrize("name", catalogue.FUNCTIONS)
def test_within_2_ulp(name, kind):
    found = measure.largest_errors(name, kind, TARGETS, 1 if kind == "double" else 40)
    for target, (error, where) in zip(TARGETS, found, strict=True):
        assert error <= 2.0, (target.cpu, where)


def lanes_of(name, kind, target):
    """Return the lengths of the vectors that are stored, of numbers or of their bits."""
    ir = measure.library(name, kind, target).ir
    width = "i64" if kind == "double" else "i32"
    stores = re.findall(rf"store <(\d+) x (?:{kind}|{width})>", ir[ir.index("@loop(") :])
    return set(map(int, stores))


@KINDS
@pytest.mark.parametrize("name", catalogue.FUNCTIONS)
def test_vectorised(name, kind):
    lanes = lanes_of(name, kind, TARGETS[0])
    assert lanes, f"{name} was not vectorised"
    # Floats that are not for the fast path are reduced as doubles.
    full = 4 if kind == "double" or name in HAVE_FAST_PATH else 8
    assert max(lanes) >= full or "+avx2" not in TARGETS[0].features


def test_vectorised_for_a_plain_processor():
    for name, kind in itertools.product(("exp", "log", "tanh", "sin_fast"), DTYPES):
        ir = measure.library(name, kind, measure.PLAIN).ir
        assert lanes_of(name, kind, measure.PLAIN), (name, kind)
        assert "llvm.fma" not in ir


def special_values(dtype):
    info = np.finfo(dtype)
    sizes = [0.0, info.smallest_subnormal, info.tiny, 0.5, 1.0, 1.5, 2.0, 3.0, info.max, np.inf]
    return np.array([*sizes, *(-x for x in sizes), np.nan], dtype=dtype)


@KINDS
@EVERY
def test_limits(name, kind):
    values = special_values(DTYPES[kind])
    pairs = itertools.product(values, repeat=NAMES[name])
    operands = [np.array(x, dtype=DTYPES[kind]) for x in zip(*pairs, strict=True)]
    with np.errstate(all="ignore"):
        expected = measure.reference(name)(*operands)
    for target in TARGETS:
        found = measure.evaluate(name, target, *operands)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
        real = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(found)[real], np.signbit(expected)[real])
        np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))
        info = np.finfo(found.dtype)
        np.testing.assert_allclose(  # SciPy's own ndtr(-3) is 4 ULP off
            found, expected, rtol=8 * float(info.eps), atol=float(info.smallest_subnormal)
        )


@KINDS
def test_a_payload_of_nan_does_no_harm(kind):
    bits = {"double": (np.uint64, 0x7FF8000000000FFF), "float": (np.uint32, 0x7FC001FF)}[kind]
    x = np.full(9, bits[1], dtype=bits[0]).view(DTYPES[kind])
    for name in NAMES:
        operands = [x] * NAMES[name]
        assert np.isnan(measure.evaluate(name, TARGETS[0], *operands)).all(), name


@KINDS
@pytest.mark.parametrize("name", sorted(HAVE_FAST_PATH))
def test_the_fast_path_agrees_within_its_range(name, kind):
    generator = np.random.default_rng(0)
    x = measure.binades(DTYPES[kind], 20, generator)
    low, high = fast_range(name, kind)
    x = x[(x > low) & (x < high)]
    for target in TARGETS:
        fast = measure.evaluate(f"{name}_fast", target, x)
        np.testing.assert_array_equal(fast, measure.evaluate(name, target, x))


@KINDS
@pytest.mark.parametrize("name", sorted(catalogue.NEAR_RANGES))
def test_the_quickest_path_has_the_same_bits(name, kind):
    x = measure.binades(DTYPES[kind], 20, np.random.default_rng(0))
    low, high = catalogue.NEAR_RANGES[name]
    ends = [0.0, -0.0, np.nextafter(low, 0), np.nextafter(high, 0)]
    x = np.append(x[(x > low) & (x < high)], ends).astype(DTYPES[kind])
    for target in TARGETS:
        near = measure.evaluate(f"{name}_near", target, x)
        fast = measure.evaluate(f"{name}_fast", target, x)
        np.testing.assert_array_equal(near.view(np.uint8), fast.view(np.uint8))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 7, 9, 17])
def test_the_rest_of_a_vector_is_computed_alike(n):
    x = np.linspace(-3, 3, 17)
    for name in ("exp", "tanh", "sin"):
        whole = measure.evaluate(name, TARGETS[0], x)
        np.testing.assert_array_equal(measure.evaluate(name, TARGETS[0], x[:n]), whole[:n])


def test_exact_results():
    host = TARGETS[0]
    powers = np.arange(-1074.0, 1024.0)
    np.testing.assert_array_equal(
        measure.evaluate("exp2", host, powers), np.ldexp(1.0, powers.astype(int))
    )
    np.testing.assert_array_equal(
        measure.evaluate("log2", host, np.ldexp(1.0, powers.astype(int))), powers
    )
    tens = np.arange(0.0, 23.0)
    np.testing.assert_array_equal(measure.evaluate("log10", host, 10.0**tens), tens)
    cubes = np.arange(-50.0, 50.0)
    np.testing.assert_array_equal(measure.evaluate("cbrt", host, cubes**3), cubes)
    sides = np.array([[3.0, 5 * 2.0**1000, 2.0**-1074], [4.0, 12 * 2.0**1000, 0.0]])
    expected = [5.0, 13 * 2.0**1000, 2.0**-1074]
    np.testing.assert_array_equal(measure.evaluate("hypot", host, *sides), expected)


def test_definitions_are_in_a_fixed_order_and_once():
    names = [("sin", "double"), ("exp", "float"), ("cos", "double"), ("exp", "float")]
    text = definitions(names)
    assert text == definitions(reversed(names))
    for name, kind in names:
        assert text.count(f"@cr.{name}.{kind}(") == 1
    assert text.count("@cr.two_over_pi.0 =") == 1
