"""What `stage` prints, line for line where the line matters, and what it refuses."""

from __future__ import annotations

import inspect
import math
import runpy
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

import chainrule as cr
from chainrule import errors


def lecture(x, y):
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    f = num * invden
    return f


def lines_of(staged: Any) -> list[str]:
    return [line.text for line in staged.backward]


def test_the_lecture() -> None:
    staged = cr.stage(lecture, 3.0, -4.0)
    names = ["sigy", "num", "sigx", "xpy", "xpysqr", "den", "invden", "f"]
    assert [stage.name for stage in staged.stages] == names
    assert lines_of(staged) == [
        "dnum = invden",
        "dinvden = num",
        "dden = (-1.0 / (den**2)) * dinvden",
        "dsigx = (1) * dden",
        "dxpysqr = (1) * dden",
        "dxpy = (2 * xpy) * dxpysqr",
        "dx = (1) * dxpy",
        "dy = (1) * dxpy",
        "dx += ((1 - sigx) * sigx) * dsigx",
        "dx += (1) * dnum",
        "dsigy = (1) * dnum",
        "dy += ((1 - sigy) * sigy) * dsigy",
    ]
    assert [line.stage.number for line in staged.backward] == [8, 8, 7, 6, 6, 5, 4, 4, 3, 2, 2, 1]
    assert staged(3.0, -4.0) == cr.value_and_grad(lecture, (0, 1))(3.0, -4.0)


def test_the_lines_of_the_lecture_know_their_two_factors() -> None:
    staged = cr.stage(lecture, 3.0, -4.0)
    run = staged.run(3.0, -4.0)
    line = staged.backward[2]
    assert (line.local, line.upstream) == ("-1.0 / (den**2)", "dinvden")
    assert run.locals[2] * run.upstreams[2] == run.contributions[2] == run.variables["dden"]
    assert run.variables["dx"] == sum(run.contributions[k] for k in (6, 8, 9))
    assert staged.gradient_name["sigx"] == "dsigx"


def test_the_network() -> None:
    def loss(x, W1, b1, W2, b2, y):
        h1 = x @ W1 + b1
        z1 = 1 / (1 + np.exp(-h1))
        z2 = z1 @ W2 + b2
        return np.sum((z2 - y) ** 2)

    shapes = [(4, 3), (3, 5), (5,), (5, 2), (2,), (4, 2)]
    random = np.random.default_rng(0)
    staged = cr.stage(loss, *(random.normal(size=s) for s in shapes), argnums=(1, 2, 3, 4))
    assert lines_of(staged) == [
        "dz2 = 2 * (z2 - y)",
        "dz1 = dz2 @ W2.T",
        "dW2 = z1.T @ dz2",
        "db2 = dz2.sum(axis=0)",
        "dh1 = dz1 * z1 * (1 - z1)",
        "dW1 = x.T @ dh1",
        "db1 = dh1.sum(axis=0)",
    ]
    assert staged.source.rstrip().endswith("return value, (dW1, db1, dW2, db2)")


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: np.tanh(x), 1.0, "dx = 1 - value**2"),
        (lambda x: np.mean(x**3), np.ones(4), "dx = 3 * x**2 / 4"),
        (lambda x: x[0] * x[1], np.ones(2), "dx[1] += x[0]"),
        (lambda x: np.sum(x), np.ones((2, 2)), "dx = np.ones_like(x)"),
        (lambda x: 2 / x, 3.0, "dx = -2 / (x**2)"),
        (lambda x: -x * -x, 3.0, "dx = 2 * x"),
    ],
)
def test_one_line(f: Any, x: Any, expected: str) -> None:
    assert expected in lines_of(cr.stage(f, x))


def test_a_relu_shares_its_ties() -> None:
    def f(h):
        z = np.maximum(h, 0)
        return np.sum(z * 3)

    for example in (np.array([1.0, -1.0]), np.array([1.0, 0.0])):
        staged = cr.stage(f, example)
        assert "dh = dz * np.where(h == 0, 0.5, h > 0)" in lines_of(staged)
        np.testing.assert_array_equal(staged(np.array([1.0, 0.0]))[1][0], [3.0, 1.5])


