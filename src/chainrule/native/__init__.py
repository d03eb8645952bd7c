"""Compiled functions: what was recorded, as native code.

A call goes through `compiled`, `specializations` and `paths`. What none of them knows is recorded
(`record/`), and `pipeline` lowers it (`lower/`), schedules it (`schedule/`) and writes it
(`codegen/`, `matmul/`, `ir/`). `executable` runs it, through `entry/`, on what `runtime/` has.
"""

from __future__ import annotations

from chainrule.native.compiled import Compiled, Lowered, compile

__all__ = ["Compiled", "Lowered", "compile"]
