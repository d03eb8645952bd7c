"""A statement as a template: its text, with places for what differs from turn to turn."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Place", "Statement", "parsed"]


class Place(NamedTuple):
    """A part of a statement's text.

    ``kind`` is "read" for a variable, "write" for the one that is assigned, "update" for one whose
    entries are written or that is added to, "int" and "float" for numbers; ``value`` its name or
    number. An int that is ``alone`` stands between commas or brackets.
    """

    start: int
    end: int
    kind: str
    value: Any
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement. ``pieces`` are the texts before, between and after its places."""

    text: str
    pieces: tuple[str, ...]
    places: tuple[Place, ...]

    def renamed(self, names: Mapping[str, str]) -> Statement:
        """Return the statement with other variables in the place of some that it reads."""
        text = self.pieces[0].encode()
        places = []
        for place, piece in zip(self.places, self.pieces[1:], strict=True):
            own = self.text.encode()[place.start : place.end]
            value = place.value
            if place.kind == "read" and value in names:
                value = names[value]
                own = value.encode()
            places.append(place._replace(start=len(text), end=len(text) + len(own), value=value))
            text += own + piece.encode()
        return Statement(text.decode(), self.pieces, tuple(places))

    @property
    def defines(self) -> str | None:
        """The variable that is assigned or changed."""
        return next((p.value for p in self.places if p.kind in ("write", "update")), None)

    @property
    def reads(self) -> list[Place]:
        """The variables and numbers that are read, in order; what is updated is read, too."""
        return [p for p in self.places if p.kind in ("read", "update", "float")]

    @property
    def ints(self) -> list[Place]:
        """The integers in it, in order."""
        return [p for p in self.places if p.kind == "int"]


def parsed(text: str, variables: Collection[str]) -> Statement:
    """Take a statement apart.

    Args:
        text: the statement, on one line.
        variables: the names that are variables; all others are parts of the text.
    """
    source = text.encode()  # positions in it are of bytes
    (node,) = ast.parse(text).body
    found = sorted({p.start: p for p in _places(node, variables)}.values())
    pieces = []
    end = 0
    for place in found:
        pieces.append(source[end : place.start].decode())
        end = place.end
    pieces.append(source[end:].decode())
    return Statement(text, tuple(pieces), tuple(found))


def _places(statement: ast.stmt, variables: Collection[str]) -> Iterator[Place]:
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
            case ast.Assert(test=test):
                stack.append((test, True))
                continue
        inside = not isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Attribute))
        stack += [(child, inside) for child in ast.iter_child_nodes(node)]


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
