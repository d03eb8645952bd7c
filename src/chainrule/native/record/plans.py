"""In how many turns long loops are recorded."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chainrule.core.counted import Doubt

__all__ = ["FEW", "LONG", "NESTED", "Nested", "Replanned", "is_worth", "plans_of"]

#: Turns up to which a loop is recorded in full.
LONG = 32
#: The same, of loops in one another that are worth it.
NESTED = 16
#: In how many turns a long one is recorded, or a few more: the second where the first tells too
#: little.
FEW = (6, 10)
_VARYING = 2  # turns more where inner loops are as long as the turn says: these begin with no turn
_APART = 4  # how many more where there are several lengths, so that shorter loops stay shorter
_WORTH = 1_000  # turns of loops in one another from which on it is asked what few would cost


class Nested(Doubt):
    """Loops in one another have more turns than are worth recording, though each has few."""

    def __init__(self) -> None:
        super().__init__("loops in one another have many turns")


class Replanned(Doubt):
    """Loops are to be recorded in another number of turns, by what is known now.

    Attributes:
        lengths: the numbers of turns that they have.
        varies: whether a loop has another number of turns in each turn of a long one around it.
    """

    def __init__(self, lengths: frozenset[int], varies: bool) -> None:
        super().__init__("loops are recorded in too few turns")
        self.lengths, self.varies = lengths, varies


def plans_of(
    lengths: Sequence[int], few: int, varies: bool = False, endings: int = 0
) -> list[list[int]]:
    """Return in how many turns loops are recorded, one recording after the other.

    First in the fewest, and then each length alone in a few more: what follows from these for all
    turns is compared with the function's own run. Where a loop ends when a condition fails, other
    inputs have other numbers of turns, which nobody compares: there a last recording has more turns
    of all of them, and has to be what follows from the others.

    Args:
        lengths: that loops have, each once, the shortest first.
        few: in how many turns the shortest is recorded, or in one more.
        varies: whether loops are as long as the turn of another one says.
        endings: how many others end when a condition fails.
    """
    # With as many turns more or less as make up pairs: some loops do another thing every second
    # turn, ``a, b = b, step(a)``. Those that end when a condition fails may have any number.
    few += _VARYING * varies
    base = [few + _APART * k + n % 2 for k, n in enumerate(lengths)] + [few] * endings
    pairs = list(zip(base, [2] * len(lengths) + [1] * endings, strict=True))
    alone = [
        [n + (step if k == j else 0) for j, (n, step) in enumerate(pairs)] for k in range(len(base))
    ]
    return [base, *alone, *([[n + 2 * step for n, step in pairs]] if endings else [])]


def is_worth(nest: Sequence[int]) -> bool:
    """Tell whether few turns of loops in one another are less than half of all turns.

    Args:
        nest: how many turns each loop has.
    """
    turns = math.prod(nest)
    lengths = sorted({n for n in nest if n > NESTED})
    if turns < _WORTH or not lengths:
        return False
    asked = (dict(zip(lengths, plan, strict=True)) for plan in plans_of(lengths, FEW[0]))
    return 2 * sum(math.prod(few.get(n, n) for n in nest) for few in asked) < turns
