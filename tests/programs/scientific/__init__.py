"""Programs as scientists write them in NumPy: buffers, writes in place, loops, rows and views.

Each is a function of arguments of which some are differentiated (``wrt``). What it computes is what
it returns, and the arguments that it overwrites (``written``). `loss` makes one number of all that.
In files by kind: `stencils`, `matrices`, `accumulators`, `recurrences`, `networks`, `waves`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.programs import normal
from tests.programs.scientific import (
    accumulators,
    matrices,
    networks,
    recurrences,
    stencils,
    waves,
)

__all__ = ["PROGRAMS", "Scientific"]


class Scientific(NamedTuple):
    """A program, arguments, the positions of those differentiated, and of those overwritten."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: tuple[int, ...]
    written: tuple[int, ...] = ()

    def loss(self) -> Callable[..., Any]:
        """Return a function of the differentiated arguments that gives one number."""
        function, args, wrt, written = self

        def program(*given):
            every = list(args)
            for k, x in zip(wrt, given, strict=True):
                every[k] = x
            result = function(*every)
            return _number([result, [every[k] for k in written]])

        return program

    @property
    def point(self) -> tuple[Any, ...]:
        """The differentiated arguments."""
        return tuple(self.args[k] for k in self.wrt)


def _number(found: Any) -> Any:
    """Return a sum of all floats in a tree, each with a weight of its own."""
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, (list, tuple)):
        return sum((_number(part) for part in found), 0.0)
    if found is None or np.asarray(found).dtype.kind in "iub":
        return 0.0
    weights = np.linspace(0.5, 1.5, int(np.prod(np.shape(found)))).reshape(np.shape(found))
    if np.iscomplexobj(found):
        return np.sum(weights * np.real(found)) + np.sum(weights**2 * np.imag(found))
    return np.sum(weights * found)


