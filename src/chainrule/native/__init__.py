"""Compiled functions: what was recorded, as native code.

A call goes through `compiled`, `specializations` and `paths`. What none of them knows is recorded
(`record/`), and `pipeline` lowers it (`lowered`, by the rules of `lower/`), schedules it
(`schedule/`) and writes it (`steps`, by `codegen/`, `matmul/`, `ir/`). `results` says what it has
to compute. `executable` runs it, through `entry/`, on what `runtime/` has; `interpret` does it by
NumPy. A schedule is also written for people (`listing`, in the words of `describe`) and for pages
(`scripted`).
"""

from __future__ import annotations

from chainrule.native.compiled import Compiled, Lowered, compile

__all__ = ["Compiled", "Lowered", "compile"]
