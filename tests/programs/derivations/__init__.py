"""Backward passes written by hand: text that a person may have written, and it is right.

Each is a function ``by_hand`` that computes a program's value and gradients in local variables.
`DERIVATIONS` has them all by name.
"""

from __future__ import annotations

from tests.programs.derivations import layers, lecture, networks
from tests.programs.derivations.derivation import Derivation, written

__all__ = ["DERIVATIONS", "Derivation", "written"]

DERIVATIONS: dict[str, Derivation] = {
    **lecture.DERIVATIONS,
    **networks.DERIVATIONS,
    **layers.DERIVATIONS,
}