def test_no_nan_comes_from_the_branch_not_taken() -> None:
    def f(x):
        root = np.sqrt(x)
        return np.sum(np.where(x > 0, root, 0.0))

    x = np.array([4.0, 0.0])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(cr.stage(f, x)(x)[1][0], [0.25, 0.0])


def test_a_branch_is_checked_when_the_code_runs() -> None:
    def f(x):
        if x > 0:
            return x * x
        return -x

    staged = cr.stage(f, 2.0)
    assert staged(3.0) == (9.0, (6.0,))
    with pytest.raises(
        AssertionError, match=r"line \d+ takes another branch \(if x > 0\)"
    ) as caught:
        staged(-3.0)
    assert "assert x > 0" in "".join(traceback.format_exception(caught.value))  # its own line


def test_the_message_of_an_assertion_is_no_code() -> None:
    def f(x):
        if math.sin(1.0) < 1 and x > 0 and "\"'\\":  # np.pi
            return x * x
        return -x

    staged = cr.stage(f, 2.0)
    assert "import" not in staged.source
    with pytest.raises(AssertionError, match=r"if math\.sin\(1\.0\) < 1 and x > 0 and"):
        staged(-3.0)


def test_long_assertions_are_broken() -> None:
    def f(x):
        if np.sum(np.sin(x) * np.cos(x)) + np.sum(np.exp(x) * np.log(1 + x)) > np.sum(np.tanh(x)):
            return np.sum(x * x)
        return np.sum(x)

    staged = cr.stage(f, np.array([1.0, 2.0]))
    assert max(map(len, staged.source.splitlines())) <= 100
    with pytest.raises(AssertionError, match="takes another branch"):
        staged(np.array([-0.5, -0.5]))


def test_what_is_built_in_is_named_by_the_saved_module(tmp_path: Path) -> None:
    def f(x, n):
        return np.sum(x**n)

    x = np.array([0.5, -1.5])
    cr.stage(f, x, 2).save(tmp_path / "f_gradient.py")
    namespace = runpy.run_path(str(tmp_path / "f_gradient.py"))
    with pytest.raises(AssertionError, match="n is built into the code"):
        namespace["f_gradient"](x, 3)
    with pytest.raises(AssertionError, match="depend on the shape of x"):
        namespace["f_gradient"](x[:1], 2)


def test_gradients_own_their_memory() -> None:
    def f(x, y):
        return np.sum(x + y) + np.sum(x * y)

    x, y = np.ones(3), np.full(3, 2.0)
    _, (dx, dy) = cr.stage(f, x, y)(x, y)
    dx *= 100
    np.testing.assert_array_equal(dy, [2.0, 2.0, 2.0])
    np.testing.assert_array_equal(y, [2.0, 2.0, 2.0])
    _, (dx, dy) = cr.stage(lambda x, y: np.sum(x * y), x, y)(x, y)
    dx *= 100
    np.testing.assert_array_equal(y, [2.0, 2.0, 2.0])


def test_names_never_clash() -> None:
    def f(x, dx, np_, t1):
        math_ = x * dx
        lambda_ = np.exp(math_) + t1
        d = (x + 1) * (x + 2)
        return d * lambda_ * np_

    args = (0.3, 0.4, 0.5, 0.6)
    staged = cr.stage(f, *args)
    expected = cr.value_and_grad(f, (0, 1, 2, 3))(*args)
    assert staged(*args)[1] == pytest.approx(expected[1], rel=1e-14)
    assert staged.gradient_name["x"] != "dx"


def test_integer_arrays_stay_variable() -> None:
    def f(E, ids):
        return np.sum(E[ids] ** 2)

    E = np.arange(6.0).reshape(3, 2)
    staged = cr.stage(f, E, np.array([0, 0]))
    other = np.array([2, 1])
    assert staged(E, other)[0] == f(E, other)
    np.testing.assert_array_equal(staged(E, other)[1][0], cr.grad(f)(E, other))


def test_what_was_built_in_cannot_be_changed_silently() -> None:
    def f(x, n):
        return x**n

    staged = cr.stage(f, 2.0, 3)
    assert staged(3.0, 3)[0] == 27.0
    with pytest.raises(errors.ArgumentError, match=r"staged for n = 3, got 4"):
        cr.stage(lambda x, n: np.sum(x**n), np.ones(2), 3)(np.ones(2), 4)
    with pytest.raises(errors.ArgumentError, match=r"staged for n = 3, got 4"):
        staged(3.0, 4)


