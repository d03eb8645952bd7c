"""How fast the parameters change: a method of descent whose rate is data, not code.

So one compiled step serves all rates that a search over parameters tries.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from chainrule import optim
from chainrule.optim.optimiser import Optimiser, like
from chainrule.trees import map_leaves

__all__ = ["Pace", "method", "paced"]


class Pace(NamedTuple):
    """The state of the rate: ``rate / (seen + 1) ** power``, with what was seen before the epoch.

    Attributes:
        rate: the rate.
        power: 0 for a rate that stays.
        seen: examples before this run.
        steps: steps of this run.
        batches: steps in an epoch.
        examples: examples in an epoch.
    """

    rate: Any
    power: Any
    seen: Any
    steps: Any
    batches: Any
    examples: Any


@functools.lru_cache(maxsize=16)
def method(
    solver: str, momentum: float, nesterov: bool, beta_1: float, beta_2: float, epsilon: float
) -> Optimiser:
    """Return a solver whose state ends with a `Pace`."""
    if solver == "adam":
        descent = optim.adam(1.0, beta_1, beta_2, epsilon)
    elif momentum:
        descent = (optim.nesterov if nesterov else optim.momentum)(1.0, momentum)
    else:
        descent = optim.sgd(1.0)
    return optim.chain(descent, Optimiser(_no_pace, _at_pace))


def paced(state: Any, **values: Any) -> Any:
    """Return the state of a method with another pace."""
    *descent, pace = state
    given = {name: np.float64(value) for name, value in values.items()}
    return (*descent, pace._replace(**given))


def _no_pace(params: Any) -> Pace:
    return Pace(*map(np.float64, (0, 0, 0, 0, 1, 1)))


def _at_pace(gradients: Any, state: Pace, params: Any) -> tuple[Any, Pace]:
    seen = state.seen + state.examples * np.floor(state.steps / state.batches)
    rate = state.rate * (seen + 1) ** -state.power
    scaled = map_leaves(lambda u: like(rate, u) * u, gradients)
    return scaled, state._replace(steps=state.steps + 1)
