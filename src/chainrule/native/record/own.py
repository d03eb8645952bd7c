"""The function's own run, and what it writes into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.captured import fingerprint
from chainrule.errors import UnsupportedError
from chainrule.native.record.families import Relatives
from chainrule.native.record.recorded import Run
from chainrule.native.record.signature import flatten

__all__ = ["NotCompiled", "Own"]

_NONE: Any = object()


class NotCompiled(UnsupportedError):
    """Why a function runs as Python; ``result`` is what it returned."""

    def __init__(self, reason: str, result: Any) -> None:
        super().__init__(reason)
        self.result = result


class Own:
    """The function's own run: at most one for each attempt to record it.

    Attributes:
        has_run: whether there was one in this attempt.
    """

    def __init__(
        self, f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        self._f, self._args, self._kwargs = f, args, kwargs
        self._draft: Run | Relatives | None = None
        self._result = _NONE
        self.has_run = False

    def begins(self, draft: Run | Relatives | None) -> None:
        """Begin an attempt; where nothing was recorded, an earlier run will do."""
        self.has_run = draft is None and self._result is not _NONE
        self._draft = draft

    def run(self, reason: str | None = None) -> Any:
        """Return what the function returns.

        Args:
            reason: why it is known to be no function that can be compiled.

        Raises:
            NotCompiled: it writes into an array, or there is such a reason.
        """
        if not self.has_run:
            before = _fingerprints(self._args, self._kwargs, self._draft)
            self._result = self._f(*self._args, **self._kwargs)
            self.has_run = True
            reason = reason or _written(before)
        if reason is not None:
            raise NotCompiled(reason, self._result)
        return self._result


def _fingerprints(
    args: Sequence[Any], kwargs: Mapping[str, Any], draft: Run | Relatives | None
) -> list[tuple[Any, Any, str]]:
    """Look at the arrays that a function might write into: its arguments, and what it refers to.

    Each comes with its fingerprint and what is to be said if that has changed.
    """
    why = "it writes into an argument; return the new value instead"
    arrays = [(x, why) for x in flatten(args, kwargs)[1] if isinstance(x, np.ndarray)]
    if isinstance(draft, Relatives):
        draft = draft.runs[0]
    if draft is not None:
        why = "it writes into the array `{}`, which it does not make itself"
        arrays += [(x, why.format(name)) for x, _, name in draft.captured.arrays]
    return [(x, fingerprint(x), why) for x, why in arrays]


def _written(before: list[tuple[Any, Any, str]]) -> str | None:
    """Say what has been written into, if anything."""
    return next((why for x, seen, why in before if fingerprint(x) != seen), None)