def test_a_number_that_python_saw_is_checked() -> None:
    staged = cr.stage(lambda x: int(cr.stop_gradient(x)) * x, 2.5)
    assert staged(2.25) == (4.5, (2.0,))
    with pytest.raises(AssertionError):
        staged(3.0)


def test_shapes_that_depend_on_values_are_checked() -> None:
    def f(x):
        return np.mean(x[x > 0])

    staged = cr.stage(f, np.array([1.0, -2.0, 3.0]))
    np.testing.assert_array_equal(staged(np.array([-1.0, 2.0, 3.0]))[1][0], [0.0, 0.5, 0.5])
    with pytest.raises(AssertionError):
        staged(np.array([1.0, 2.0, 3.0]))


def test_other_shapes_are_refused() -> None:
    staged = cr.stage(lambda x, b: np.sum(x + b), np.ones((4, 3)), np.ones(3))
    with pytest.raises(errors.ArgumentError, match=r"x of shape \(4, 3\), got \(5, 3\)"):
        staged(np.ones((5, 3)), np.ones(3))
    scalar = cr.stage(lambda x, y: x * y, 2.0, 3.0)
    with pytest.raises(errors.ArgumentError, match=r"x of shape \(\), got \(2,\)"):
        scalar(np.ones(2), 3.0)


def test_refusals() -> None:
    with pytest.raises(errors.NonScalarOutputError, match=r"returned shape \(2,\)"):
        cr.stage(lambda x: x * 2, np.ones(2))
    with pytest.raises(errors.ArgumentError, match=r"pass 3\.0 instead of 3"):
        cr.stage(lambda x: x * 2, 3)


def test_what_numpy_does_not_have_is_imported_from_scipy() -> None:
    from scipy import special

    staged = cr.stage(lambda x: np.sum(special.gammaln(x)), np.array([2.5, 1.5]))
    assert "import numpy as np\nimport scipy.special\n" in staged.source
    assert "scipy.special.gammaln(x)" in staged.source
    assert "scipy.special.digamma(x)" in staged.source
    found = staged.run(np.array([2.5, 1.5]))
    np.testing.assert_array_equal(found.gradients[0], special.digamma([2.5, 1.5]))


def test_templates_keep_what_they_are_filled_with_together() -> None:
    power = cr.elementwise(
        "power_of_a_test", lambda x: x**3, d=lambda x, y: 3 * x**2, source="{0} ** 3"
    )
    staged = cr.stage(lambda x: -power(x + 1.0) * 2.0, 2.0)
    assert "-(x + 1.0) ** 3 * 2.0" in staged.source
    assert staged(2.0) == (-54.0, (-54.0,))


def test_an_operation_of_the_users_own_needs_a_source() -> None:
    cube = cr.elementwise("cube_of_a_test", lambda x: x**3, d=lambda x, y: 3 * x**2)
    with pytest.raises(errors.UnsupportedError, match="`cube_of_a_test` cannot be printed"):
        cr.stage(lambda x: cube(x), 2.0)
    cube.source = "np.power({0}, 3)"
    assert cr.stage(lambda x: cube(x) * 1.5, 2.0)(2.0) == (12.0, (18.0,))


def test_an_operation_of_the_users_own_prints_by_its_formula() -> None:
    swish = cr.elementwise(
        "swish_with_a_formula",
        lambda x: x / (1 + np.exp(-x)),
        d=lambda x, y: (1 + x - y) * y / x,
        formula=lambda x: x / (1 + np.exp(-x)),
    )
    x = np.array([0.5, -2.0])
    staged = cr.stage(lambda x: np.sum(swish(x)), x)
    assert "x / (1 + np.exp(-x))" in staged.source
    compiled = cr.compile(swish)
    np.testing.assert_allclose(compiled(x), swish(x), rtol=1e-14)
    assert "swish" not in compiled.lower(x).rewritten


def test_a_source_that_computes_something_else_is_found_out() -> None:
    wrong = cr.elementwise(
        "wrong_of_a_test", lambda x: x**3, d=lambda x, y: 3 * x**2, source="np.power({0}, 4)"
    )
    with pytest.raises(errors.ChainruleError, match="please report"):
        cr.stage(lambda x: wrong(x), 2.0)


