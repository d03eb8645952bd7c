"""Mistakes made in right derivations by machine, a few of each kind at every place that has one.

A mistake changes one expression or statement: a sign, a factor, an operand, a sum, a transpose,
``+=``, a power, a comparison, a name. Those that change no number in the end are left out.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.explain.reviews.run import HandRun, run_by_hand
from tests.programs.derivations import DERIVATIONS, Derivation, written

__all__ = ["Mutation", "mutations"]

_GRADIENT = re.compile(
    r"(?:\w+\.)?(?:d(?!en$|ot$|iff$|ata_loss$)\w+|grad\w*|delta\w*|\w+_grad|g[WbxX]\w*)"
)
_LOCAL = frozenset({"missing local", "wrong local", "wrong operand", "factor"})


class Mutation(NamedTuple):
    """A derivation with one mistake: its kind, its line, and what may be named as its cause."""

    name: str
    kind: str
    derivation: Derivation
    line: int
    causes: frozenset[str]
    change: str


class _Edit(NamedTuple):
    kind: str
    node: ast.expr | ast.stmt
    new: str
    causes: frozenset[str]


def mutations(most: int) -> list[Mutation]:
    """Return the mistakes, the same ones each time: at most so many of each derivation."""
    return [m for name in DERIVATIONS for m in _mutations(name, most)]


def _mutations(name: str, most: int) -> Iterator[Mutation]:
    right = DERIVATIONS[name]
    run = run_by_hand(written(right.text), right.program.args)
    texts = {right.text: None} | {
        _replaced(right.text, edit.node, edit.new): edit
        for edit in _edits(ast.parse(right.text), right, run)
    }
    for text, edit in _spread([(t, e) for t, e in texts.items() if e is not None], most):
        wrong = right._replace(text=text)
        found = _run(wrong)
        if found is None or found.error is not None or _equal(found, run):
            continue
        change = f"{ast.get_source_segment(right.text, edit.node)} -> {edit.new}"
        line = edit.node.lineno + (edit.kind == "twice")
        yield Mutation(name, edit.kind, wrong, line, edit.causes, change)


def _spread(edits: list[tuple[str, _Edit]], most: int) -> list[tuple[str, _Edit]]:
    """Choose evenly, kind by kind."""
    ordered = sorted(edits, key=lambda entry: entry[1].kind)
    step = max(len(ordered) / most, 1)
    return [ordered[int(k * step)] for k in range(int(len(ordered) / step))]


def _run(derivation: Derivation) -> HandRun | None:
    try:
        function = written(derivation.text)
    except SyntaxError:
        return None
    return run_by_hand(function, derivation.program.args)


def _equal(a: HandRun, b: HandRun) -> bool:
    """Tell whether two runs end with the same numbers."""
    return _same(a.variables, b.variables) and _same(a.returned, b.returned)


def _same(a: Any, b: Any) -> bool:
    if isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in b)
    if isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    if hasattr(b, "__dict__"):
        return type(b) is type or _same(vars(a), vars(b))
    if isinstance(b, (float, np.ndarray, np.generic)):
        return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-6, equal_nan=True)
    return True


def _replaced(text: str, node: ast.AST, new: str) -> str:
    """Replace the source of a node."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    first = starts[node.lineno - 1] + node.col_offset
    last = starts[node.end_lineno - 1] + node.end_col_offset
    return text[:first] + new + text[last:]


def _edits(tree: ast.Module, right: Derivation, run: HandRun) -> Iterator[_Edit]:
    values = {c.shown: c.value for c in run.changes} | run.arguments
    statements = [s for s in ast.walk(tree) if isinstance(s, (ast.Assign, ast.AugAssign))]
    for statement in sorted(statements, key=lambda s: s.lineno):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        name = ast.unparse(target)
        backward = bool(_GRADIENT.fullmatch(re.split(r"[\[(,]", name)[0]))
        for edit in _statement(statement, name, right.text):
            yield edit if backward else edit._replace(causes=edit.causes | {"forward value"})
        for node in ast.walk(statement.value):
            for edit in _expression(node, values, right.text):
                if not backward:
                    edit = edit._replace(causes=edit.causes | {"forward value"})
                yield edit
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Return) and statement.value is not None:
            yield from _returned(statement.value, right.text)
    for body in [n.body for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.For))]:
        for first, second in itertools.pairwise(body):
            if second.lineno == second.end_lineno == first.lineno + 1:
                yield _swapped(first, second, right.text)


