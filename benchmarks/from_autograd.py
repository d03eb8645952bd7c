"""The programs of "Moving from autograd": ``python benchmarks/from_autograd.py``.

They are read off the page. The gradient that each computes again and again is timed as autograd
computes it, as chainrule does after its imports are changed, and compiled from NumPy's own
functions.
"""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from measure import compare
from peers import Call

import chainrule as cr

_PAGE = Path(__file__).resolve().parents[1] / "docs" / "from_autograd.md"
_OURS = "chainrule.interop.autograd"

#: What the same programs import that use NumPy and chainrule alone.
_NATIVE = (
    (f"import {_OURS}.numpy.random as", "import numpy.random as"),
    (f"import {_OURS}.numpy as", "import numpy as"),
    (rf"import {_OURS}.scipy.stats.(\w+) as", r"from scipy.stats import \1 as"),
    (f"from {_OURS} import", "from chainrule import"),
)
ARGUMENTS = {
    "Gaussian process": ("objective", lambda page: (np.zeros(4),)),
    "variational inference": ("gradient", lambda page: (page["start"], 0)),
    "fluid": ("gradient", lambda page: (page["start"],)),
}


def programs() -> dict[str, str]:
    """Return the programs by name, as they stand on the page."""
    blocks = re.findall(r"```python\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.S)
    return dict(zip(ARGUMENTS, blocks, strict=False))


def native(text: str) -> str:
    for pattern, new in _NATIVE:
        text = re.sub(pattern, new, text)
    return text


def gradient(name: str, text: str) -> Call:
    """Run a program; return the gradient that it has computed, and what of."""
    page: dict[str, Any] = {"__name__": name}
    with redirect_stdout(StringIO()):
        exec(compile(text, f"<{name}>", "exec"), page)
    function, arguments = ARGUMENTS[name]
    return Call(page[function], arguments(page))


def main(rounds: int = 7, seconds: float = 0.1) -> None:
    for name, text in programs().items():
        calls = {
            "autograd": gradient(name, text.replace(_OURS, "autograd")),
            "chainrule": gradient(name, text),
        }
        if "random" not in native(text).partition("\n\n")[0]:  # drawn while it is computed
            call = gradient(name, native(text))
            calls["compiled"] = Call(cr.compile(call.function), call.arguments)
        timings = compare(calls, rounds, seconds)
        times = {label: timing.seconds for label, timing in timings.items()}
        print(name, *(f"{label} {t * 1e3:.3f} ms" for label, t in times.items()), sep=", ")


if __name__ == "__main__":
    main()
