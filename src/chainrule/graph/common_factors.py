"""Common factors of several products, so that each is computed and written once.

The gradients of a stage are products of the same few factors: those of ``K * exp(-r * T) * N`` by
``r`` and ``T`` have all of it in them. Where a product has every factor of the stage's own value,
that value stands for them; what else several products have in common becomes one vertex.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from chainrule.graph.arrange import Arranger, compared
from chainrule.graph.graph import Apply, Input, Vertex, topological
from chainrule.graph.products import Product, is_chain
from chainrule.graph.rewrite import same_kind, uses, with_operands

__all__ = ["as_value", "shared_factors"]

#: Factors, each with True where it stands below the line.
_Factors: TypeAlias = "Counter[tuple[Vertex, bool]]"

_WORTHWHILE = 2  # operations that a name has to save
_MOST_NAMES = 16  # for the common factors of one stage
_MOST_PRODUCTS = 32  # more are not compared with one another


def as_value(
    outputs: Sequence[Vertex], expression: Vertex, variable: Input, arranger: Arranger
) -> list[Vertex]:
    """Write the variable that holds an expression where a product has all its factors."""
    whole = arranger.product(expression)
    factors = _factors(whole)
    if factors.total() < 2 or not whole.numerators:
        return list(outputs)
    products = {
        vertex: product
        for vertex, product in _products(outputs, (), arranger).items()
        if factors <= _factors(product)
    }
    done: dict[Vertex, Vertex] = {}
    for vertex in topological(outputs):
        if vertex not in products:
            done[vertex] = with_operands(vertex, done)
            continue
        product = _replaced(products[vertex], factors, done)
        product.numerators.append(variable)
        product.sign *= whole.sign
        product.numbers += whole.below
        product.below += whole.numbers
        done[vertex] = _instead(vertex, arranger.built(product), done)
    return [done[x] for x in outputs]


def shared_factors(
    outputs: Sequence[Vertex], named: Collection[Vertex], arranger: Arranger
) -> tuple[list[Vertex], set[Vertex]]:
    """Make one vertex of the factors that several products have in common.

    Args:
        outputs: the graph, its products in order.
        named: vertices that have a name of their own, whose factors are not looked into.
        arranger: takes products apart and puts them together.

    Returns:
        The outputs, and the new vertices: they need a name.
    """
    outputs = list(outputs)
    found: set[Vertex] = set()
    for _ in range(_MOST_NAMES):
        products = _products(outputs, {*named, *found}, arranger)
        factors = {vertex: _factors(product) for vertex, product in products.items()}
        common = _most_worthwhile(factors)
        if common is None:
            break
        top = [x for (x, below), n in common.items() if not below for _ in range(n)]
        bottom = [x for (x, below), n in common.items() if below for _ in range(n)]
        part = Product(numerators=top, denominators=bottom) if top else Product(numerators=bottom)
        shared: Vertex | None = None
        done: dict[Vertex, Vertex] = {}
        renamed: set[Vertex] = set()
        for vertex in topological(outputs):
            if vertex not in products or not common <= factors[vertex]:
                done[vertex] = with_operands(vertex, done)
                if vertex in found:
                    renamed.add(done[vertex])
                continue
            if shared is None:
                shared = arranger.built(_replaced(part, Counter(), done))
            product = _replaced(products[vertex], common, done)
            (product.numerators if top else product.denominators).append(shared)
            done[vertex] = _instead(vertex, arranger.built(product), done)
        assert shared is not None
        outputs = [done[x] for x in outputs]
        found = {x for x in (*renamed, shared) if isinstance(x, Apply)}
    return outputs, found


def _products(
    outputs: Sequence[Vertex], named: Collection[Vertex], arranger: Arranger
) -> dict[Vertex, Product]:
    """Take the products of a graph apart, each as a whole; those that are compared stay."""
    inner: set[Vertex] = set()
    count = uses(outputs)
    vertices = topological(outputs)
    fixed = compared(vertices)
    for vertex in vertices:
        if is_chain(vertex):
            inner.update(x for x in vertex.operands if count[x] == 1 and x not in named)
    arranger.sealed = set(named)
    whole = [x for x in vertices if is_chain(x) and x not in inner and x not in fixed]
    return {x: arranger.product(x) for x in whole}


def _factors(product: Product) -> _Factors:
    above = ((x, False) for x in product.numerators)
    return Counter(itertools.chain(above, ((x, True) for x in product.denominators)))


def _replaced(product: Product, left_out: _Factors, done: Mapping[Vertex, Vertex]) -> Product:
    """Return a product with other factors, and without some."""
    left = _factors(product) - left_out
    return Product(
        product.sign,
        list(product.numbers),
        list(product.below),
        [done.get(x, x) for x in product.numerators if _taken(left, (x, False))],
        [done.get(x, x) for x in product.denominators if _taken(left, (x, True))],
    )


def _taken(left: _Factors, factor: tuple[Vertex, bool]) -> bool:
    if not left[factor]:
        return False
    left[factor] -= 1
    return True


def _instead(old: Vertex, new: Vertex, done: Mapping[Vertex, Vertex]) -> Vertex:
    return new if same_kind(new, old) else with_operands(old, dict(done))


def _most_worthwhile(products: Mapping[Vertex, _Factors]) -> _Factors | None:
    """Return the common factors that save most operations."""
    best, saved = None, _WORTHWHILE - 1
    for common in _intersections(list(products.values())[:_MOST_PRODUCTS]):
        users = sum(common <= factors for factors in products.values())
        here = (common.total() - 1) * (users - 1)
        if here > saved:
            best, saved = common, here
    return best


def _intersections(products: Sequence[_Factors]) -> Iterator[_Factors]:
    for a, b in itertools.combinations(products, 2):
        common = a & b
        yield common
        yield Counter({key: n for key, n in common.items() if not key[1]})
        yield Counter({key: n for key, n in common.items() if key[1]})
