"""Programs with loops, one file per subject: unmodified NumPy, and as users of JAX write them."""

import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])
if _ROOT not in sys.path:
    sys.path.append(_ROOT)  # for tests.programs, where some of the NumPy programs are

from programs import dynamics, matrices, recurrent, stencils, sums  # noqa: E402
from programs.program import Program  # noqa: E402

PROGRAMS: dict[str, Program] = {
    program.name: program
    for module in (dynamics, recurrent, stencils, matrices, sums)
    for program in module.PROGRAMS
}
