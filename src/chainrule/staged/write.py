"""From a user's function to printed code: record, cut into stages, derive, lay out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule import trees
from chainrule.core.array import Array, dtype_of, shape_of, value_of
from chainrule.core.backward import backward_everywhere
from chainrule.core.node import Node
from chainrule.core.source import Location
from chainrule.errors import NonScalarOutputError
from chainrule.graph.graph import Apply, Constant, Input, Vertex, topological
from chainrule.graph.trace import Trace, is_floating, trace
from chainrule.staged.arguments import (
    gradient_tree,
    parameters_of,
    shape_checks,
    unpacking,
    value_checks,
)
from chainrule.staged.backprop import Backprop, one_like
from chainrule.staged.constants import Constants
from chainrule.staged.cut import Check, Cut, Piece, cut
from chainrule.staged.layout import WIDTH, shortened
from chainrule.staged.names import Names
from chainrule.staged.parts import Stage
from chainrule.staged.program import Program
from chainrule.staged.spelling import Speller
from chainrule.staged.statements import shared_parts, statements_for
from chainrule.staged.text import ATOM, BIT_OR, COMPARISON, call, literal
from chainrule.transforms.inputs import refuse, select

__all__ = ["Written", "write"]


class Written(NamedTuple):
    """A run, its code, the names of the gradients, and the gradients that eager mode finds."""

    trace: Trace
    program: Program
    gradient_name: dict[str, str]
    expected: dict[Node, Any]


def write(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    argnums: int | Sequence[int] | None,
) -> Written:
    """Stage a function."""
    chosen = None if argnums is None else select(argnums, args, f)
    for k in chosen or ():
        leaves = trees.flatten(args[k])[0]
        if not any(is_floating(value_of(leaf)) for leaf in leaves):
            raise refuse(f, args[k], leaves[0] if leaves else None, k, 0)
    traced = trace(f, args, kwargs, chosen)
    order = chosen or tuple(sorted({a.position for a in traced.inputs}))
    expected = _expected(traced)
    traced.end()
    _expect_one_number(traced, f)
    names = Names()
    parameters = parameters_of(f, args, names)
    unpacked = unpacking(traced, parameters, names)
    pieces = cut(traced, names)
    given = {id(a.value): a.name for a in traced.arguments if isinstance(a.value, np.ndarray)}
    constants = Constants(names, traced.constant_names, given)
    speller = Speller(constants)
    stages = [_stage(k, piece, speller, names) for k, piece in enumerate(pieces.pieces, 1)]
    math = _uses_math(pieces)
    wanted = [pieces.arguments[a.node] for a in traced.inputs if a.node is not None]
    backprop = Backprop(
        wanted, list(zip(pieces.pieces, stages, strict=True)), names, constants, math
    )
    backprop.write(pieces.output)
    gradients = gradient_tree(traced, args, order, pieces.arguments, backprop.gradient_name)
    built_in = value_checks(traced, parameters, constants)
    name = getattr(f, "__name__", "f")
    name = name if name.isidentifier() else "f"
    program = Program(
        name=f"{name}_gradient",
        of=f"{name}({', '.join(parameters)})",
        parameters=parameters,
        unpacked=unpacked,
        stages=stages,
        backward=backprop.lines,
        checks=_checks(pieces.checks, speller),
        output=speller.text(pieces.output).text,
        gradients=gradients,
        order=order,
        constants=constants,
        built_in=built_in,
        shapes=shape_checks(traced),
    )
    variables = [*pieces.arguments.values(), *(piece.variable for piece in pieces.pieces)]
    named = {x.name: d for x in variables if (d := backprop.gradient_name(x)) is not None}
    return Written(traced, program, named, expected)


def _expected(traced: Trace) -> dict[Node, Any]:
    """Return the gradients of the wanted arguments by the eager backward pass."""
    output = traced.output
    if type(output) is not Array or shape_of(output) != ():
        return {}
    inputs = [a.node for a in traced.inputs if a.node is not None]
    found = backward_everywhere([(output, one_like(output.value))], inputs)
    return {node: found[node] for node in inputs if node in found}


def _expect_one_number(traced: Trace, f: Callable[..., Any]) -> None:
    output = traced.output
    name = getattr(f, "__name__", repr(f))
    if trees.is_container(output) or not isinstance(
        output, (Array, np.ndarray, np.generic, float, int)
    ):
        raise NonScalarOutputError(
            f"staged code needs one number as the output of {name}, it returned a "
            f"{type(output).__name__}: return a float or a 0-d array"
        )
    if shape_of(output) != ():
        raise NonScalarOutputError(
            f"staged code needs one number as the output of {name}, it returned shape "
            f"{shape_of(output)}: sum or average it"
        )


def _stage(number: int, piece: Piece, speller: Speller, names: Names) -> Stage:
    before: list[str] = []
    own = {}
    for part in shared_parts([piece.expression]):
        if part is piece.expression:
            continue
        name = names.numbered("t")
        before += statements_for(name, part, speller)
        speller.names[part] = own[part] = name
    first, *after = statements_for(piece.variable.name, piece.expression, speller)
    inputs = [x.name for x in topological([piece.expression]) if isinstance(x, Input)]
    return Stage(
        number,
        piece.variable.name,
        first.partition(" = ")[2],
        piece.variable.value,
        tuple(inputs),
        piece.node,
        piece.nodes,
        piece.location,
        before,
        after,
    )


def _uses_math(pieces: Cut) -> bool:
    """Tell whether user code took a function of numbers from `math`."""
    vertices: list[Vertex] = topological([piece.expression for piece in pieces.pieces])
    return any(
        isinstance(v, Apply) and v.operation.scalar is not None and type(v.value) is float
        for v in vertices
    )


def _checks(checks: Sequence[Check], speller: Speller) -> dict[int, list[str]]:
    """Write what Python looked at as assertions, with the line that it decided."""
    written: dict[int, list[str]] = {}
    seen: set[str] = set()
    places: set[Location] = set()
    for check in checks:
        text = speller.text(check.expression)
        outcome = check.guard.outcome
        if isinstance(outcome, np.ndarray):
            test = call("np.array_equal", text, speller.text(Constant(outcome))).text
        elif isinstance(outcome, tuple):
            test = f"{text.within(ATOM)}.shape == {literal(outcome).text}"
        elif isinstance(outcome, (bool, np.bool_)):
            test = text.text if outcome else f"not {text.within(COMPARISON)}"
        else:
            if isinstance(outcome, int) and dtype_of(check.expression.value).kind == "f":
                text = call("int", text)
            test = f"{text.within(BIT_OR)} == {literal(outcome).text}"
        if test in seen:
            continue
        seen.add(test)
        where = check.guard.location
        remark = f"# line {where.lineno} again"
        if where not in places:
            head = f"# here {_seen(text.text, outcome)} (line {where.lineno}"
            tail = "); for other values stage again"
            line = f": {where.text}" if where.text else ""  # typed in, it may be unknown
            remark = head + shortened(line, WIDTH - len(head) - len(tail) - 4) + tail
        places.add(where)
        written.setdefault(check.before + 1, []).extend([remark, f"assert {test}"])
    return written


def _seen(expression: str, outcome: Any) -> str:
    """Say what a check expects: ``x > 0 was True``."""
    if isinstance(outcome, (bool, np.bool_)):
        return f"{shortened(expression, 30)} was {outcome}"
    return f"the {'shape' if isinstance(outcome, tuple) else 'value'} was as below"