def test_a_chain_of_a_thousand_operations() -> None:
    def f(x):
        for _ in range(1000):
            x = x * 1.001
        return x

    staged = cr.stage(f, 1.0)
    assert len(staged.stages) == 1000
    value, (dx,) = staged(1.0)
    assert value == f(1.0)
    assert dx == pytest.approx(cr.grad(f)(1.0), rel=1e-12)


# Other inputs than the example.


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    ("f", "args", "at"),
    [
        (lambda x, y: np.maximum(x, y) ** 2, (1.0, 2.0), (3.0, 3.0)),
        (lambda x, y: np.sum(np.minimum(x, y) ** 2), (np.ones(2), np.zeros(2)), None),
        (lambda x, y: np.sum(np.maximum(x * y, 2 * x)), (np.ones(2), np.arange(2.0)), None),
        (lambda x, y: np.sum(np.fmax(x, y) ** 2), (np.ones(2), np.arange(2.0)), None),
        (lambda x, y: np.sum(np.maximum(np.exp(x @ x.T), y)), (np.eye(2), 9.0), (np.eye(2), 1.0)),
        (lambda x, y: np.sum(np.clip(x, -1, 1) * y), (np.array([-1.0, 1.0]), 3.0), None),
        (lambda x, y: np.sum(np.abs(x) - np.minimum(x, y)), (np.zeros(2), 1.0), (np.zeros(2), 0.0)),
        (lambda x, y: np.mean(np.maximum(0, 1 - x * y)), (np.ones(2), 5.0), (np.ones(2), 1.0)),
        (lambda x, y: np.minimum(np.maximum(x, 0.1 * x), y), (2.0, 5.0), (0.0, 0.0)),
        (lambda x, y: np.sum(np.sort(x) * y + np.median(x)), (np.arange(3.0), 2.0), None),
        (lambda x, y: np.sum(np.where(x > y, x * x, -x)), (np.arange(3.0), 0.5), None),
    ],
)
def test_ties_have_the_gradient_of_eager_mode_whatever_the_example_was(
    f: Any, args: tuple[Any, ...], at: tuple[Any, ...] | None, tied: bool
) -> None:
    if at is None:
        at = (np.full(np.shape(args[0]), 2.0), args[1] * 0 + 2.0)
    staged = cr.stage(f, *(at if tied else args))
    for found, right in zip(staged(*at)[1], cr.grad(f, (0, 1))(*at), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-15)


def test_minus_a_choice() -> None:
    x = np.array([1.0, 0.0, -2.0])
    np.testing.assert_array_equal(
        cr.stage(lambda x: np.sum(-np.maximum(x, 0)), np.ones(3))(x)[1][0], [-1.0, -0.5, 0.0]
    )


@pytest.mark.parametrize(
    ("f", "x", "tied"),
    [
        (lambda x: np.max(x) ** 2, [1.0, 2.0], [2.0, 2.0]),
        (lambda x: np.sum(x.min(axis=0)), [[1.0, 2.0], [3.0, 1.0]], [[2.0, 2.0], [2.0, 2.0]]),
    ],
)
def test_the_winners_of_a_maximum_share_its_gradient(f: Any, x: Any, tied: Any) -> None:
    staged = cr.stage(f, np.array(x))
    tied = np.array(tied)
    np.testing.assert_array_equal(staged(tied)[1][0], cr.grad(f)(tied))


def test_argnums_gives_the_order_of_the_gradients() -> None:
    def f(x, y):
        return x * y**2

    assert cr.stage(f, 2.0, 3.0, argnums=(1, 0))(2.0, 3.0) == (18.0, (12.0, 9.0))
    assert cr.stage(f, 2.0, 3.0, argnums=-1)(2.0, 3.0) == (18.0, (12.0,))
    weights = {"a": 1.0, "b": 2.0}
    staged = cr.stage(lambda p, x: p["a"] * x + p["b"], weights, 3.0, argnums=(1, 0))
    assert staged(weights, 3.0)[1] == (1.0, {"a": 3.0, "b": 1.0})


@pytest.mark.parametrize(
    ("argnums", "message"), [(2, "called with 2"), ((0, 0), "twice"), (1, r"is an int, 3")]
)
def test_argnums_that_name_no_float(argnums: Any, message: str) -> None:
    with pytest.raises(errors.ArgumentError, match=message):
        cr.stage(lambda x, n: x**n, 2.0, 3, argnums=argnums)


