"""`Staged`: a printed gradient that can be read, called, run line by line and saved."""

from __future__ import annotations

import ast
import inspect
import itertools
import linecache
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import shape_of
from chainrule.errors import ArgumentError
from chainrule.graph.trace import Argument, Trace
from chainrule.staged.arguments import restored
from chainrule.staged.lines import Line, Stage
from chainrule.staged.program import Program
from chainrule.staged.run import Run, run

__all__ = ["Staged"]

_counter = itertools.count(1)


class Staged:
    """The staged code of one function: `print` it, call it, save it.

    Calling it returns ``(value, gradients)``, the gradients a tuple in the order of the arguments
    (or of argnums, where it was given), each with the structure of its argument.

    Attributes:
        name: of the printed function.
        source: the module as text; captured arrays that are too large to be written out are only
            mentioned (`save` embeds them).
        function: the printed function itself.
        stages: the lines of the forward pass.
        backward: the lines of the backward pass.
        output: the variable that holds the value.
        gradient_name: the name of each variable's gradient.
        trace: the run that the code was made from.
        program: what is printed, turn by turn as in that run where it is printed in a loop.
        general: what is printed, where loops of few turns are printed as ``while``, too.
        unrolled: the loops that go on until a condition fails and are printed for the number of
            turns of this run alone, with their lines, and why; a call with another number raises.
    """

    def __init__(
        self,
        trace: Trace,
        program: Program,
        gradient_name: Mapping[str, str],
        general: Program | None = None,
        unrolled: str = "",
    ) -> None:
        self.trace = trace
        self.program = program
        self.general = program if general is None else general
        self.unrolled = unrolled
        self.name = program.name
        self.program.source()  # which tells the parts where they stand
        self.source = self.general.source()
        self.stages: list[Stage] = program.stages
        self.backward: list[Line] = program.backward
        self.output = program.output
        self.gradient_name = dict(gradient_name)
        self.function = _execute(self.source, self.general)
        self._trees = any(a.path for a in trace.arguments)
        if all(type(a.value) is float for a in trace.arguments):
            self.__class__ = self._class_for_numbers()

    def __reduce__(self) -> Any:
        return Staged, (
            self.trace,
            self.program,
            self.gradient_name,
            self.general,
            self.unrolled,
        )

    @property
    def arguments(self) -> list[Argument]:
        """The leaves of the arguments."""
        return self.trace.arguments

    def __call__(self, *args: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return the value and the gradients.

        Raises:
            ArgumentError: an argument has another shape than the example had, or is not a float
                and differs from it.
        """
        self._check(args)
        return self.call(args)

    def call(self, args: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
        """Call the printed function without any check, and restore the user's own classes."""
        value, gradients = self.function(*args)
        if self._trees:
            examples = [args[k] for k in self.program.order]
            gradients = tuple(map(restored, examples, gradients))
        return value, gradients

    def run(self, *args: Any) -> Run:
        """Run the code line by line and keep the value of every variable and contribution."""
        self._check(args)
        return run(self.program, args)

    def save(self, path: str | Path) -> None:
        """Write a module that needs NumPy alone; captured arrays are embedded in it.

        It needs SciPy too where f uses a special function that NumPy cannot express.
        """
        Path(path).write_text(self.general.source(large=True), encoding="utf-8")

    def _class_for_numbers(self) -> type[Staged]:
        """Make a class whose call is the printed function itself, with one check at its end.

        Python looks ``__call__`` up in the class; a static method there is called without binding
        ``self`` and without packing the arguments again. An array in the place of a number shows
        in the value, so that each argument need not be looked at.
        """
        call = _execute(self.source, self.general, self._check)
        self.__signature__ = inspect.signature(call)
        return type("Staged", (type(self),), {"__call__": staticmethod(call)})

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        return f"<staged {self.name}: {len(self.stages)} stages>"

    def _check(self, args: Sequence[Any]) -> None:
        leaves = [leaf for arg in args for leaf in trees.flatten(arg)[0]]
        if len(leaves) != len(self.arguments):
            raise ArgumentError(
                f"{self.name} was staged for {len(self.arguments)} values in its arguments, got "
                f"{len(leaves)}"
            )
        for argument, leaf in zip(self.arguments, leaves, strict=True):
            expected, found = shape_of(argument.value), shape_of(leaf)
            if found != expected:
                raise ArgumentError(
                    f"{self.name} was staged for {argument.name} of shape {expected}, got {found}: "
                    "sums over broadcast axes depend on it, so stage the function again"
                )
            if argument.node is None and not _equal(leaf, argument.value):
                raise ArgumentError(
                    f"{self.name} was staged for {argument.name} = {argument.value!r}, got "
                    f"{leaf!r}: its value is built into the code, so stage the function again"
                )


def _equal(a: Any, b: Any) -> bool:
    if a is b:
        return True
    try:
        return bool(np.array_equal(a, b))
    except (TypeError, ValueError):
        return False


def _execute(
    source: str, program: Program, check: Callable[[Sequence[Any]], None] | None = None
) -> Callable[..., Any]:
    """Run the source in a namespace of its own, where tracebacks find its lines.

    Args:
        source: the printed module.
        program: what it was printed from.
        check: to be called with the arguments where the value is not a float.
    """
    filename = f"<staged {program.name} {next(_counter)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"np": np, "math": math, "__name__": program.name}
    namespace.update(program.constants.arrays)
    tree = ast.parse(source)
    if check is not None:
        names = ("kind", "number", "check", "given")
        kind, number, call, given = (_unused(name, source) for name in names)
        namespace.update({kind: type, number: float, call: check})
        arguments = f"({', '.join(program.parameters)},)"
        printed = tree.body[-1]
        assert isinstance(printed, ast.FunctionDef)
        returned = printed.body[-1]
        assert isinstance(returned, ast.Return)
        assert isinstance(returned.value, ast.Tuple)
        output = ast.unparse(returned.value.elts[0])
        written = {x.id for x in ast.walk(printed) if isinstance(x, ast.Name) and _is_set(x)}
        if written & {*program.parameters}:  # loops go on with the names of the arguments
            (statement,) = ast.parse(f"{given} = {arguments}").body
            printed.body.insert(1, _at(statement, printed.body[1]))
            arguments = given
        (statement,) = ast.parse(f"if {kind}({output}) is not {number}: {call}({arguments})").body
        printed.body.insert(-1, _at(statement, returned))
    exec(compile(tree, filename, "exec"), namespace)
    function: Callable[..., Any] = namespace[program.name]
    return function


def _is_set(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _at(statement: ast.stmt, place: ast.stmt) -> ast.stmt:
    """Let a statement stand where another one does."""
    for node in ast.walk(statement):
        ast.copy_location(node, place)
    return statement


def _unused(name: str, source: str) -> str:
    while name in source:
        name += "_"
    return name
