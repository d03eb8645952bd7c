"""Random programs of numbers and of matrices, ``program(x, y)``, as source."""

from __future__ import annotations

import linecache
from typing import Any

import numpy as np
from hypothesis import strategies as st

__all__ = ["defined", "programs"]

UNARY = ["-{0}", "np.sin({0})", "np.tanh({0})", "{0}**2", "np.exp(-{0}**2)", "1 / (2 + {0}**2)",
         "np.sqrt(1 + {0}**2)", "np.maximum({0}, 0.1)", "abs({0})", "{0} / 3"]  # fmt: skip
BINARY = ["{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / (1 + {1}**2)",
          "np.where({0} > {1}, {0}, 2 * {1})"]  # fmt: skip
ARRAY = ["{0}.sum(axis=0) + {0}", "{0} - {0}.mean(axis=1, keepdims=True)", "{0} @ {0}.T @ {0}",
         "{0}.T.T", "np.concatenate([{0}[:1], {0}[1:]])", "{0}[::-1]",
         "np.cumsum({0}, axis=0)"]  # fmt: skip


@st.composite
def programs(draw: st.DrawFn, arrays: bool) -> str:
    names = ["x", "y"]
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        choices = UNARY + BINARY + (ARRAY if arrays else [])
        template = draw(st.sampled_from(choices))
        inner = draw(st.sampled_from(["{}", "{}", "({} + 1)"]))
        operands = [inner.format(draw(st.sampled_from(names))) for _ in range(2)]
        name = draw(st.sampled_from(["a", "b", "x", "h"]))
        lines.append(f"    {name} = {template.format(*operands)}")
        if name not in names:
            names.append(name)
    used = " + ".join(draw(st.lists(st.sampled_from(names), min_size=1, max_size=3)))
    lines.append(f"    return np.sum({used})" if arrays else f"    return {used}")
    return "def program(x, y):\n" + "\n".join(lines) + "\n"


def defined(source: str) -> Any:
    linecache.cache["<random>"] = (len(source), None, source.splitlines(True), "<random>")
    names: dict[str, Any] = {"np": np}
    exec(compile(source, "<random>", "exec"), names)
    return names["program"]