def test_a_saved_module_checks_what_is_built_into_it(tmp_path: Any) -> None:
    staged = cr.stage(lambda x, b, n: np.mean((x + b) ** n), np.ones((4, 3)), np.ones(3), 2)
    before = [line.lineno for line in staged.backward]
    path = tmp_path / "saved.py"
    staged.save(path)
    assert [line.lineno for line in staged.backward] == before  # still those of the source
    names: dict[str, Any] = {}
    exec(path.read_text(), names)
    saved = names[staged.name]
    assert saved(np.ones((4, 3)), np.ones(3), 2)[0] == 4.0
    for other in ((np.ones((5, 3)), np.ones(3), 2), (np.ones((4, 3)), np.ones(3), 3)):
        with pytest.raises(AssertionError):
            saved(*other)


def test_labels_that_were_used_as_numbers_are_checked() -> None:
    rows = np.eye(3)

    def f(x, labels):
        return np.sum(x * rows[labels])

    x = np.arange(6.0).reshape(2, 3)
    staged = cr.stage(f, x, np.array([0, 1]))
    assert staged(x, np.array([0, 1]))[0] == 4.0
    with pytest.raises(AssertionError):
        staged(x, np.array([2, 2]))


def test_labels_pick_rows_of_an_array_that_the_function_makes() -> None:
    def f(x, labels):
        return np.sum(x * np.eye(3)[labels])

    x = np.arange(6.0).reshape(2, 3)
    staged = cr.stage(f, x, np.array([0, 1]))
    assert staged(x, np.array([2, 2]))[0] == 7.0


# What is called, imported and named.


def test_numbers_are_passed_straight_to_the_printed_function() -> None:
    staged = cr.stage(lecture, 3.0, -4.0)
    assert isinstance(staged, cr.Staged)
    assert staged(x=3.0, y=-4.0) == staged.function(3.0, -4.0)
    assert list(inspect.signature(staged).parameters) == ["x", "y"]
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        staged(3.0)
    hidden = cr.stage(lambda kind, number, check: kind * number + check, 2.0, 3.0, 4.0)
    assert hidden(2.0, 3.0, 4.0) == (10.0, (3.0, 2.0, 1.0))
    with pytest.raises(errors.ArgumentError, match=r"kind of shape \(\), got \(2,\)"):
        hidden(np.ones(2), 3.0, 4.0)


def test_nothing_is_imported_for_a_comment() -> None:
    def f(x):
        if math.sqrt(4.0) * x > 0:
            return x * 3
        return x

    staged = cr.stage(f, 2.0)
    assert "math" in staged.source
    assert "import" not in staged.source


GLOBAL = np.arange(60.0).reshape(20, 3)


def test_a_global_array_keeps_its_name() -> None:
    def f(w):
        return math.exp(-1.0) * np.sum(GLOBAL @ w)

    assert "# GLOBAL: float64 (20, 3), captured by the function" in cr.stage(f, np.ones(3)).source


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: np.log(np.sum(np.exp(x))), np.ones(3), "dx = np.exp(x - value)"),
        (lambda x: np.sum(np.logaddexp(0, x)), np.ones(3), "dx = np.exp(x - np.logaddexp(0, x))"),
        (lambda x: np.sum(np.maximum(x, 0)), np.ones(3), "dx = np.where(x == 0, 0.5, x > 0)"),
        (lambda x: np.trace(x), np.ones((3, 3)), "dx = np.eye(3)"),
        (lambda x: np.sum(x * 0), np.ones(3), "dx = np.zeros_like(x)"),
        (lambda x: np.sum(x @ x.T / 3.0), np.ones((2, 2)), None),
        (lambda x: np.var(x), np.ones(5), "dx = 2 * (x - np.mean(x)) / 5"),
        (lambda x: np.mean(np.log(x) - x), np.ones(4), "dx = (1 / x - 1) / 4"),
        (lambda x: 4 * (x**2 - x), 1.0, "dx = 8 * x - 4.0"),
        (lambda x: np.mean(x), np.ones(4), "dx = np.full_like(x, 1 / 4)"),
        (lambda x: np.sum(x[1:] - x[:-1]) ** 2, np.ones((3, 2)), "dx[:-1] -= t1"),
    ],
)
def test_textbook_forms(f: Any, x: Any, expected: str | None) -> None:
    staged = cr.stage(f, x)
    if expected is not None:
        assert expected in lines_of(staged)
    np.testing.assert_allclose(staged(x)[1][0], cr.grad(f)(x), rtol=1e-12)


