"""The passes over a graph keep its value, and do what they are for."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.core.kinds import broadcast_to, guarded_multiply
from chainrule.core.operation import Operation
from chainrule.graph.arrange import arrange, signed, without
from chainrule.graph.graph import Apply, Constant, Input, Vertex, apply_to, topological
from chainrule.graph.recognise import RECOGNITION
from chainrule.graph.rewrite import about, only_of, passed, rewrite, share, substitute, uses
from chainrule.graph.simplify.rules import simplify
from chainrule.graph.verify import GraphError, equivalent, verify
from chainrule.operations import elementwise as e
from chainrule.operations import reduction, shape, softmax
from chainrule.operations.contraction import matmul

x = Input("x", np.array([[1.0, -2.0, 3.0], [0.5, 0.25, -1.0]]))
y = Input("y", np.array([2.0, 4.0, -0.5]))
g = Input("dz", np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]))
one, two = Constant(1), Constant(2)


def simplified(vertex: Vertex) -> Vertex:
    (result,) = simplify([vertex])
    verify([result])
    equivalent([vertex], [result])
    return result


@pytest.mark.parametrize(
    ("vertex", "expected"),
    [
        (apply_to(e.multiply, x, one), x),
        (apply_to(e.add, Constant(0.0), x), x),
        (apply_to(e.negative, apply_to(e.negative, x)), x),
        (apply_to(e.power, x, one), x),
        (apply_to(shape.transpose, apply_to(shape.transpose, x)), x),
        (apply_to(shape.reshape, x, shape=(2, 3)), x),
    ],
)
def test_what_changes_nothing_goes(vertex: Vertex, expected: Vertex) -> None:
    assert simplified(vertex) is expected


def test_one_stays_where_it_makes_the_shape() -> None:
    vertex = apply_to(e.multiply, y, Constant(np.ones((2, 3))))
    assert isinstance(simplified(vertex), Apply)


def test_broadcasting_is_left_to_numpy() -> None:
    whole = apply_to(broadcast_to, y, shape=(2, 3))
    result = simplified(apply_to(e.multiply, whole, x))
    assert isinstance(result, Apply)
    assert result.operands == (y, x)


def test_unbroadcast_becomes_sums() -> None:
    from chainrule.core.kinds import unbroadcast

    result = simplified(apply_to(unbroadcast, x, shape=(2, 1)))
    assert isinstance(result, Apply)
    assert result.operation is reduction.sum
    assert result.params == {"axis": (1,), "keepdims": True}


def test_a_sum_of_the_same_is_twice_it() -> None:
    result = simplified(apply_to(e.add, apply_to(e.sin, x), apply_to(e.sin, x)))
    assert isinstance(result, Apply)
    assert result.operation is e.multiply


column = apply_to(shape.expand_dims, y, axis=(0,))
mask = apply_to(e.greater, x, Constant(0.5))


def chosen(a: float, b: float) -> Vertex:
    return apply_to(e.where, mask, Constant(a), Constant(b))


@pytest.mark.parametrize(
    ("vertex", "operation"),
    [
        (apply_to(reduction.sum, apply_to(broadcast_to, two, shape=(3,)), axis=None), None),
        (apply_to(e.add, chosen(1.0, 0.0), chosen(0.0, 0.1)), "where"),
        (apply_to(e.subtract, chosen(0.0, 2.0), chosen(1.0, 0.0)), "where"),
        (apply_to(e.multiply, Constant(0.1), chosen(0.0, 1.0)), "where"),
        (apply_to(e.multiply, Constant(1.0), mask), "astype"),
        (apply_to(e.multiply, x, apply_to(e.divide, one, y)), "divide"),
        (
            apply_to(e.subtract, x, apply_to(reduction.mean, x, axis=(0,), keepdims=True)),
            "subtract",
        ),
        (apply_to(shape.squeeze, column, axis=(0,)), None),
    ],
)
def test_shorter_forms(vertex: Vertex, operation: str | None) -> None:
    result = simplified(vertex)
    name = result.operation.name if isinstance(result, Apply) else None
    assert name == operation
    assert len(topological([result])) <= len(topological([vertex]))


def test_a_transposed_product_is_turned_around() -> None:
    product = apply_to(matmul, apply_to(shape.transpose, x), g)
    result = simplified(apply_to(shape.transpose, product))
    assert isinstance(result, Apply)
    assert result.operation is matmul
    assert result.operands[1] is x


@pytest.mark.parametrize(
    "vertex",
    [
        apply_to(reduction.sum, apply_to(e.divide, x, y), axis=(0,)),
        apply_to(reduction.sum, apply_to(e.multiply, Constant(-2.0), x), axis=None),
        apply_to(matmul, apply_to(e.divide, x, Constant(3.0)), apply_to(shape.transpose, g)),
        apply_to(matmul, apply_to(e.negative, x), y),
    ],
)
def test_factors_move_out_of_linear_operations(vertex: Vertex) -> None:
    (result,) = arrange(share([vertex]))
    verify([result])
    equivalent([vertex], [result])
    assert isinstance(result, Apply)
    assert result.operation.name in ("divide", "multiply", "negative")


def test_factors_that_vary_along_a_summed_axis_stay() -> None:
    vertex = apply_to(reduction.sum, apply_to(e.divide, x, y), axis=(1,))
    (result,) = arrange(share([vertex]))
    assert isinstance(result, Apply)
    assert result.operation is reduction.sum


def test_a_mask_is_not_negated() -> None:
    vertex = apply_to(e.negative, apply_to(e.multiply, mask, apply_to(e.sin, x)))
    (result,) = arrange(share([vertex]), ordered=False)
    equivalent([vertex], [result])


def test_a_common_divisor_is_written_once() -> None:
    a, b = (apply_to(e.divide, v, y) for v in (x, g))
    (result,) = arrange(share([apply_to(e.subtract, a, b)]))
    equivalent([apply_to(e.subtract, a, b)], [result])
    assert isinstance(result, Apply)
    assert result.operation is e.divide
    assert result.operands[1] is y


@pytest.mark.parametrize("operation", [e.add, e.subtract])
def test_masks_over_one_divisor_are_not_added_as_numbers_are(operation: Operation) -> None:
    masks = (apply_to(compare, x, Constant(0.4)) for compare in (e.greater, e.less))
    total = apply_to(operation, *(apply_to(e.divide, mask, y) for mask in masks))
    (result,) = arrange([total])
    equivalent([total], [result])


@pytest.mark.parametrize("sign", [1, -1])
def test_terms_that_are_equal_once_they_are_ordered_are_merged(sign: int) -> None:
    first, second = (apply_to(e.multiply, a, b) for a, b in ((x, g), (g, x)))
    if sign < 0:
        first, second = (apply_to(e.negative, v) for v in (first, second))
    total = apply_to(e.add, first, second)
    (result,) = arrange([total])
    equivalent([total], [result])
    assert "add" not in {v.operation.name for v in topological([result]) if isinstance(v, Apply)}


def test_a_guard_is_dropped_only_where_nothing_can_be_infinite() -> None:
    safe = simplified(apply_to(guarded_multiply, g, apply_to(e.multiply, two, x)))
    assert isinstance(safe, Apply)
    assert safe.operation is e.multiply
    local = apply_to(e.divide, one, x)
    kept = simplified(apply_to(guarded_multiply, g, local))
    assert isinstance(kept, Apply)
    assert kept.operation is guarded_multiply


def test_two_guarded_products_with_one_gradient_are_one() -> None:
    a, b = (apply_to(e.divide, v, x) for v in (one, y))
    total = apply_to(e.add, apply_to(guarded_multiply, g, a), apply_to(guarded_multiply, g, b))
    merged = simplified(total)
    assert isinstance(merged, Apply)
    assert merged.operation is guarded_multiply
    assert merged.operands[0] is g


def test_a_guarded_divisor_cancels_except_where_it_is_zero() -> None:
    zero = Input("x", np.array([0.0, 1.0]))
    upstream = Input("dz", np.array([0.0, 2.0]))
    for factor, cancels in ((upstream, True), (Input("dz", np.array([1.0, 2.0])), False)):
        product = apply_to(e.multiply, factor, zero)
        vertex = apply_to(guarded_multiply, product, apply_to(e.divide, one, zero))
        assert (simplified(vertex) is factor) is cancels


def test_choices_by_one_condition_are_added_inside() -> None:
    condition = apply_to(e.greater, x, Constant(0))
    first, second = (apply_to(e.where, condition, v, Constant(0.0)) for v in (x, g))
    merged = simplified(apply_to(e.add, first, second))
    assert isinstance(merged, Apply)
    assert merged.operation is e.where
    assert merged.operands[0] is condition


@pytest.mark.parametrize("swap", [False, True])
def test_sigmoid_is_recognised(swap: bool) -> None:
    power = apply_to(e.exp, apply_to(e.negative, x))
    total = apply_to(e.add, power, one) if swap else apply_to(e.add, one, power)
    vertex = apply_to(e.divide, Constant(1.0), total)
    (result,) = rewrite(share([vertex]), RECOGNITION)
    assert isinstance(result, Apply)
    assert result.operation is e.sigmoid
    assert result.operands == (x,)
    verify([result])


def test_softmax_is_recognised() -> None:
    power = apply_to(e.exp, x)
    total = apply_to(reduction.sum, apply_to(e.exp, x), axis=(1,), keepdims=True)
    (result,) = rewrite(share([apply_to(e.divide, power, total)]), RECOGNITION)
    assert isinstance(result, Apply)
    assert result.operation is softmax.softmax
    verify([result])


def test_products_are_put_in_order() -> None:
    chain = apply_to(e.multiply, apply_to(e.subtract, one, x), apply_to(e.multiply, x, g))
    (result,) = arrange(share([chain]), g)
    assert isinstance(result, Apply)
    equivalent([chain], [result])
    first = result.operands[0]
    assert isinstance(first, Apply)
    assert first.operands == (g, x)


def test_a_factor_is_taken_out() -> None:
    product = apply_to(e.multiply, two, apply_to(e.multiply, x, g))
    rest = without(product, g)
    assert rest is not None
    np.testing.assert_array_equal(rest.value, 2 * x.value)
    assert without(apply_to(e.add, x, g), g) is None
    assert signed(apply_to(e.negative, x)) == (-1, x)


def test_sharing_merges_equal_vertices() -> None:
    both = apply_to(e.add, apply_to(e.sin, x), apply_to(e.sin, x))
    (result,) = share([both])
    assert isinstance(result, Apply)
    assert result.operands[0] is result.operands[1]
    assert uses([result])[result.operands[0]] == 2
    assert len(topological([result])) == 3


def test_substitution() -> None:
    (result,) = substitute([apply_to(e.sin, x)], {x: g})
    assert isinstance(result, Apply)
    assert result.operands == (g,)


def test_a_long_chain_needs_no_recursion() -> None:
    vertex: Vertex = x
    for _ in range(5000):
        vertex = apply_to(e.sin, vertex)
    assert len(topological(simplify([vertex]))) == 5001


def test_the_verifier_finds_what_is_wrong() -> None:
    with pytest.raises(GraphError, match="but computes"):
        verify([Apply(e.sin, (x,), {}, x.value)])
    with pytest.raises(GraphError, match="output 0 was"):
        equivalent([x], [y])


def test_rules_are_asked_of_their_operations_alone() -> None:
    asked: list[Operation] = []

    @about(e.sin)
    def rule(vertex: Apply) -> Vertex | None:
        asked.append(vertex.operation)
        return None

    total = apply_to(e.add, apply_to(e.sin, x), apply_to(e.exp, x))
    rewrite([total], [only_of(lambda dtype: True, rule)])
    assert asked == [e.sin]


def test_passes_that_find_nothing_leave_a_graph_as_it_is() -> None:
    total = apply_to(e.add, apply_to(e.sin, x), apply_to(e.exp, x))
    assert passed([total], lambda outputs: substitute(outputs, {})) == [total]
    (changed,) = passed([total], lambda outputs: substitute(outputs, {x: y}))
    assert changed is not total
