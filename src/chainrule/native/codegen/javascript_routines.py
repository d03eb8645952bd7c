"""Operations on whole arrays as JavaScript: running sums, sorting, equations, determinants.

They are for what a page can hold: plain elimination with pivots, at sizes at which nobody waits.
A function writes its first argument and reads the next ones, typed arrays in C order of their own;
what follows are numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply
from chainrule.operations import indexing, linalg, matrix_functions, reduction

__all__ = ["helpers_of", "routine"]

_LARGEST = 100  # rows of a matrix that is solved or inverted
_MINORS = 12  # rows of a matrix whose cofactors are found one by one


class _Routine(NamedTuple):
    """A function by its name, and the numbers that it is given; None where it is not written."""

    name: str
    numbers: Callable[[Apply], Sequence[int] | None]


def _lines(vertex: Apply) -> Sequence[int] | None:
    """Return how many lines there are along an axis: before it, its length, and after it."""
    shape = vertex.operands[0].shape
    axis = vertex.params.get("axis", -1)
    if axis is None:
        return 1, math.prod(shape), 1
    k = axis % len(shape)
    return math.prod(shape[:k]), shape[k], math.prod(shape[k + 1 :])


def _matrices(vertex: Apply) -> Sequence[int] | None:
    """Return how many square matrices there are, and of how many rows."""
    *batch, rows, columns = vertex.operands[0].shape
    return (math.prod(batch), rows) if rows == columns <= _LARGEST else None


def _cofactors(vertex: Apply) -> Sequence[int] | None:
    found = _matrices(vertex)
    return found if found is not None and found[1] <= _MINORS else None


def _equations(vertex: Apply) -> Sequence[int] | None:
    """Return how many systems there are, of how many equations, and their right sides."""
    a, b = vertex.operands
    found = _matrices(vertex)
    if found is None:
        return None
    if b.ndim == 1 and a.ndim == 2:
        return *found, 1
    return (*found, b.shape[-1]) if a.shape[:-1] == b.shape[:-1] else None


def _known_triangle(vertex: Apply) -> Sequence[int] | None:
    found = _equations(vertex)
    return None if found is None else (*found, int(vertex.params["lower"]), 0, 0)


def _triangle(vertex: Apply) -> Sequence[int] | None:
    found, params = _equations(vertex), vertex.params
    if found is None or params.get("trans", 0) not in (0, 1):
        return None
    return *found, *(int(params.get(x, 0)) for x in ("lower", "trans", "unit_diagonal"))


def _cholesky(vertex: Apply) -> Sequence[int] | None:
    found = _matrices(vertex)
    return None if found is None else (*found, int(vertex.params.get("upper", False)))


def _sizes(vertex: Apply) -> Sequence[int] | None:
    found = _matrices(vertex)
    return None if found is None else (*found, vertex.params["part"])


_ROUTINES: Mapping[Operation, _Routine] = {
    reduction.cumsum: _Routine("cumsum", _lines),
    reduction.cumprod: _Routine("cumprod", _lines),
    indexing.sort: _Routine("sort", _lines),
    indexing.argsort: _Routine("argsort", _lines),
    linalg.solve: _Routine("solve", _equations),
    linalg.solve_known_triangle: _Routine("solveTriangle", _known_triangle),
    matrix_functions.solve_triangular: _Routine("solveTriangle", _triangle),
    linalg.inv: _Routine("inv", _matrices),
    linalg.det: _Routine("det", _matrices),
    linalg.slogdet: _Routine("slogdet", _sizes),
    linalg.cofactors: _Routine("cofactors", _cofactors),
    linalg.cholesky: _Routine("cholesky", _cholesky),
}

#: The functions, each with those that it calls.
_TEXTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "alongLines": (
        """\
const alongLines = (x, before, n, after, use) => {
  const line = new Float64Array(n);
  for (let i = 0; i < before; i++) {
    for (let k = 0; k < after; k++) {
      const at = (j) => (i * n + j) * after + k;
      for (let j = 0; j < n; j++) line[j] = x[at(j)];
      use(line, at);
    }
  }
};
""",
        (),
    ),
    "cumsum": (
        """\
const cumsum = (y, x, before, n, after) => alongLines(x, before, n, after, (line, at) => {
  for (let j = 0, total = 0; j < n; j++) y[at(j)] = total += line[j];
});
""",
        ("alongLines",),
    ),
    "cumprod": (
        """\
const cumprod = (y, x, before, n, after) => alongLines(x, before, n, after, (line, at) => {
  for (let j = 0, total = 1; j < n; j++) y[at(j)] = total *= line[j];
});
""",
        ("alongLines",),
    ),
    "sort": (
        """\
const sort = (y, x, before, n, after) => alongLines(x, before, n, after, (line, at) => {
  line.sort().forEach((value, j) => { y[at(j)] = value; });
});
""",
        ("alongLines",),
    ),
    "argsort": (
        """\
const argsort = (y, x, before, n, after) => alongLines(x, before, n, after, (line, at) => {
  const rank = (a, b) => (a === b ? 0 : a < b || b !== b ? (a !== a && b !== b ? 0 : -1) : 1);
  [...line.keys()].sort((a, b) => rank(line[a], line[b])).forEach((k, j) => { y[at(j)] = k; });
});
""",
        ("alongLines",),
    ),
    "eliminated": (
        """\
