"""What the tests of recordings share."""

from __future__ import annotations

from typing import Any

import pytest

from chainrule.native import specializations


@pytest.fixture
def recordings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that something was recorded and built."""
    found: list[int] = []
    built = specializations.Specialization.built

    def counted(self: Any, *args: Any) -> Any:
        found.append(1)
        return built(self, *args)

    monkeypatch.setattr(specializations.Specialization, "built", counted)
    return found
