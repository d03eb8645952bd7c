"""What the tests of `review` share."""

from __future__ import annotations

from typing import Any

from chainrule import review
from chainrule.explain import Review
from tests.programs.derivations import DERIVATIONS, Derivation, written


def reviewed(derivation: Derivation, **options: Any) -> Review:
    """Review a derivation against the program that it is of."""
    function, args = derivation.program
    return review(written(derivation.text), function, *args, **options)


def with_mistake(name: str, old: str, new: str) -> Review:
    """Review a right derivation in which one part has been replaced."""
    return reviewed(DERIVATIONS[name].with_mistake(old, new))