def test_a_gradient_that_grows_changes_no_other() -> None:
    def f(x):
        b = np.sin(x)
        c = b * 3
        return np.mean((x + b + c) ** 2)

    x = np.array([0.5, -1.0])
    staged = cr.stage(f, x)
    np.testing.assert_allclose(staged(x)[1][0], cr.grad(f)(x), rtol=1e-12)


def test_a_gradient_that_is_zero_but_for_rounding() -> None:
    def f(x):
        h = x - np.log(np.sum(np.exp(x), axis=1, keepdims=True))
        return np.log(np.sum(np.exp(h)))

    x = np.random.default_rng(0).normal(size=(3, 2))
    np.testing.assert_allclose(cr.stage(f, x)(x)[1][0], 0, atol=1e-15)


def test_minus_a_mask() -> None:
    def f(x, y):
        return np.log(np.sum(np.exp(2 * np.minimum(x * 2, -y))))

    x, y = np.array([0.5, -1.0]), np.array([1.0, 0.25])
    staged = cr.stage(f, x, y)
    for found, expected in zip(staged(x, y)[1], cr.grad(f, (0, 1))(x, y), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_single_precision_inside_double() -> None:
    def f(x):
        a = expit(-x)
        h = np.where(a > 0, 2.0, -1.0) * a
        return np.mean(h + x)

    x = np.linspace(-1, 1, 6, dtype=np.float32)
    staged = cr.stage(f, x)
    assert "a = 1 / (1 + np.exp(x))" in staged.source
    np.testing.assert_allclose(staged(x)[1][0], cr.grad(f)(x), rtol=1e-5)


def decided_by_what_was_written(x):
    a = np.zeros(3)
    a[1:] = x[:2]
    if a[1] > 0:
        x = 2 * x
    return np.sum(x)


def written_and_summed(x):
    x[...] = x
    return np.sum(x[1:]) + np.sum(x)


def asked_for_its_kind(x):
    a = np.outer(x, x)
    a[:, 0] -= np.exp(x)
    return np.sum(a) if np.isrealobj(a) else 0.0


def written_from_itself(x):
    x[1:] = np.sum(x)
    return np.sum(x * x)


def without_axes(x):
    a = np.array(x[0] * 2)
    a[...] *= x[1]
    b = np.full(2, np.sum(a)) * a
    a[a > 0.2] *= 0.5
    return np.sum(b) + np.sum(a * a)


def itself_without_axes(x):
    y = np.array(x[0] * 2)
    b = np.sum(y)
    y[...] = y
    return b**2 + np.mean(y)


def added_at_places_of_a_view(x):
    b = np.array([x[0], 2.0, x[1]])[:, None]
    np.add.at(b, [0, 0], np.sum(x))
    return np.mean(b)


def added_to_itself(x):
    h = x * 1.0
    h[1] = h[0]
    np.add.at(h[1:], [0, 0], np.sum(h[1:]))
    return np.sum(h**2)


def real_and_complex(x):
    c = np.prod(x)
    z = np.zeros(3, complex)
    z[0] = c * 1j
    z[1:] += x[:2]
    return np.sum(np.abs(z) ** 2) + np.mean(x * c)


WRITES = [
    *(added_to_itself, real_and_complex),
    *(decided_by_what_was_written, written_and_summed, asked_for_its_kind),
    *(written_from_itself, without_axes, itself_without_axes, added_at_places_of_a_view),
]


@pytest.mark.parametrize("f", WRITES)
def test_writes_and_what_is_made_of_them(f: Any) -> None:
    x = np.array([0.5, 0.25, 2.0])
    staged = cr.stage(f, x.copy())
    np.testing.assert_allclose(staged(x.copy())[1][0], cr.grad(f)(x.copy()), rtol=1e-12)
    assert ("assert" in staged.source) == (f in (decided_by_what_was_written, without_axes))
