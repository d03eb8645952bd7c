"""Compiled functions: what was recorded, as native code."""

from __future__ import annotations

from chainrule.native.compiled import Compiled, Lowered, compile

__all__ = ["Compiled", "Lowered", "compile"]
