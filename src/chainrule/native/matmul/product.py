"""Products of matrices and vectors: loops of our own or calls of BLAS, whichever is quicker."""

from __future__ import annotations

import math
from collections.abc import Callable

from chainrule.graph.graph import Apply
from chainrule.native.ir.access import Access
from chainrule.native.ir.buffers import integer
from chainrule.native.ir.moving import moves, this_turn
from chainrule.native.ir.text import Code, constant, register_type
from chainrule.native.matmul import choice, tiles
from chainrule.native.matmul.blas import fits

__all__ = [
    "emit",
    "emit_nested",
    "flops",
    "has_room",
    "nested_readable",
    "pays_by_rows",
    "readable",
    "uses_blas",
]


def readable(a: Access | None, b: Access | None) -> tuple[bool, bool]:
    """Tell which operands of a product can be read where they will lie; the others are copied.

    None stands for an operand whose entries will not lie in memory.
    """
    # What is laid out over an axis may be stored whole in the end, with other strides.
    spread = b is not None and any(
        not stride and n > 1 for stride, n in zip(b.strides[-2:], b.size[-2:], strict=True)
    )
    if (
        a is not None
        and b is not None
        and not spread
        and _are_matrices(a, b)
        and choice.is_quicker(a, b)
    ):
        return True, True
    return _is_layout_of_blas(a), _is_layout_of_blas(b)


def nested_readable(a: Access | None, b: Access | None) -> tuple[bool, bool]:
    """Tell which operands of a product summed along several axes can be read where they lie."""
    return a is not None, b is not None and b.strides[-1] == 1


def _are_matrices(a: Access, b: Access) -> bool:
    """Tell whether these are matrices of sizes that are known, as tiles are written for them."""
    return min(len(a.size), len(b.size)) >= 2 and not moves((*a.size, *b.size))


def _is_layout_of_blas(access: Access | None) -> bool:
    """Tell whether BLAS can read a matrix or vector where it lies."""
    if access is None or any(stride < 0 for stride in access.strides):
        return False
    if len(access.size) == 1:
        return access.size[0] == 1 or access.strides[0] >= 1
    return _leading(_matrix(access)) is not None


def _matrix(access: Access) -> Access:
    """Return the first matrix of a batch."""
    return access.view(access.strides[-2:], access.size[-2:])


def _leading(access: Access) -> tuple[bool, int] | None:
    """Return whether a matrix is stored transposed, and the distance of its rows in memory."""
    (m, n), (down, across) = access.size, access.strides
    if (across == 1 or n == 1) and (down >= n or m == 1):
        return False, int(max(down if m > 1 else n, n, 1))
    if (down == 1 or m == 1) and (across >= m or n == 1):
        return True, int(max(across if n > 1 else m, m, 1))
    return None


def flops(vertex: Apply) -> int:
    """Count the multiplications and additions of a product."""
    a, b = vertex.operands
    return 2 * a.size * (b.shape[-1] if b.ndim > 1 else 1)


def uses_blas(a: Access, b: Access) -> bool:
    """Tell whether a product is computed by BLAS."""
    in_blas = _is_layout_of_blas(a) and _is_layout_of_blas(b)
    return not _are_matrices(a, b) or (in_blas and not choice.is_quicker(a, b))


def pays_by_rows(a: Access, b: Access) -> bool:
    """Tell whether to use some rows of a product while they are in the cache, before the next."""
    return len(a.size) == len(b.size) == 2 and not uses_blas(a, b) and choice.is_spread(a, b)