const eliminated = (a, from, n) => {
  const lu = Float64Array.from(a.subarray(from, from + n * n));
  const order = [...Array(n).keys()];
  let sign = 1;
  for (let k = 0; k < n; k++) {
    let p = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(lu[i * n + k]) > Math.abs(lu[p * n + k])) p = i;
    if (p !== k) {
      for (let j = 0; j < n; j++) {
        [lu[k * n + j], lu[p * n + j]] = [lu[p * n + j], lu[k * n + j]];
      }
      [order[k], order[p]] = [order[p], order[k]];
      sign = -sign;
    }
    if (lu[k * n + k] === 0) continue;
    for (let i = k + 1; i < n; i++) {
      const factor = lu[i * n + k] /= lu[k * n + k];
      for (let j = k + 1; j < n; j++) lu[i * n + j] -= factor * lu[k * n + j];
    }
  }
  return { lu, order, sign };
};
""",
        (),
    ),
    "solve": (
        """\
const solve = (y, a, b, count, n, columns) => {
  for (let m = 0; m < count; m++) {
    const { lu, order } = eliminated(a, m * n * n, n);
    const start = m * n * columns;
    for (let c = 0; c < columns; c++) {
      const x = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        x[i] = b[start + order[i] * columns + c];
        for (let j = 0; j < i; j++) x[i] -= lu[i * n + j] * x[j];
      }
      for (let i = n - 1; i >= 0; i--) {
        for (let j = i + 1; j < n; j++) x[i] -= lu[i * n + j] * x[j];
        x[i] /= lu[i * n + i];
      }
      for (let i = 0; i < n; i++) y[start + i * columns + c] = x[i];
    }
  }
};
""",
        ("eliminated",),
    ),
    "solveTriangle": (
        """\
const solveTriangle = (y, a, b, count, n, columns, lower, transposed, unit) => {
  for (let m = 0; m < count; m++) {
    const of = (i, j) => a[m * n * n + (transposed ? j * n + i : i * n + j)];
    const down = Boolean(lower) !== Boolean(transposed);
    for (let c = 0; c < columns; c++) {
      const at = (i) => (m * n + i) * columns + c;
      for (let k = 0; k < n; k++) {
        const i = down ? k : n - 1 - k;
        let rest = b[at(i)];
        for (let j = down ? 0 : i + 1; j < (down ? i : n); j++) rest -= of(i, j) * y[at(j)];
        y[at(i)] = unit ? rest : rest / of(i, i);
      }
    }
  }
};
""",
        (),
    ),
    "inv": (
        """\
const inv = (y, a, count, n) => {
  const one = new Float64Array(count * n * n);
  for (let m = 0; m < count; m++) for (let i = 0; i < n; i++) one[(m * n + i) * n + i] = 1;
  solve(y, a, one, count, n, n);
};
""",
        ("solve",),
    ),
    "det": (
        """\
const det = (y, a, count, n) => {
  for (let m = 0; m < count; m++) {
    const { lu, sign } = eliminated(a, m * n * n, n);
    y[m] = sign;
    for (let i = 0; i < n; i++) y[m] *= lu[i * n + i];
  }
};
""",
        ("eliminated",),
    ),
    "slogdet": (
        """\
const slogdet = (y, a, count, n, part) => {
  for (let m = 0; m < count; m++) {
    let { lu, sign } = eliminated(a, m * n * n, n), size = 0;
    for (let i = 0; i < n; i++) {
      sign *= Math.sign(lu[i * n + i]);
      size += Math.log(Math.abs(lu[i * n + i]));
    }
    y[m] = part ? size : sign;
  }
};
""",
        ("eliminated",),
    ),
    "cofactors": (
        """\
const cofactors = (y, a, d, count, n) => {
  const minor = new Float64Array((n - 1) * (n - 1)), size = [0];
  for (let m = 0; m < count; m++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        for (let r = 0, k = 0; r < n; r++) {
          for (let c = 0; c < n; c++) if (r !== i && c !== j) minor[k++] = a[(m * n + r) * n + c];
        }
        det(size, minor, 1, n - 1);
        y[(m * n + i) * n + j] = (i + j) % 2 ? -size[0] : size[0];
      }
    }
  }
};
""",
        ("det",),
    ),
    "cholesky": (
        """\
const cholesky = (y, a, count, n, upper) => {
  for (let m = 0; m < count; m++) {
    const at = (i, j) => (m * n + (upper ? j : i)) * n + (upper ? i : j);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let rest = j > i ? 0 : a[at(i, j)];
        for (let k = 0; k < j && j <= i; k++) rest -= y[at(i, k)] * y[at(j, k)];
        y[at(i, j)] = j > i ? 0 : i === j ? Math.sqrt(rest) : rest / y[at(j, j)];
      }
    }
  }
};
""",
        (),
    ),
}


def routine(vertex: Apply) -> tuple[str, Sequence[int]] | None:
    """Return the function that computes a vertex and the numbers it is given; None for none."""
    found = _ROUTINES.get(vertex.operation)
    if found is None or not all(x.dtype.kind in "iubf" for x in (vertex, *vertex.operands)):
        return None
    if not vertex.size or not all(x.size for x in vertex.operands):
        return None
    numbers = found.numbers(vertex)
    return None if numbers is None else (found.name, numbers)


def helpers_of(names: Sequence[str]) -> str:
    """Return the texts of functions, and of those that they call."""
    needed: dict[str, None] = {}

    def need(name: str) -> None:
        text, calls = _TEXTS[name]
        for other in calls:
            need(other)
        needed[text] = None

    for name in names:
        need(name)
    return "".join(needed)
