"""How many mistakes made by machine are found at their line, and with their cause.

``python -m tests.explain.reviews.test_mutations 40`` tells it of up to 40 in each derivation, for
each kind of mistake: about 1,500, in a minute.
"""

from __future__ import annotations

import sys
from collections import Counter

from .conftest import reviewed
from .mutations import Mutation, mutations


def found(mutation: Mutation) -> tuple[bool, bool, bool]:
    """Tell whether a mistake is noticed, found at its line, and that with its cause."""
    review = reviewed(mutation.derivation)
    first = review.first
    at_line = first is not None and first.number == mutation.line
    return not review, at_line, at_line and first.cause.kind in mutation.causes


def test_most_mistakes_are_found_at_their_line_with_their_cause():
    results = [found(mutation) for mutation in mutations(most=4)]

    noticed, at_line, with_cause = (
        sum(column) / len(results) for column in zip(*results, strict=True)
    )
    assert len(results) > 100
    assert noticed > 0.95
    assert at_line > 0.72
    assert with_cause > 0.65


def main(most: int) -> None:
    """Print how many there are of each kind, noticed, found at their line, with their cause."""
    table: dict[str, Counter[str]] = {}
    for mutation in mutations(most):
        for kind in (mutation.kind, "all"):
            columns = zip(("noticed", "line", "cause"), found(mutation), strict=True)
            table.setdefault(kind, Counter()).update(["made", *(c for c, yes in columns if yes)])
    for kind, counts in sorted(table.items()):
        print(f"{kind:10}", *(f"{counts[c]:5} {c}" for c in ("made", "noticed", "line", "cause")))


if __name__ == "__main__":
    main(int(sys.argv[1]))