def emit(
    a: Access,
    b: Access,
    c: Access,
    pointer: Callable[[Code, Access], str],
    parts: int,
    code: Code,
) -> set[tuple[str, str]]:
    """Write c = a @ b; return the BLAS functions that it needs, for `blas.definitions`."""
    dtype = c.base.dtype
    kind = register_type(dtype)
    one, zero = constant(1, dtype), constant(0, dtype)
    at_a, at_b, at_c = pointer(code, a), pointer(code, b), pointer(code, c)
    if not uses_blas(a, b):
        tiles.call(a, b, (at_a, at_b, at_c), parts, code)
        return set()
    if len(c.size) > 2:
        batch = _Batch(code, c.size[:-2])
        at_a, at_b, at_c = (
            batch.pointer(at, kind, access.strides[:-2])
            for at, access in ((at_a, a), (at_b, b), (at_c, c))
        )
        _gemm(code, _matrix(a), _matrix(b), _matrix(c), (at_a, at_b, at_c), kind)
        batch.end()
        return {("gemm", kind)}
    if len(a.size) == len(b.size) == 1:
        n = _size(code, a.size[0])
        dot = f"call {kind} @cr.dot.{kind}(ptr {at_a}, ptr {at_b}, i64 {n}, "
        result = code.let(f"{dot}i64 {_step(a)}, i64 {_step(b)})")
        code.add(f"store {kind} {result}, ptr {at_c}")
        return {("dot", kind)}
    if len(a.size) == 2 and len(b.size) == 2:
        _gemm(code, a, b, c, (at_a, at_b, at_c), kind)
        return {("gemm", kind)}
    matrix, vector = (a, b) if len(a.size) == 2 else (b, a)
    at_matrix, at_vector = (at_a, at_b) if matrix is a else (at_b, at_a)
    flip, leading = _leading(matrix)  # type: ignore[misc]
    rows, columns = (_size(code, n) for n in (matrix.size[::-1] if flip else matrix.size))
    transposed = flip != (matrix is b)  # x @ A is A.T @ x
    code.add(
        f"call void @cr.gemv.{kind}(ptr {at_matrix}, ptr {at_vector}, ptr {at_c}, i64 {rows}, "
        f"i64 {columns}, i1 {int(transposed)}, i64 {leading}, i64 {_step(vector)}, i64 1, "
        f"{kind} {one}, {kind} {zero})"
    )
    return {("gemv", kind)}


def emit_nested(
    a: Access,
    b: Access,
    c: Access,
    pointer: Callable[[Code, Access], str],
    parts: int,
    code: Code,
) -> None:
    """Write a product that is summed along all axes of b but the last, the last ones of a."""
    tiles.call_nested(a, b, [pointer(code, access) for access in (a, b, c)], parts, code)


def _size(code: Code, n: int) -> str:
    """Return a length in this turn."""
    return integer(code, this_turn(n))


def _gemm(code: Code, a: Access, b: Access, c: Access, at: tuple[str, str, str], kind: str) -> None:
    m, k, n = (_size(code, n) for n in (*a.size, b.size[1]))
    (flip_a, ld_a), (flip_b, ld_b) = _leading(a), _leading(b)  # type: ignore[misc]
    (_, ld_c) = _leading(c)  # type: ignore[misc]
    one, zero = (constant(number, c.base.dtype) for number in (1, 0))
    at_a, at_b, at_c = at
    code.add(
        f"call void @cr.gemm.{kind}(ptr {at_a}, ptr {at_b}, ptr {at_c}, "
        f"i64 {m}, i64 {n}, i64 {k}, i1 {int(flip_a)}, i1 {int(flip_b)}, "
        f"i64 {ld_a}, i64 {ld_b}, i64 {ld_c}, {kind} {one}, {kind} {zero})"
    )


class _Batch:
    """A loop over the matrices of a batch, whatever the strides from one to the next are."""

    def __init__(self, code: Code, lengths: tuple[int, ...]) -> None:
        self._code = code
        self._count = math.prod(lengths)
        self._counter = code.let("alloca i64")
        code.add(f"store i64 0, ptr {self._counter}")
        self._loop, self._done = code.name(), code.name()
        code.add(f"br label {self._loop}")
        code.label(self._loop)
        self._number = rest = code.let(f"load i64, ptr {self._counter}")
        indices = []
        for n in reversed(lengths):
            indices.append(code.let(f"urem i64 {rest}, {n}"))
            rest = code.let(f"udiv i64 {rest}, {n}")
        self._indices = indices[::-1]

    def pointer(self, start: str, kind: str, strides: tuple[int, ...]) -> str:
        """Return the pointer to this matrix, given that to the first one."""
        for index, stride in zip(self._indices, strides, strict=True):
            if stride:
                step = self._code.let(f"mul i64 {index}, {stride}")
                start = self._code.let(f"getelementptr {kind}, ptr {start}, i64 {step}")
        return start

    def end(self) -> None:
        """Go on to the next matrix, or leave."""
        code = self._code
        following = code.let(f"add i64 {self._number}, 1")
        code.add(f"store i64 {following}, ptr {self._counter}")
        more = code.let(f"icmp ult i64 {following}, {self._count}")
        code.add(f"br i1 {more}, label {self._loop}, label {self._done}")
        code.label(self._done)


def _step(vector: Access) -> int:
    return vector.strides[0] if vector.size[0] > 1 else 1


def has_room(vertex: Apply) -> bool:
    """Tell whether the sizes of a product fit into BLAS's integers."""
    return all(fits(*x.shape) for x in (vertex, *vertex.operands))
