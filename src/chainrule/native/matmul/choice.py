"""Which products are computed in tiles: those that take BLAS longer, which packs and is called."""

from __future__ import annotations

from chainrule.native.ir.access import Access
from chainrule.native.matmul.extents import Extents, best_tile
from chainrule.native.runtime.engine import host

__all__ = ["is_quicker", "is_spread", "nested_fits", "packs"]

_RIGHT = 1 << 15  # bytes of a right operand that stays in the cache, however many rows there are
_PANEL = 1 << 16  # bytes of a panel, which lies on the stack
_FULL = 12  # vectors of the result in a tile from which on the multipliers are busy
_WASTE = 1.15  # entries that are computed, over those that are wanted
_LITTLE_WASTE = 1.13  # the same, where BLAS has little to pack
_SPREAD = 1 << 19  # bytes of a result from which on some rows are used before the next
_READ_AGAIN = 1 << 20  # bytes of a right operand that is read once for some rows at a time
_NARROW = 4  # rows or columns from which on tiles are worth it


def packs(b: Access) -> bool:
    """Tell whether panels of the right operand are copied."""
    return b.size[-1] > 1 and b.strides[-1] != 1


def is_quicker(a: Access, b: Access) -> bool:
    """Tell whether the loops take less time than BLAS, which packs both operands and is called.

    How many times faster they were (AVX2, one thread, in cache, the four ways to transpose):

    ==================  =========  =========    ==================  =========  =========
    m x k x n           float64    float32      m x k x n           float64    float32
    ==================  =========  =========    ==================  =========  =========
    4 x 4 x 4           12 - 28    18 - 32      128 x 64 x 100      1.1 - 1.4  1.0 - 1.3
    16 x 16 x 16        1.9 - 3.0  2.4 - 5.1    100 x 100 x 100     1.1 - 1.3  1.1 - 1.3
    64 x 64 x 64        1.1 - 1.5  1.2 - 1.7    128 x 128 x 128     0.7 - 0.9  0.6 - 1.7
    1000 x 10 x 10      2.1 - 2.6  1.7 - 2.6    2000 x 64 x 64      1.1 - 1.3  1.1 - 1.6
    10 x 1000 x 10      1.8 - 3.0  2.0 - 5.1    64 x 4000 x 64      0.5 - 0.7  0.7 - 1.4
    10 x 10 x 1000      0.9 - 2.6  1.6 - 4.2    12 x 1000 x 2000    0.6 - 1.4  0.3 - 0.8
    ==================  =========  =========    ==================  =========  =========
    """
    (m, k), n = a.size[-2:], b.size[-1]
    itemsize = a.base.dtype.itemsize
    if m * n == 1:
        return k <= 1024  # each addition waits for the last
    if packs(b):
        tile = best_tile(m, n, itemsize, host())
        assert tile is not None
        span = tile.span(n)
        if (m < 16 and k * n > 256) or k * span * itemsize > _PANEL:
            return False
    if k * n * itemsize <= _RIGHT:
        return True
    if min(m, n) <= 16:
        return n <= 16 or k * n * itemsize <= 32 * _RIGHT
    if m * k * n <= 1 << 20:
        few = m * k * n <= 1 << 19 or host().vector_bytes < 64
        return few or packs(b) or _fits_wide_vectors(a, b)
    return _fills_wide_vectors(a, b)


def _fits_wide_vectors(a: Access, b: Access) -> bool:
    """Tell whether tiles of AVX-512 compute few entries of a small product that nobody wants.

    How many times faster than BLAS they were (one thread, float64), by that waste:

    ===  =====  =========    ===  =====  =========
     80   1.00  1.1           98   1.15  0.7
     90   1.07  1.1          100   1.14  0.7 - 0.8
     84   1.14  0.9          101   1.12  1.2
    ===  =====  =========    ===  =====  =========
    """
    m, n, itemsize = a.size[-2], b.size[-1], a.base.dtype.itemsize
    tile = best_tile(m, n, itemsize, host())
    if tile is None:
        return True
    span = tile.span(n)
    return -(-m // tile.rows) * tile.rows * -(-n // span) * span <= _LITTLE_WASTE * m * n


def _fills_wide_vectors(a: Access, b: Access) -> bool:
    """Tell whether tiles leave little of AVX-512's registers unused in a larger product.

    How many times faster they were than BLAS (one thread, float32, in the second cache):

    ==================  =========    ==================  =========
    32 x 256 x 256      1.9          128 x 784 x 512     1.3
    128 x 128 x 128     1.2 - 1.5    784 x 128 x 512     1.1 - 1.2
    128 x 256 x 256     1.3          512 x 512 x 512     1.0 - 1.2
    128 x 512 x 512     1.3          1000 x 1000 x 500   0.9
    ==================  =========    ==================  =========
    """
    target, itemsize = host(), a.base.dtype.itemsize
    (m, k), n = a.size[-2:], b.size[-1]
    large = m * k * n > 1 << 27 or k * n * itemsize >= 1 << 21
    if target.vector_bytes < 64 or packs(b) or large:
        return False
    blocks, _ = Extents.of_matrices(a, b).split(itemsize)
    tile = best_tile(m, n, itemsize, target, even=bool(blocks))
    if tile is None or tile.rows * tile.vectors < _FULL:
        return False
    span = tile.span(n)
    return -(-m // tile.rows) * tile.rows * -(-n // span) * span <= _WASTE * m * n


def is_spread(a: Access, b: Access) -> bool:
    """Tell whether a result is so large that some of its rows are to be used before the next."""
    (m, k), n, itemsize = a.size, b.size[1], a.base.dtype.itemsize
    return m * n * itemsize >= _SPREAD and k * n * itemsize <= _READ_AGAIN


def nested_fits(a: Access, b: Access) -> bool:
    """Tell whether tiles compute a product of this kind, in less time than a copy and BLAS."""
    extents, itemsize = Extents.nested(a, b), a.base.dtype.itemsize
    if b.strides[-1] != 1 or min(extents.rows[0], extents.columns[0]) < _NARROW:
        return False
    sizes = extents.rows[0], extents.columns[0], itemsize
    blocks, _ = extents.split(itemsize)
    return not blocks or best_tile(*sizes, host(), even=True) is not None