def _positive(*shapes: int | tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    return tuple(random.uniform(0.5, 1.5, shape) for shape in shapes)


def _complex(*shapes: int | tuple[int, ...]) -> tuple[np.ndarray, ...]:
    parts = zip(normal(*shapes), normal(*shapes, seed=1), strict=True)
    return tuple(x + 1j * y for x, y in parts)


def _definite(n: int) -> np.ndarray:
    (a,) = normal((n, n), seed=n)
    return a @ a.T + n * np.eye(n)


_dominant = 4 * np.eye(4) + normal((4, 4))[0]
_distances = 1 + 9 * np.random.default_rng(3).uniform(size=(4, 4))
_i64, _f64 = np.int64, np.float64

PROGRAMS: dict[str, Scientific] = {
    # Stencils.
    "diffuse_rod": Scientific(stencils.diffuse_rod, (4, *normal(8, 8)), (1, 2), (1, 2)),
    "relax_plate": Scientific(stencils.relax_plate, (3, *normal((5, 6), (5, 6))), (1, 2), (1, 2)),
    "heat_cube": Scientific(stencils.heat_cube, (3, *normal((4, 5, 4), (4, 5, 4))), (1, 2), (1, 2)),
    "sweep_plate": Scientific(stencils.sweep_plate, (3, 4, *normal((4, 4))), (2,), (2,)),
    "waves": Scientific(
        stencils.waves, (3, *normal((4, 5), (4, 5), (4, 5), 3)), (1, 2, 3, 4), (1, 2, 3)
    ),
    "limited_diffusion": Scientific(
        stencils.limited_diffusion, normal((7, 8, 2), (3, 4, 2), (3, 4, 2)), (0, 1, 2), (1,)
    ),
    "alternate_directions": Scientific(
        stencils.alternate_directions, (2, 4, *_positive((4, 4))), (2,), (2,)
    ),
    "cavity": Scientific(
        stencils.cavity,
        (4, 4, _i64(2), 2, *normal((4, 4), (4, 4)), 0.01, 0.5, 0.5, *normal((4, 4)), 1.0, 0.1),
        (4, 5, 6, 9, 10, 11),
        (4, 5, 9),
    ),
    "channel": Scientific(
        stencils.channel,
        (*_positive((5, 5), (5, 5)), 0.01, 0.5, 0.1, 1.0, 0.02),
        (0, 1, 2, 3, 4, 5),
        (0,),
    ),
    "advect_columns": Scientific(
        stencils.advect_columns,
        (*normal((3, 2, 5), (3, 2, 5), (4, 2, 5), (3, 2, 5), (3, 2, 5)), _f64(3 / 20)),
        (0, 1, 2, 3, 4, 5),
        (0,),
    ),
    # Matrices.
    "gemm": Scientific(
        matrices.gemm,
        (_f64(1.5), _f64(1.2), *normal((3, 4), (3, 5), (5, 4))),
        (0, 1, 2, 3, 4),
        (2,),
    ),
    "two_products": Scientific(
        matrices.two_products,
        (1.5, 1.2, *normal((3, 4), (4, 5), (5, 3), (3, 3))),
        (0, 1, 2, 3, 4, 5),
        (5,),
    ),
    "three_products": Scientific(
        matrices.three_products, normal((3, 4), (4, 5), (5, 3), (3, 2)), (0, 1, 2, 3)
    ),
    "normal_product": Scientific(matrices.normal_product, normal((3, 4), 4), (0, 1)),
    "both_sides": Scientific(matrices.both_sides, normal((4, 3), 3, 4), (0, 1, 2)),
    "two_vectors": Scientific(
        matrices.two_vectors, normal(4, 4, 4, 4, (4, 4)), (0, 1, 2, 3, 4), (0, 1)
    ),
    "rank_two": Scientific(
        matrices.rank_two,
        (_f64(1.5), _f64(1.2), *normal((4, 4), *[4] * 8)),
        tuple(range(11)),
        (2, 7, 8),
    ),
    "summed_products": Scientific(
        matrices.summed_products, (1.5, 1.2, *normal((4, 4), (4, 4), 4)), (0, 1, 2, 3, 4)
    ),
    "into_a_buffer": Scientific(
        matrices.into_a_buffer, (3, 2, 4, *normal((3, 2, 4), (4, 4))), (3, 4), (3,)
    ),
    "all_at_once": Scientific(
        matrices.all_at_once, (3, 2, 4, *normal((3, 2, 4), (4, 4))), (3, 4), (3,)
    ),
    "symmetric_product": Scientific(
        matrices.symmetric_product,
        (1.5, 1.2, *normal((4, 3), (4, 4), (4, 3))),
        (0, 1, 2, 3, 4),
        (2,),
    ),
    "rank_k": Scientific(matrices.rank_k, (1.5, 1.2, *normal((4, 4), (4, 3))), (0, 1, 2, 3), (2,)),
    "rank_2k": Scientific(
        matrices.rank_2k, (1.5, 1.2, *normal((4, 4), (4, 3), (4, 3))), (0, 1, 2, 3, 4), (2,)
    ),
    "triangular_product": Scientific(
        matrices.triangular_product, (1.5, *normal((4, 4), (4, 3))), (0, 1, 2), (2,)
    ),
    "cholesky": Scientific(matrices.cholesky, (_definite(4),), (0,), (0,)),
    "cholesky_of_numpy": Scientific(matrices.cholesky_of_numpy, (_definite(4),), (0,), (0,)),
    "lu": Scientific(matrices.lu, (_dominant,), (0,), (0,)),
    "lu_solve": Scientific(matrices.lu_solve, (_dominant, *normal(4)), (0, 1), (0,)),
    "substitution": Scientific(matrices.substitution, (_dominant, *normal(4, 4)), (0, 1, 2), (1,)),
    "gram_schmidt": Scientific(matrices.gram_schmidt, normal((5, 3)), (0,), (0,)),
    "toeplitz_solve": Scientific(matrices.toeplitz_solve, (0.3 * normal(6)[0],), (0,)),
    "tridiagonal": Scientific(
        matrices.tridiagonal, (*normal(4), 4 + normal(5)[0], *normal(4, 5)), (0, 1, 2, 3)
    ),
    "pivoted_solve": Scientific(matrices.pivoted_solve, normal((4, 4), 4), (0, 1)),
    "householder": Scientific(matrices.householder, normal((4, 3)), (0,)),
    "conjugate_gradients": Scientific(
        matrices.conjugate_gradients, (_definite(4), *normal(4)), (0, 1)
    ),
    "power_iteration": Scientific(
        matrices.power_iteration, (_definite(4), *normal(4), 3), (0, 1), (1,)
    ),
    # Accumulators.
    "mean_by_bins": Scientific(
        accumulators.mean_by_bins, (*normal(40), np.linspace(0.1, 1.4, 40), 3), (0,)
    ),
    "mean_by_histograms": Scientific(
        accumulators.mean_by_histograms, (*normal(40), *_positive(40), _i64(3)), (0,)
    ),
    "sparse_product": Scientific(
        accumulators.sparse_product,
        (np.array([0, 2, 2, 5], np.uint32), np.array([1, 3, 0, 1, 3], np.uint32), *normal(5, 4)),
        (2, 3),
    ),
    "assemble": Scientific(
        accumulators.assemble,
        ([(0, 1), (1, 2), (2, 3)], np.array([0.0, 1.0, 2.5, 3.0]), *_positive(3)),
        (1, 2),
    ),
    "deposit": Scientific(accumulators.deposit, (4 * _positive(6)[0] - 0.1, *normal(6), 5), (0, 1)),
    "segments": Scientific(
        accumulators.segments, (*normal((6, 2)), np.array([0, 2, 1, 1, 0, 2]), 3), (0,)
    ),
    "correlation": Scientific(accumulators.correlation, (3, _f64(6), *normal((6, 3))), (2,), (2,)),
    "covariance": Scientific(accumulators.covariance, (3, _f64(6), *normal((6, 3))), (1, 2), (2,)),
    "covariance_by_product": Scientific(
        accumulators.covariance_by_product, (3, 6.0, *normal((6, 3))), (1, 2), (2,)
    ),
    "bodies": Scientific(
        accumulators.bodies,
        (*_positive((4, 1)), *normal((4, 3), (4, 3)), 4, 2, 0.01, 1.0, 0.1),
        (0, 1, 2, 5, 6, 7),
        (1, 2),
    ),
    "pair_forces": Scientific(accumulators.pair_forces, normal((4, 2)), (0,)),
    "arc_distance": Scientific(accumulators.arc_distance, _positive(5, 5, 5, 5), (0, 1, 2, 3)),
    "trace_of_tanh": Scientific(accumulators.trace_of_tanh, normal((4, 4)), (0,)),
    # Recurrences.
    "smooth_image": Scientific(recurrences.smooth_image, (0.25, *normal((4, 4))), (0, 1)),
    "shortest_paths": Scientific(recurrences.shortest_paths, (_distances,), (0,), (0,)),
    "shortest_paths_by_rows": Scientific(
        recurrences.shortest_paths_by_rows, (_distances,), (0,), (0,)
    ),
    "folding": Scientific(
        recurrences.folding, (4, np.array([0, 3, 1, 2]), *_positive(4), 1.3), (2, 3)
    ),
    "time_warping": Scientific(recurrences.time_warping, normal(4, 3), (0, 1)),
    "likelihood": Scientific(
        recurrences.likelihood, (*_positive(3, (3, 3), (3, 4)), [0, 2, 1, 3]), (0, 1, 2)
    ),
    "kalman": Scientific(recurrences.kalman, (0.1, 1.0, *normal(5)), (0, 1, 2)),
    "option_price": Scientific(recurrences.option_price, (1.0, 1.05, 0.03, 0.2, 3), (0, 1, 2, 3)),
    "logistic_map": Scientific(recurrences.logistic_map, (0.3, 3.1, 6), (0, 1)),
    "runge_kutta": Scientific(recurrences.runge_kutta, (*normal(2), 0.1, 3), (0, 1)),
    "bubble_sort": Scientific(recurrences.bubble_sort, normal(6), (0,)),
    "long_memory": Scientific(recurrences.long_memory, normal((3, 2), (4, 6)), (0, 1)),
    # Networks.
    "softmax": Scientific(networks.softmax, normal((2, 3, 4)), (0,)),
    "softmax_by_reduce": Scientific(networks.softmax_by_reduce, normal((2, 3, 4)), (0,)),
    "mlp": Scientific(
        networks.mlp, normal((4, 3), (3, 5), 5, (5, 4), 4, (4, 3), 3), tuple(range(7))
    ),
    "conv2d_bias": Scientific(
        networks.conv2d_bias, normal((2, 5, 4, 2), (2, 2, 2, 3), 3), (0, 1, 2)
    ),
    "lenet": Scientific(
        networks.lenet,
        (
            *normal((2, 5, 5, 1), (2, 2, 1, 2), 2, (1, 1, 2, 2), 2, (2, 3), 3, (3, 2), 2),
            _i64(2),
            _i64(2),
        ),
        tuple(range(9)),
    ),
    "bottleneck": Scientific(
        networks.bottleneck,
        normal((3, 2, 2, 3), (1, 1, 3, 2), (3, 3, 2, 2), (1, 1, 2, 3)),
        (0, 1, 2, 3),
    ),
    "attention": Scientific(
        networks.attention, (*normal((4, 4), (4, 4), (4, 4), (4, 4)), 2), (0, 1, 2, 3)
    ),
    "im2col": Scientific(networks.im2col, normal((4, 5), (3, 3, 2)), (0, 1)),
    "layers_of_objects": Scientific(
        networks.layers_of_objects, normal((4, 3), (3, 4), 4, (4, 2), 2), (0, 1, 2, 3, 4)
    ),
    # Complex numbers inside.
    "fourier": Scientific(waves.fourier, (*normal(8, 8), 2, 3), (0, 1)),
    "stockham_fft": Scientific(waves.stockham_fft, (8, 2, 3, *_complex(8, 8)), (3, 4), (4,)),
    "contour_of_complex": Scientific(
        waves.contour, (3, 2, 2, *_complex((3, 3, 3), 2, (3, 2))), (3, 4, 5)
    ),
    "self_energies_of_complex": Scientific(
        waves.self_energies,
        (
            np.array([[0, 1], [1, 0]]),
            *_complex((2, 2, 1, 2, 2), (1, 2, 2, 2, 2), (1, 2, 2, 2, 1, 1), (1, 2, 2, 2, 2)),
        ),
        (1, 2, 3, 4),
        (4,),
    ),
    "contour": Scientific(
        waves.contour_of_reals,
        (3, 2, 2, *normal((3, 3, 3), (3, 3, 3)), np.array([0.3, 2.1]), *normal((3, 2))),
        (3, 4, 5, 6),
    ),
    "contour_square": Scientific(
        waves.contour_of_reals,
        (3, 3, 2, *normal((3, 3, 3), (3, 3, 3)), np.array([0.3, 2.1]), *normal((3, 3))),
        (3, 4, 5),
    ),
    "self_energies": Scientific(
        waves.self_energies_of_reals,
        (
            np.array([[0, 1], [1, 0]]),
            *normal((2, 2, 1, 2, 2), (1, 2, 2, 2, 2), (1, 2, 2, 2, 1, 1)),
        ),
        (1, 2, 3),
    ),
    "escape_times": Scientific(
        waves.escape_times, (-1.75, 0.25, -1.0, 1.0, 4, 5, 4, 2.0), (0, 1, 2, 3)
    ),
    "escape_of_the_rest": Scientific(
        waves.escape_of_the_rest, (-1.75, 0.25, -1.0, 1.0, 4, 5, 4), (0, 1, 2, 3)
    ),
    "split_step": Scientific(waves.split_step, (*normal(6, 6, 6), 0.1, 2), (0, 1, 2, 3)),
    "spectrum": Scientific(waves.spectrum, (*normal(12), *_positive(4)), (0, 1)),
}
