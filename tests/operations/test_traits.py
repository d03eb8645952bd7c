"""What the rows say of their operations, against what the operations do."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.core.deferred import deferred
from chainrule.core.operation import Operation
from chainrule.core.placeholder import Deferred


def values(row: Any, given: Any) -> list[Any]:
    """Return the operands of a case, arrays of float among them as NumPy makes them."""
    return [np.asarray(x)[()] if isinstance(x, float) else x for x in given.operands]


def computed(row: Any, given: Any) -> Iterator[tuple[list[Any], Any]]:
    operands = values(row, given)
    yield operands, row.compute(*operands, **given.params)


def test_a_row_has_no_other_traits() -> None:
    with pytest.raises(TypeError, match="'mistyped' has no trait sigular"):
        cr.elementwise("mistyped", np.sin, d=lambda x, y: np.cos(x), sigular=True)  # type: ignore[call-arg]


def test_names_are_those_of_the_function(calls: Any) -> None:
    """Each name of a row is that of a function that gives what the row computes."""
    missing = []
    for row, given in calls:
        for full in row.names:
            module, _, name = full.rpartition(".")
            function = getattr(importlib.import_module(module), name, None)
            if function is None:
                missing.append(full)
            elif row.entrywise and not given.params and np.ndim(row.compute(*given.operands)) == 0:
                operands = [x.item() if isinstance(x, np.generic) else x for x in given.operands]
                if module == "math" and not all(isinstance(x, (int, float)) for x in operands):
                    continue
                np.testing.assert_allclose(function(*operands), row.compute(*operands), rtol=1e-13)
    # A row of which nobody has a function keeps the name that it would have in NumPy.
    assert all(name.startswith("numpy.") for name in missing)


def test_moves_give_the_entries_of_the_first_operand(calls: Any) -> None:
    for row, given in calls:
        if row.moves:
            operands = values(row, given)
            found = np.asarray(row.compute(*operands, **given.params))
            assert set(found.ravel().tolist()) <= set(np.asarray(operands[0]).ravel().tolist()), row


def test_results_that_share_memory_are_views(calls: Any) -> None:
    for row, given in calls:
        operands = values(row, given)
        if not operands or not isinstance(operands[0], np.ndarray):
            continue
        found = row.compute(*operands, **given.params)
        if any(np.shares_memory(found, x) for x in operands if isinstance(x, np.ndarray)):
            assert row.view, row


def test_operands_of_what_commutes_change_places(calls: Any) -> None:
    for row, given in calls:
        if row.commutes:
            a, b = given.operands
            np.testing.assert_array_equal(row.compute(a, b), row.compute(b, a))


def test_entrywise_operations_act_on_every_entry_alone(calls: Any) -> None:
    for row, given in calls:
        if not row.entrywise or not given.operands:
            continue
        found = np.asarray(row.compute(*given.operands, **given.params))
        together = np.broadcast_arrays(*given.operands)
        assert found.shape == together[0].shape, row
        for at in np.ndindex(found.shape):
            alone = row.compute(*(x[at] for x in together), **given.params)
            np.testing.assert_allclose(found[at], alone, rtol=1e-14)


def test_selected_entries_are_those_of_an_operand(calls: Any) -> None:
    for row, given in calls:
        if row.selects:
            found = np.asarray(row.compute(*given.operands, **given.params))
            together = np.broadcast_arrays(*given.operands)
            assert np.all(np.any([found == x for x in together], axis=0)), row


@pytest.mark.parametrize(
    ("index", "shaping"),
    [
        ((np.array([True, False, True]),), (1,)),
        ((np.array([2, 0]),), ()),
    ],
)
def test_masks_shape_what_they_pick(index: Any, shaping: Any) -> None:
    getitem: Operation = cr.core.operation.OPERATIONS["getitem"]
    assert getitem.shaping((np.array([True, True, False]), *index)) == shaping


@pytest.mark.parametrize("waits", [True, False])
def test_what_will_come_of_an_operation_is_told_before_it_is_computed(
    calls: Any, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chainrule.core.deferred._LARGE", 1)
    names = set()
    for row, given in calls:
        operands = [
            Deferred(x, x.shape, x.dtype, (lambda x=x: x, (), {}))  # type: ignore[misc]
            if waits and isinstance(x, (np.ndarray, np.generic))
            else x
            for x in values(row, given)
        ]
        later = deferred(row, row.compute, operands, given.params)
        if later is None:
            continue
        names.add(row.name)
        expected = row.compute(*values(row, given), **given.params)
        assert type(later.like) is type(expected), row
        assert (later.shape, later.dtype) == (np.shape(expected), np.asarray(expected).dtype), row
        np.testing.assert_array_equal(later.value, expected)
        assert later.is_computed
    assert {"exp", "where", "sum", "max", "guarded_multiply", "unbroadcast"} <= names
    assert ("transpose" in names) is waits  # a view is there at once
    assert "matmul" in names
    assert not {"sort", "cumsum"} & names


def test_shapes_of_results_follow_from_those_of_operands(calls: Any) -> None:
    checked = set()
    for row, given in calls:
        if row.shape is not None:
            shapes = [np.shape(x) for x in given.operands]
            found = row.compute(*given.operands, **given.params)
            assert row.shape(*shapes, **given.params) == np.shape(found), (row, shapes)
            checked.add(row.name)
    assert {"matmul", "outer", "einsum"} <= checked


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda a: a @ a[:, :-1], "matmul: Input operand 1 has a mismatch"),
        (lambda a: np.einsum("ij,ik->jk", a, a[:-1]), "could not be broadcast together"),
        (lambda a: a @ np.ones(3), "matmul: Input operand 1 has a mismatch"),
    ],
)
def test_large_operands_that_do_not_fit_raise_what_numpy_raises(wrong: Any, message: str) -> None:
    a = np.ones((200, 150))
    for f in (wrong, cr.compile(lambda a: np.sum(wrong(a * 2)))):
        with pytest.raises(ValueError, match=message):
            f(a)
