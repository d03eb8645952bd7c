"""A statement as a template: its text, with places for what differs from turn to turn."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from chainrule.staged.partition import LONG

__all__ = ["Place", "Statement", "arrays_in", "parsed"]


class Place(NamedTuple):
    """A part of a statement's text.

    ``kind`` is "read" for a variable, "write" for the one that is assigned, "update" for one whose
    entries are written or that is added to, "int" and "float" for numbers, "array" for a constant
    array that is made there; ``value`` its name or number. An int that is ``alone`` stands between
    commas or brackets.
    """

    start: int
    end: int
    kind: str
    value: Any
    alone: bool = False

    @property
    def is_read(self) -> bool:
        """Tell whether a variable or constant is read there; what is updated is read, too."""
        return self.kind in ("read", "update", "float", "array")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement. ``pieces`` are the texts before, between and after its places."""

    text: str
    pieces: tuple[str, ...]
    places: tuple[Place, ...]

    def renamed(self, names: Mapping[str, str]) -> Statement:
        """Return the statement with other variables in the place of some that it reads."""
        texts = [self.text.encode()[place.start : place.end].decode() for place in self.places]
        for k, place in enumerate(self.places):
            if place.kind == "read" and place.value in names:
                texts[k] = names[place.value]
        return self.filled(texts)

    def filled(self, texts: Sequence[str]) -> Statement:
        """Return the statement with other variables and integers in its places."""
        text = self.pieces[0].encode()
        places = []
        for place, own, piece in zip(self.places, texts, self.pieces[1:], strict=True):
            value = own if isinstance(place.value, str) else place.value
            value = int(own) if place.kind == "int" else value
            end = len(text) + len(own.encode())
            places.append(place._replace(start=len(text), end=end, value=value))
            text += (own + piece).encode()
        return Statement(text.decode(), self.pieces, tuple(places))

    @property
    def defines(self) -> str | None:
        """The variable that is assigned or changed."""
        return next((p.value for p in self.places if p.kind in ("write", "update")), None)

    @property
    def reads(self) -> list[Place]:
        """The variables and numbers that are read, in order; what is updated is read, too."""
        return [p for p in self.places if p.is_read]

    @property
    def series(self) -> list[range]:
        """The longest rows of places that are read one after the other, by their numbers."""
        found: list[range] = []
        start = 0
        for k, place in enumerate(self.places):
            end = k + 1
            if place.kind != "read":
                start = end
            elif self.pieces[end] != ", " or end == len(self.places):
                if end - start >= LONG:
                    found.append(range(start, end))
                start = end
        return found

    @property
    def is_copy(self) -> bool:
        """Tell whether it gives a variable the value of another one: ``x = y``."""
        kinds = [p.kind for p in self.places]
        return self.pieces == ("", " = ", "") and kinds == ["write", "read"]

    @property
    def is_view(self) -> bool:
        """Tell whether it names a number, or some entries of a variable, at places in numbers."""
        if self.pieces == ("", " = ", "") and self.places[1].kind in ("float", "array"):
            return True
        if self.pieces[:2] != ("", " = ") or [p.kind for p in self.places[:2]] != ["write", "read"]:
            return False
        end = self.pieces[-1].removesuffix(".copy()")
        inside = "".join(self.pieces[2:-1]) + end.removesuffix("]")
        return (
            all(p.kind == "int" for p in self.places[2:])
            and self.pieces[2].startswith("[")
            and end.endswith("]")
            and not set(inside[1:]) & set("[]()")
        )

    @property
    def is_sum(self) -> bool:
        """Tell whether it adds to a whole variable: ``dx += g``."""
        operators = (" += ", " -= ")
        return self.pieces[0] == "" and self.pieces[1].startswith(operators)

    def as_assignment(self, name: str, to: str, rest: str) -> str:
        """Write a sum as an assignment, given what stands behind its operator."""
        node = ast.parse(rest, mode="eval").body
        alone = isinstance(node, (ast.IfExp, ast.Compare)) or (
            isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))
        )
        return f"{name} = {to} {self.pieces[1][1]} {f'({rest})' if alone else rest}"

    @property
    def ints(self) -> list[Place]:
        """The integers in it, in order."""
        return [p for p in self.places if p.kind == "int"]


def arrays_in(text: str) -> list[str]:
    """Return the constant arrays that a statement makes: ``np.zeros(3)``, ``np.eye(2)``."""
    if "np." not in text:
        return []
    return [ast.unparse(x) for x in ast.walk(ast.parse(text)) if _is_array(x)]


def parsed(text: str, variables: Collection[str], arrays: Collection[str] = ()) -> Statement:
    """Take a statement apart.

    Args:
        text: the statement, on one line.
        variables: the names that are variables; all others are parts of the text.
        arrays: constant arrays that are to be places.
    """
    source = text.encode()  # positions in it are of bytes
    (node,) = ast.parse(text).body
    found = sorted({p.start: p for p in _places(node, variables, arrays)}.values())
    pieces = []
    end = 0
    for place in found:
        pieces.append(source[end : place.start].decode())
        end = place.end
    pieces.append(source[end:].decode())
    return Statement(text, tuple(pieces), tuple(found))


def _places(
    statement: ast.stmt, variables: Collection[str], arrays: Collection[str]
) -> Iterator[Place]:
    changed = _changed(statement)
    stack: list[tuple[ast.AST, bool]] = [(statement, True)]
    while stack:
        node, alone = stack.pop()
        match node:
            case ast.Name(id=name):
                if name in variables:
                    kind = "read" if node is not changed else "update"
                    if isinstance(node.ctx, ast.Store):
                        kind = "update" if isinstance(statement, ast.AugAssign) else "write"
                    yield _place(node, kind, name)
                continue
            case ast.UnaryOp(
                op=ast.USub(), operand=ast.Constant(value=int() | float() as value)
            ) if type(value) is not bool:
                yield _place(node, type(value).__name__, -value, alone)
                continue
            case ast.Constant(value=value):
                if type(value) in (int, float):
                    yield _place(node, type(value).__name__, value, alone)
                continue
            case ast.Call() if arrays and _is_array(node) and ast.unparse(node) in arrays:
                yield _place(node, "array", None, alone)
                continue
            case ast.Assert(test=test):
                stack.append((test, True))
                continue
        inside = not isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Attribute))
        stack += [(child, inside) for child in ast.iter_child_nodes(node)]


def _is_array(node: ast.AST) -> bool:
    """Tell whether an expression makes an array of numbers that stand there."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np")), args=args, keywords=[]):
            parts = (x for arg in args for x in ast.walk(arg))
            allowed = (ast.Constant, ast.Tuple, ast.List, ast.USub, ast.UnaryOp, ast.Load)
            return bool(args) and all(isinstance(x, allowed) for x in parts)
    return False


def _place(node: ast.expr, kind: str, value: Any, alone: bool = False) -> Place:
    assert node.end_col_offset is not None
    return Place(node.col_offset, node.end_col_offset, kind, value, alone)


def _changed(statement: ast.stmt) -> ast.AST | None:
    """Return where a variable stands whose entries a statement writes."""
    match statement:
        case ast.Assign(targets=[ast.Subscript(value=value)]):
            node: ast.AST = value
        case ast.AugAssign(target=ast.Subscript(value=value)):
            node = value
        case ast.Expr(value=ast.Call(args=[first, *_])):  # np.add.at
            node = first
        case _:
            return None
    return next((x for x in ast.walk(node) if isinstance(x, ast.Name) and x.id != "np"), None)