def _returned(value: ast.expr, text: str) -> Iterator[_Edit]:
    """Exchange two gradients that are returned one after the other."""
    for node in ast.walk(value):
        if isinstance(node, (ast.Tuple, ast.List)):
            entries = [ast.get_source_segment(text, entry) or "" for entry in node.elts]
            for k, (a, b) in enumerate(itertools.pairwise(entries)):
                if _GRADIENT.fullmatch(a) and _GRADIENT.fullmatch(b):
                    order = [*entries[:k], b, a, *entries[k + 2 :]]
                    opening, closing = _brackets(node, text)
                    new = f"{opening}{', '.join(order)}{closing}"
                    yield _Edit("returned", node, new, frozenset({"wrong operand"}))


def _brackets(node: ast.Tuple | ast.List, text: str) -> tuple[str, str]:
    """Return the brackets that a tuple or list is written with."""
    source = ast.get_source_segment(text, node) or ""
    return (source[0], source[-1]) if source[0] in "([" else ("", "")


def _swapped(first: ast.stmt, second: ast.stmt, text: str) -> _Edit:
    """Exchange two lines, so that a gradient may be used before it is complete."""
    before, after = (ast.get_source_segment(text, s) or "" for s in (first, second))
    both = ast.copy_location(ast.Pass(), first)
    both.end_lineno, both.end_col_offset = second.end_lineno, second.end_col_offset
    both.lineno, both.col_offset = first.lineno, first.col_offset
    indent = " " * first.col_offset
    return _Edit("order", both, f"{after}\n{indent}{before}", frozenset({"order", "missing +="}))


def _statement(s: ast.Assign | ast.AugAssign, name: str, text: str) -> Iterator[_Edit]:
    value = ast.get_source_segment(text, s.value)
    if isinstance(s, ast.AugAssign):
        operator = {"Add": "+", "Sub": "-", "Mult": "*", "Div": "/"}[type(s.op).__name__]
        if operator in "+-":
            other = "-" if operator == "+" else "+"
            yield _Edit("sign", s, f"{name} {other}= {value}", frozenset({"sign"}))
            yield _Edit("+=", s, f"{name} = {value}", frozenset({"missing +="}))
            causes = {"missing path", "missing local"}
        else:
            causes = {"factor", "missing local"}
        yield _Edit("left out", s, "pass", frozenset(causes))
        if operator == "+":
            line = ast.get_source_segment(text, s)
            twice = f"{line}\n{' ' * s.col_offset}{line}"
            yield _Edit("twice", s, twice, frozenset({"factor"}))
    elif not isinstance(s.value, (ast.Tuple, ast.List, ast.Dict)):
        yield _Edit("sign", s.value, f"-({value})", frozenset({"sign"}))
        if isinstance(s.value, ast.BinOp) and ast.unparse(s.value.left) == name:
            rest = ast.get_source_segment(text, s.value.right)
            yield _Edit("+=", s.value, str(rest), frozenset({"missing +=", "missing local"}))
        if isinstance(s.targets[0], ast.Subscript) and isinstance(s.value, ast.Constant):
            yield _Edit("left out", s, "pass", frozenset({"missing local"}))


