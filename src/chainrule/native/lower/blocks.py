"""Loops whose turns wait for no other but differ in length: so many turns at once, block by block.

``c[i, i:] = a[:, i] @ a[:, i:]`` is a product of two matrices for several turns, of what all of
them have, and a triangle beside it. Nothing is computed of which a turn has no part: where that is
infinite or NaN, the others are none the worse.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chainrule.graph.graph import Apply, Input, Vertex, copied, topological
from chainrule.graph.placeholder import full
from chainrule.graph.rewrite import substitute
from chainrule.native.ir.moving import Word, moving
from chainrule.native.lower.array_loop import ArrayLoop, State, result_of
from chainrule.native.lower.batched import in_one_block
from chainrule.native.lower.bodies import as_body
from chainrule.native.lower.independent import DependentError
from chainrule.native.lower.ragged import Turns
from chainrule.native.lower.roles import Role, role_of
from chainrule.native.lower.seen import light
from chainrule.native.lower.turn_places import UnrollError

__all__ = ["in_blocks"]

_TURNS = 32  # of a block


def in_blocks(vertex: Apply, unread: Collection[int]) -> list[Apply] | None:
    """Return the results of a loop in no other, which is done in blocks; None if it stays as it is.

    It is worth that where each turn has a product of a matrix and a vector. What becomes of states
    that nobody reads, which are given by number, is not said.
    """
    loop = vertex.operation
    assert isinstance(loop, ArrayLoop)
    turns = loop.turns
    if loop.lasts or not isinstance(turns, int) or turns < 2 * _TURNS:
        return None
    if not any(role_of(x) is Role.PRODUCT for x in topological(loop.results)):
        return None
    count = len(loop.states)
    tapes = [
        full(0, x.result.dtype, (turns, *map(int, x.result.shape)))
        for x in loop.tapes
        if x.input is None
    ]
    operands = [*vertex.operands[:count], *tapes, *vertex.operands[count:]]
    handed = [k for k in range(count + len(tapes)) if k not in unread]
    blocks, rest = divmod(turns, _TURNS)
    try:
        found = _blocks(loop, operands, handed, blocks)
        if rest:
            operands[: len(found)] = found
            last = Turns(loop.turn, blocks * _TURNS, rest)
            found, _ = in_one_block(loop, operands, last, [loop.states[k] for k in unread])
        return found
    except (DependentError, UnrollError):
        return None


def _blocks(
    loop: ArrayLoop, operands: Sequence[Vertex], handed: Sequence[int], blocks: int
) -> list[Apply]:
    """Return the states and tapes after all blocks that have as many turns.

    Args:
        loop: the loop.
        operands: its operands, with those of tapes after those of states.
        handed: which states and tapes are wanted.
        blocks: how many blocks there are.
    """
    word = Word("block")
    variables = [Input(f"x{k}", light(x.value, x.shape)) for k, x in enumerate(operands)]
    turns = Turns(loop.turn, moving(word, _TURNS), _TURNS, block=(word, blocks))
    unread = [x for k, x in enumerate(loop.states) if k not in handed]
    results, conditions = in_one_block(loop, variables, turns, unread)
    # A constant of a body is an array that is the same in all turns.
    masks = [Input(f"m{k}", light(x.value, x.shape)) for k, x in enumerate(conditions)]
    body = as_body(substitute(results, dict(zip(conditions, masks, strict=True))))
    same = [(x, operands[k]) for k, x in enumerate(variables) if k not in handed]
    same += zip(masks, conditions, strict=True)
    states = [State(variables[k], body[k]) for k in handed]
    made = ArrayLoop(word, blocks, blocks, states, [], [], [x for x, _ in same])
    applied = made.applied([*(operands[k] for k in handed), *(x for _, x in same)])
    found = dict(zip(handed, (result_of(applied, k) for k in range(len(handed))), strict=True))
    return [found.get(k) or copied(operands[k]) for k in range(len(results))]
