"""From a user's function to printed code: record, part it into stages, derive, lay out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule import trees
from chainrule.core.array import Array, dtype_of, is_inexact, is_single, shape_of, value_of
from chainrule.core.backward import backward_everywhere
from chainrule.core.callables import argument_names, name_of
from chainrule.core.node import Node
from chainrule.core.reach import ancestors
from chainrule.core.source import Location
from chainrule.errors import NonScalarOutputError
from chainrule.graph.graph import Apply, Constant, Input, Vertex, topological
from chainrule.graph.open_code import Asked
from chainrule.graph.open_loops import Watch
from chainrule.graph.trace import Trace
from chainrule.graph.tracing import trace
from chainrule.staged.arguments import gradient_tree, shape_checks, unpacking, value_checks
from chainrule.staged.backprop import Backprop
from chainrule.staged.constants import Constants
from chainrule.staged.derive import Style
from chainrule.staged.formatting import WIDTH, shortened
from chainrule.staged.lines import Stage, Test
from chainrule.staged.liveness import Storage, sharing
from chainrule.staged.names import Names
from chainrule.staged.partition import Assignment, Check, Partition, partition
from chainrule.staged.program import Program
from chainrule.staged.speller import Speller
from chainrule.staged.spelling import speller_for
from chainrule.staged.spelling_indexing import index_text
from chainrule.staged.staged import Staged
from chainrule.staged.statements import copy_of, shared_subexpressions, statements_for
from chainrule.staged.steps import active_variables, one_like, steps
from chainrule.staged.text import ATOM, BIT_OR, COMPARISON, assertion, call, literal, method
from chainrule.staged.writes import is_fresh
from chainrule.transforms.argnums import refuse, select
from chainrule.transforms.stable import stable_forms

__all__ = ["Recorded", "printed", "record", "write"]


class Recorded(NamedTuple):
    """A run, the arguments whose gradients are returned, and those that eager mode finds."""

    trace: Trace
    args: Sequence[Any]
    order: tuple[int, ...]
    expected: dict[Node, Any]


def record(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    argnums: int | Sequence[int] | None,
    stable: bool,
    watch: Watch | None = None,
) -> Recorded:
    """Run a function, once, and give it a stable form where that is wanted and it overflows.

    ``watch`` watches its loops.
    """
    chosen = None if argnums is None else select(argnums, args, f)
    for k in chosen or ():
        leaves = trees.flatten(args[k])[0]
        if not any(is_inexact(value_of(leaf)) for leaf in leaves):
            raise refuse(f, args[k], leaves[0] if leaves else None, k, 0)
    traced = trace(f, args, kwargs, chosen, watch=watch)
    order = chosen or tuple(sorted({a.position for a in traced.inputs}))
    expected, sure = _expected(traced)
    if stable and not sure and _stabilise(traced):
        expected, _ = _expected(traced)
    traced.end()
    _expect_one_number(traced, f)
    return Recorded(traced, args, order, expected)


def write(recorded: Recorded, plain: bool = False) -> Staged:
    """Write the code of a run; ``plain`` leaves gradients as the rules give them."""
    return Staged(recorded.trace, *printed(recorded, plain))


def printed(recorded: Recorded, plain: bool = False) -> tuple[Program, dict[str, str]]:
    """Return the code of a run, and what the gradient of each variable is called."""
    traced, args, order, _ = recorded
    f = traced.function
    names = Names()
    parameters = [names.fresh(name) for name in argument_names(f, len(args))]
    unpacked = unpacking(traced, parameters, names)
    partitioned = partition(traced)
    assignments = partitioned.assignments
    wanted = [partitioned.arguments[a.node] for a in traced.inputs if a.node is not None]
    active = active_variables(wanted, partitioned)
    derived = steps(partitioned, active, Style(_uses_math(partitioned), plain))
    storage, moved = sharing(partitioned, derived)
    given = {id(a.value): a.name for a in traced.arguments if isinstance(a.value, np.ndarray)}
    variables: dict[Vertex, str] = {x: x.name for x in partitioned.arguments.values()}
    for assignment in assignments:
        variables[assignment.variable] = _name(assignment.variable, storage, variables, names)
    variables.update({vertex: variables[x] for vertex, x in moved.items()})
    values = [*(node.output for node in traced.nodes), *(a.value for a in traced.arguments)]
    mixed = any(map(is_single, values))
    constants = Constants(names, traced.constant_names, traced.rows, given, mixed)
    speller = speller_for(constants, variables)
    shown: dict[Vertex, Vertex] = {
        a.variable: a.expression
        for a in assignments
        if a.write is None and isinstance(a.expression, Apply) and not is_fresh(a.expression)
    }
    stages = [
        _stage(k, assignment, storage, shown, speller, names)
        for k, assignment in enumerate(assignments, 1)
    ]
    backprop = Backprop(
        partitioned, wanted, active, derived, stages, names, variables, constants, plain
    )
    backprop.write()
    gradients = gradient_tree(traced, args, order, partitioned.arguments, backprop.gradient_name)
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
        checks=_checks(partitioned.checks, speller, names, {x.ending for x in traced.loops}),
        output=speller.text(partitioned.output).text,
        gradients=gradients,
        order=order,
        constants=constants,
        built_in=built_in,
        shapes=shape_checks(traced),
        names=names,
    )
    named = {variables[x]: held.name for x, held in backprop.gradients.items()}
    return program, named


def _expected(traced: Trace) -> tuple[dict[Node, Any], bool]:
    """Return the gradients of the wanted arguments by the eager backward pass.

    Also returned is whether it met nothing infinite.
    """
    output = traced.output
    if type(output) is not Array or shape_of(output) != ():
        return {}, True
    inputs = [a.node for a in traced.inputs if a.node is not None]
    found, sure = backward_everywhere([(output, one_like(output.value))], inputs)
    return {node: found[node] for node in inputs if node in found}, sure


def _stabilise(traced: Trace) -> bool:
    """Put a stable form in the place of what the run computed; tell whether one is known.

    What is new has the names of what it stands for.
    """
    output = traced.output
    named = [node for node in ancestors([output.node]) if node in traced.notes]
    leaves = [a for a in traced.arguments if a.node is not None]
    arrays = [output, *(Array(node.output, node) for node in named)]
    forms = stable_forms(arrays, [a.node for a in leaves if a.node], [a.value for a in leaves])
    if forms is None:
        return False
    traced.output, *forms = forms
    for node, form in zip(named, forms, strict=True):
        if type(form) is Array and form.node is not node:
            traced.notes.setdefault(form.node, traced.notes[node])
    return True


def _expect_one_number(traced: Trace, f: Callable[..., Any]) -> None:
    output = traced.output
    name = name_of(f)
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


def _name(
    variable: Input, storage: Mapping[Input, Storage], variables: Mapping[Vertex, str], names: Names
) -> str:
    found = storage.get(variable)
    if found is not None and found.other is not None:
        return variables[found.other]
    return names.fresh(variable.name) if variable.name else names.numbered("t")


def _stage(
    number: int,
    assignment: Assignment,
    storage: Mapping[Input, Storage],
    shown: Mapping[Vertex, Vertex],
    speller: Speller,
    names: Names,
) -> Stage:
    """Print a stage: the statements that compute it."""
    write, variable = assignment.write, assignment.variable
    name = speller.variables[variable]
    parts = [assignment.expression] if write is None else write.reads()
    before = _parts_before(parts, assignment.expression, speller, names)
    if write is None:
        first, *after = statements_for(name, assignment.expression, speller)
        target, operator, expression = name, "=", first.partition(" = ")[2]
    else:
        if storage[variable].copies:
            before.append(f"{name} = {copy_of(write.old, speller)}")
        target = f"{name}[{index_text(speller, write.index, write.arrays, variable.ndim)}]"
        right = speller.text(write.right)
        if write.overtakes(shown, speller.variables):
            right = method(right, "copy")
        operator, expression, after = write.symbol, right.text, []
    inputs = [x for x in topological([assignment.expression]) if isinstance(x, Input)]
    return Stage(
        number,
        name,
        target,
        operator,
        expression,
        variable.value,
        tuple(speller.variables[x] for x in inputs),
        assignment.node,
        assignment.nodes,
        assignment.location,
        before,
        after,
        write is not None and write.repeats,
        counters=assignment.counters,
    )


def _parts_before(
    expressions: Sequence[Vertex], whole: Vertex | None, speller: Speller, names: Names
) -> list[str]:
    """Write the parts of expressions that need variables of their own."""
    lines: list[str] = []
    for part in shared_subexpressions(expressions, assigned=True):
        if part is not whole:
            name = names.numbered("t")
            lines += statements_for(name, part, speller)
            speller.names[part] = name
    return lines


def _uses_math(partitioned: Partition) -> bool:
    """Tell whether user code took a function of numbers from `math`."""
    vertices: list[Vertex] = topological(
        [assignment.expression for assignment in partitioned.assignments]
    )
    return any(
        isinstance(v, Apply) and v.operation.scalar is not None and type(v.value) is float
        for v in vertices
    )


def _checks(
    checks: Sequence[Check], speller: Speller, names: Names, endings: Collection[Asked | None]
) -> dict[int, list[Test]]:
    """Write what Python looked at as assertions, with the line that it decided.

    Where loops are watched, the same is written in each turn. ``endings`` are their conditions.
    """
    each = bool(endings)
    written: dict[int, list[Test]] = {}
    seen: set[str] = set()
    places: set[Location] = set()
    for check in checks:
        before = _parts_before([check.expression], None, speller, names)
        text = speller.text(check.expression)
        outcome = check.guard.outcome
        what = "sees another value"
        if isinstance(outcome, np.ndarray):
            test = call("np.array_equal", text, speller.text(Constant(outcome))).text
        elif isinstance(outcome, tuple):
            test = f"{text.within(ATOM)}.shape == {literal(outcome).text}"
            what = "sees another shape"
        elif isinstance(outcome, (bool, np.bool_)):
            test = text.text if outcome else f"not {text.within(COMPARISON)}"
            what = "takes another branch"
        else:
            if isinstance(outcome, int) and dtype_of(check.expression.value).kind == "f":
                text = call("int", text)
            test = f"{text.within(BIT_OR)} == {literal(outcome).text}"
        if test in seen and not each:
            continue
        seen.add(test)
        where = check.guard.location
        message = f"line {where.lineno} {what}"
        if (each or where not in places) and where.text:  # typed in, the text may be unknown
            room = WIDTH - len(message) - 30
            message += f" ({shortened(where.text.removesuffix(':'), room)})"
        places.add(where)
        lines = written.setdefault(check.before + 1, [])
        if check.guard.asked in endings:  # of a loop, whose condition it is
            lines += [Test(text, check.guard) for text in before]
            lines.append(Test(f"assert {test}", check.guard, test))
            continue
        lines += [Test(text, check.guard) for text in before]
        lines.append(Test(assertion(test, f"{message}; stage again"), check.guard, test))
    return written
