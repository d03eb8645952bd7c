"""Sets of indices, one for each entry of an array: what it depends on.

They are kept as a compressed sparse row matrix is: ``members[starts[i]:starts[i + 1]]`` is the set
of entry i, sorted and each index once. All that is done with them is done by NumPy for all entries
at once.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.core.dependence import Dependence, Numbered
from chainrule.errors import UnsupportedError

__all__ = ["IndexSets"]

Integers: TypeAlias = NDArray[Any]

#: How many indices sets may have together: 4 GB, and twice as much on the way.
MOST_MEMBERS = 2**29


class IndexSets:
    """A set of indices for each entry of a flat array.

    Args:
        starts: where each set begins in members, and at last where the last one ends.
        members: the sets one after the other.
        width: the indices are less than this.
    """

    __slots__ = ("members", "starts", "width")

    def __init__(self, starts: Integers, members: Integers, width: int) -> None:
        self.starts = starts
        self.members = members
        self.width = width

    def __len__(self) -> int:
        return len(self.starts) - 1

    @classmethod
    def singles(cls, first: int, count: int, width: int) -> IndexSets:
        """Return the sets of one index each: ``{first}, {first + 1}, ...``."""
        return cls(np.arange(count + 1), np.arange(first, first + count), width)

    @classmethod
    def empty(cls, count: int, width: int) -> IndexSets:
        """Return empty sets."""
        return cls(np.zeros(count + 1, np.intp), np.zeros(0, np.intp), width)

    @classmethod
    def of_pairs(cls, entries: Integers, members: Integers, count: int, width: int) -> IndexSets:
        """Return the sets in which these entries have these members, in any order, or twice."""
        keys = entries * width + members
        if len(keys) > 1 and not np.all(keys[1:] > keys[:-1]):
            keys = np.sort(keys, kind="stable")  # quick where runs are sorted already
            keys = keys[np.concatenate(([True], keys[1:] != keys[:-1]))]
        entries, members = np.divmod(keys, max(width, 1))
        counts = np.bincount(entries, minlength=count)
        return cls(np.concatenate(([0], np.cumsum(counts))), members, width)

    @property
    def entries(self) -> Integers:
        """The entry that each member belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def taken(self, sources: Integers) -> IndexSets:
        """Return the sets of other entries: entry i gets that of ``sources[i]``, none if < 0."""
        valid = np.maximum(sources, 0)
        first = self.starts[valid]
        counts = np.where(sources < 0, 0, self.starts[valid + 1] - first) if len(self) else valid
        starts = np.concatenate(([0], np.cumsum(counts)))
        total = int(starts[-1])
        if total > MOST_MEMBERS:
            raise UnsupportedError(
                f"the pattern of a sparse derivative would have {total:,} entries on the way: "
                f"it is not sparse. Something in the function mixes all of {self.width:,} entries, "
                "as a norm does; products with vectors (chainrule.hvp, jvp, vjp) need no pattern"
            )
        places = np.repeat(first - starts[:-1], counts) + np.arange(total)
        return IndexSets(starts, self.members[places], self.width)

    def merged(self, other: IndexSets) -> IndexSets:
        """Return the union of the sets of both."""
        if not len(other.members) or other is self:
            return self
        if not len(self.members):
            return other
        if np.array_equal(self.starts, other.starts) and np.array_equal(
            self.members, other.members
        ):
            return self
        entries = np.concatenate((self.entries, other.entries))
        members = np.concatenate((self.members, other.members))
        return IndexSets.of_pairs(entries, members, len(self), self.width)

    def through(self, links: Dependence, count: int) -> IndexSets:
        """Return the sets of a result with so many entries that depends on these entries."""
        if not isinstance(links, Numbered):
            return IndexSets.of_pairs(*self.pairs_through(links, count), count, self.width)
        result, operand = links
        sets = self
        if operand is not None:
            groups = operand.ravel()
            groups = np.repeat(groups, np.diff(self.starts))
            members = self.members
            if len(groups) and groups.min() < 0:
                groups, members = groups[groups >= 0], members[groups >= 0]
            most = int(operand.max(initial=-1))
            if result is not None:
                most = max(most, int(result.max(initial=-1)))
            size = most + 1 if result is not None else count
            sets = IndexSets.of_pairs(groups, members, size, self.width)
        return sets if result is None else sets.taken(result.ravel())

    def pairs_through(self, links: Dependence, count: int) -> tuple[Integers, Integers]:
        """Return the sets of a result as pairs, in any order: of an entry, and of a member."""
        if isinstance(links, Numbered):
            found = self.through(links, count)
            return found.entries, found.members
        found = self.taken(links.operand)
        return np.repeat(links.result, np.diff(found.starts)), found.members