def _expression(node: ast.AST, values: dict[str, Any], text: str) -> Iterator[_Edit]:
    def source(n: ast.AST) -> str:
        return ast.get_source_segment(text, n) or ""

    if isinstance(node, ast.BinOp):
        left, right = source(node.left), source(node.right)
        match node.op:
            case ast.Mult() | ast.MatMult():
                for kept, lost in ((left, node.right), (right, node.left)):
                    yield _Edit("factor", node, f"({kept})", _causes_of_lost(lost))
                if isinstance(node.op, ast.MatMult):
                    causes = frozenset({"transpose", "shape", "wrong operand"})
                    yield _Edit("transpose", node, f"({left} @ {right}).T", causes)
                    yield _Edit("transpose", node, f"({right} @ {left})", causes)
            case ast.Div():
                yield _Edit("factor", node, f"({left})", frozenset({"factor", "missing local"}))
                yield _Edit("factor", node, f"({left} * {right})", _LOCAL)
            case ast.Sub():
                yield _Edit("sign", node, f"({right} - {left})", _LOCAL | {"sign"})
                yield _Edit("term", node, f"({left} + {right})", _LOCAL | {"missing path", "sign"})
                yield _Edit("term", node, f"({right})", _LOCAL | {"missing path"})
            case ast.Add():
                yield _Edit("term", node, f"({left} - {right})", _LOCAL | {"missing path", "sign"})
                yield _Edit("term", node, f"({left})", _LOCAL | {"missing path"})
            case ast.Pow():
                yield _Edit("power", node, f"({left})", _LOCAL)
                yield _Edit("power", node, f"({left})**3", _LOCAL)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        causes = frozenset({"transpose", "shape", "wrong operand"})
        yield _Edit("transpose", node, source(node.value), causes)
    elif isinstance(node, ast.Call):
        yield from _call(node, source)
    elif isinstance(node, ast.Compare):
        opposite = {"Gt": "<=", "LtE": ">", "Lt": ">=", "Eq": "!="}.get(type(node.ops[0]).__name__)
        if opposite:
            other = f"({source(node.left)} {opposite} {source(node.comparators[0])})"
            yield _Edit("mask", node, other, _LOCAL)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value:
        if node.value not in (1, 1.0):
            yield _Edit("constant", node, repr(node.value / 2), _LOCAL)
    elif isinstance(node, (ast.Name, ast.Attribute)):
        name = source(node)
        if name not in values or (
            not np.ndim(values[name]) and not isinstance(values[name], float)
        ):
            return
        others = [
            other
            for other, value in values.items()
            if re.fullmatch(r"[\w.]+", other)
            and np.shape(value) == np.shape(values[name])
            and not np.allclose(value, values[name])
        ]
        for other in others[-2:]:
            causes = frozenset({"wrong operand", "wrong local"})
            yield _Edit("operand", node, other, causes)


def _call(node: ast.Call, source: Any) -> Iterator[_Edit]:
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in ("sum", "mean"):
        return
    module = source(node.func.value) == "np"
    summed = source(node.args[0]) if module else source(node.func.value)
    yield _Edit("sum", node, f"({summed})", frozenset({"missing sum"}))
    other = "mean" if node.func.attr == "sum" else "sum"
    text = source(node)
    yield _Edit(
        "sum", node, text.replace(f".{node.func.attr}(", f".{other}(", 1), frozenset({"factor"})
    )
    if "axis" in text and "keepdims" not in text:
        yield _Edit("sum", node, f"{text[:-1]}, keepdims=True)", frozenset({"shape"}))
    for old, new in (("axis=0", "axis=1"), ("axis=1", "axis=0"), (".sum(0)", ".sum(1)")):
        if old in text:
            yield _Edit("sum", node, text.replace(old, new), frozenset({"missing sum", "shape"}))


def _causes_of_lost(lost: ast.expr) -> frozenset[str]:
    if isinstance(lost, ast.Constant):
        return frozenset({"factor"})
    if _GRADIENT.fullmatch(ast.unparse(lost)):
        return frozenset({"missing upstream", "wrong operand"})
    return frozenset({"missing local", "missing upstream", "factor", "wrong operand"})
