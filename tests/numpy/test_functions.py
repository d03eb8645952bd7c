"""Every supported NumPy function on an Array gives what it gives on the ndarray, and a gradient.

A case is a function of one to three arrays; it is called on plain arrays and on Arrays, and its
gradient is checked against central differences.
"""

from __future__ import annotations

import zlib

import numpy as np
import pytest

import chainrule as cr
from chainrule.core.array import Array

V = (5,)
M = (3, 4)
S = (4, 4)
T = (2, 3, 4)
N = ()

#: name -> (function, shapes of its arguments)
CASES = {
    # ufuncs and their methods
    "exp": (lambda x: np.exp(x), M),
    "add_list": (lambda x: np.add(x, [1.0, 2.0, 3.0, 4.0]), M),
    "add_dtype": (lambda x: np.add(x, 1.0, dtype=np.float64), M),
    "add_reduce": (lambda x: np.add.reduce(x), M),
    "add_reduce_axis": (lambda x: np.add.reduce(x, axis=1, keepdims=True), M),
    "multiply_reduce": (lambda x: np.multiply.reduce(x, axis=(0, 1)), M),
    "maximum_reduce": (lambda x: np.maximum.reduce(x, axis=None), M),
    "minimum_reduce": (lambda x: np.minimum.reduce(x, 1), M),
    "logaddexp_reduce": (lambda x: np.logaddexp.reduce(x, axis=1), M),
    "add_accumulate": (lambda x: np.add.accumulate(x, axis=1), M),
    "multiply_accumulate": (lambda x: np.multiply.accumulate(x), M),
    "multiply_outer": (lambda x, y: np.multiply.outer(x, y), V, M),
    "subtract_outer": (lambda x, y: np.subtract.outer(x, y), V, V),
    "divmod": (lambda x: np.divmod(x, 0.7)[1], M),
    "modf": (lambda x: np.modf(x)[0], M),
    "ldexp": (lambda x: np.ldexp(x, 3), M),
    "radians": (lambda x: np.radians(x), M),
    "degrees": (lambda x: np.degrees(x), M),
    "fabs": (lambda x: np.fabs(x), M),
    "conjugate": (lambda x: np.conjugate(x), M),
    "matmul": (lambda x, y: np.matmul(x, y), M, S),
    "ndarray_times_array": (lambda x: np.arange(4.0) * x, M),
    "float64_minus_array": (lambda x: np.float64(2.0) - x, M),
    # reductions
    "sum": (lambda x: np.sum(x), M),
    "sum_axis": (lambda x: np.sum(x, axis=-1), M),
    "sum_axes": (lambda x: np.sum(x, (0, -1), keepdims=True), T),
    "sum_dtype": (lambda x: np.sum(x, dtype=np.float64), M),
    "sum_number": (lambda x: np.sum(x, axis=0), N),
    "mean": (lambda x: np.mean(x, 0), M),
    "mean_dtype": (lambda x: np.mean(x, dtype=float), M),
    "sum_where": (lambda x: np.sum(x, axis=0, where=x[:, :1] < 2, keepdims=True), M),
    "sum_initial": (lambda x: np.sum(x, initial=x[0, 0] ** 2, axis=1), M),
    "mean_where": (lambda x: np.mean(x, axis=1, where=np.array([True, False, True, True])), M),
    "prod_where": (lambda x: np.prod(x, where=np.eye(3, 4) > 0, initial=2.0), M),
    "max_initial": (lambda x: np.max(x, axis=0, initial=0.3), M),
    "max_where": (lambda x: np.max(x, axis=1, where=np.eye(3, 4) > 0, initial=-9.0), M),
    "min_where": (lambda x: x.min(where=np.eye(3, 4) > 0, initial=9.0), M),
    "max_of_nothing": (lambda x: np.max(x[:0], axis=0, initial=1.5) + x[0], M),
    "all_of_a_number": (lambda x: np.cos(x) if np.all(x[0]) and np.any(x[1]) else x, V),
    "var_where": (lambda x: np.var(x, axis=1, ddof=1, where=np.arange(4) > 0), M),
    "var_mean": (lambda x: np.var(x, mean=x[0, 0], ddof=1), M),
    "std_where": (lambda x: np.std(x, where=np.arange(4) > 0, keepdims=True), M),
    "std_mean": (lambda x: np.std(x, axis=0, mean=np.mean(x, axis=0, keepdims=True)), M),
    "prod": (lambda x: np.prod(x, axis=1), M),
    "var": (lambda x: np.var(x, axis=0, ddof=1), M),
    "std": (lambda x: np.std(x, keepdims=True), M),
    "max": (lambda x: np.max(x, axis=1), M),
    "amin": (lambda x: np.amin(x, axis=(0, 2)), T),
    "ptp": (lambda x: np.ptp(x, axis=0), M),
    "cumsum": (lambda x: np.cumsum(x), M),
    "cumsum_axis": (lambda x: np.cumsum(x, axis=-1), M),
    "cumprod": (lambda x: np.cumprod(x, axis=0), M),
    "average": (lambda x: np.average(x), M),
    "average_weights": (lambda x, w: np.average(x, axis=1, weights=w), M, (4,)),
    "average_returned": (lambda x, w: np.average(x, weights=w, returned=True)[0], M, M),
    "median_odd": (lambda x: np.median(x), V),
    "median_even": (lambda x: np.median(x, axis=1, keepdims=True), M),
    "median_axes": (lambda x: np.median(x, axis=(0, 2)), T),
    "quantile": (lambda x: np.quantile(x, 0.3, axis=0), M),
    "quantile_many": (lambda x: np.quantile(x, [0.1, 0.5, 0.9], axis=1, keepdims=True), M),
    "percentile": (lambda x: np.percentile(x, 40), M),
    "nansum": (lambda x: np.nansum(x, axis=1), M),
    "nanprod": (lambda x: np.nanprod(x), M),
    "nanmean": (lambda x: np.nanmean(x, axis=0), M),
    "nanvar": (lambda x: np.nanvar(x, axis=0, ddof=1), M),
    "nanstd": (lambda x: np.nanstd(x), M),
    "nanmax": (lambda x: np.nanmax(x, axis=1), M),
    "nanmin": (lambda x: np.nanmin(x), M),
    "nancumsum": (lambda x: np.nancumsum(x), M),
    "cov": (lambda x: np.cov(x), M),
    "cov_columns": (lambda x: np.cov(x, rowvar=False, bias=True), M),
    "cov_two": (lambda x, y: np.cov(x, y), V, V),
    "corrcoef": (lambda x: np.corrcoef(x), M),
    # shapes
    "reshape": (lambda x: np.reshape(x, (2, -1)), M),
    "reshape_fortran": (lambda x: np.reshape(x, (4, 3), order="F"), M),
    "reshape_int": (lambda x: np.reshape(x, -1), M),
    "ravel": (lambda x: np.ravel(x), M),
    "ravel_fortran": (lambda x: np.ravel(x, order="F"), M),
    "transpose": (lambda x: np.transpose(x), T),
    "transpose_axes": (lambda x: np.transpose(x, (1, -1, 0)), T),
    "permute_dims": (lambda x: np.permute_dims(x, (1, 2, 0)), T),
    "matrix_transpose": (lambda x: np.matrix_transpose(x), T),
    "swapaxes": (lambda x: np.swapaxes(x, 0, -1), T),
    "moveaxis": (lambda x: np.moveaxis(x, [0, 1], [-1, 0]), T),
    "rollaxis": (lambda x: np.rollaxis(x, 2), T),
    "rollaxis_to": (lambda x: np.rollaxis(x, 0, 2), T),
    "expand_dims": (lambda x: np.expand_dims(x, (0, -1)), M),
    "squeeze": (lambda x: np.squeeze(x), (1, 3, 1)),
    "squeeze_axis": (lambda x: np.squeeze(x, axis=-1), (1, 3, 1)),
    "squeeze_nothing": (lambda x: np.squeeze(x), M),
    "flip": (lambda x: np.flip(x), M),
    "flip_axis": (lambda x: np.flip(x, axis=-1), M),
    "fliplr": (lambda x: np.fliplr(x), M),
    "flipud": (lambda x: np.flipud(x), M),
    "rot90": (lambda x: np.rot90(x), M),
    "rot90_thrice": (lambda x: np.rot90(x, 3, (1, 2)), T),
    "rot90_back": (lambda x: np.rot90(x, -2), M),
    "roll": (lambda x: np.roll(x, 5), M),
    "roll_axes": (lambda x: np.roll(x, (1, -2), axis=(0, 1)), M),
    "roll_axis": (lambda x: np.roll(x, 1, axis=-1), M),
    "atleast_1d": (lambda x: np.atleast_1d(x), N),
    "atleast_2d": (lambda x: np.atleast_2d(x), V),
    "atleast_3d": (lambda x: np.atleast_3d(x), M),
    "broadcast_to": (lambda x: np.broadcast_to(x, (2, 3, 4)), M),
    "broadcast_arrays": (lambda x, y: np.broadcast_arrays(x, y)[1], M, (4,)),
    "meshgrid": (lambda x, y: np.meshgrid(x, y)[0], V, (3,)),
    "meshgrid_ij": (lambda x, y: np.meshgrid(x, y, indexing="ij", sparse=True)[1], V, (3,)),
    "tile": (lambda x: np.tile(x, 2), M),
    "tile_more": (lambda x: np.tile(x, (2, 1, 3)), M),
    "repeat": (lambda x: np.repeat(x, 2), M),
    "repeat_each": (lambda x: np.repeat(x, [1, 0, 2], axis=0), M),
    "resize": (lambda x: np.resize(x, (3, 2)), V),
    "pad": (lambda x: np.pad(x, 1), M),
    "pad_value": (lambda x: np.pad(x, ((1, 0), (0, 2)), constant_values=7.0), M),
    "pad_edge": (lambda x: np.pad(x, (2, 1), mode="edge"), V),
    "pad_reflect": (lambda x: np.pad(x, 2, "reflect"), V),
    "pad_wrap": (lambda x: np.pad(x, 2, mode="wrap"), V),
    "pad_symmetric": (lambda x: np.pad(x, 2, mode="symmetric"), V),
    "tril": (lambda x: np.tril(x, -1), M),
    "triu": (lambda x: np.triu(x), T),
    "triu_vector": (lambda x: np.triu(x, 1), V),
    "tril_vector": (lambda x: np.tril(x), V),
    "diag_of": (lambda x: np.diag(x, 1), M),
    "diag_from": (lambda x: np.diag(x, k=-1), V),
    "diagflat": (lambda x: np.diagflat(x), M),
    "diagonal": (lambda x: np.diagonal(x, 1, -2, -1), T),
    "linalg_diagonal": (lambda x: np.linalg.diagonal(x, offset=-1), T),
    "trace": (lambda x: np.trace(x), M),
    "trace_planes": (lambda x: np.trace(x, 1, axis1=1, axis2=2), T),
    "linalg_trace": (lambda x: np.linalg.trace(x), T),
    "concatenate": (lambda x, y: np.concatenate([x, y, np.ones((1, 4))]), M, S),
    "concatenate_flat": (lambda x, y: np.concatenate((x, y), axis=None), M, V),
    "concatenate_rows": (lambda x: np.concatenate(x, axis=-1), T),
    "stack": (lambda x, y: np.stack([x, y], axis=-1), M, M),
    "stack_array": (lambda x: np.stack(x), M),
    "vstack": (lambda x, y: np.vstack([x, y]), (4,), M),
    "hstack": (lambda x, y: np.hstack([x, y]), M, (3, 2)),
    "hstack_vectors": (lambda x, y: np.hstack((x, y)), V, N),
    "dstack": (lambda x, y: np.dstack([x, y]), V, V),
    "column_stack": (lambda x, y: np.column_stack([x, y]), (3,), M),
    "block": (lambda x, y: np.block([[x, y], [np.zeros((1, 6))]]), M, (3, 2)),
    "append": (lambda x, y: np.append(x, y), M, V),
    "append_axis": (lambda x, y: np.append(x, y, axis=0), M, S),
    "insert": (lambda x: np.insert(x, 2, 7.0), V),
    "insert_many": (lambda x, y: np.insert(x, [3, 1], y), V, (2,)),
    "insert_column": (lambda x, y: np.insert(x, 1, y, axis=1), M, (3,)),
    "insert_array_into_plain": (lambda y: np.insert(np.zeros(3), 1, y), N),
    "delete": (lambda x: np.delete(x, 1, axis=1), M),
    "delete_many": (lambda x: np.delete(x, [0, -1]), V),
    "split": (lambda x: np.split(x, 2, axis=1)[1], M),
    "array_split": (lambda x: np.array_split(x, 3)[0], V),
    "split_at": (lambda x: np.split(x, [1, 3, 9])[1], V),
    "hsplit": (lambda x: np.hsplit(x, 2)[0], M),
    "vsplit": (lambda x: np.vsplit(x, [1])[1], M),
    "dsplit": (lambda x: np.dsplit(x, 2)[1], T),
    "apply_along_axis": (lambda x: np.apply_along_axis(lambda r: r * r.sum(), 0, x), M),
    "apply_along_axis_number": (lambda x: np.apply_along_axis(np.sum, 1, x), M),
    # picking and ordering
    "take": (lambda x: np.take(x, [3, 0, 3]), M),
    "take_axis": (lambda x: np.take(x, [[0, -1]], axis=1), M),
    "take_wrap": (lambda x: np.take(x, [7, -9], axis=0, mode="wrap"), V),
    "take_along_axis": (lambda x: np.take_along_axis(x, np.array([[0], [2], [1]]), 1), M),
    "compress": (lambda x: np.compress([True, False, True], x, axis=0), M),
    "extract": (lambda x: np.extract(np.arange(12).reshape(3, 4) % 3 == 0, x), M),
    "choose": (lambda x, y: np.choose([0, 1, 0, 1, 1], [x, y]), V, V),
    "sort": (lambda x: np.sort(x), M),
    "sort_flat": (lambda x: np.sort(x, axis=None), M),
    "partition": (lambda x: np.partition(x, 2), V),
    "unique": (lambda x: np.unique(x), V),
    "unique_index": (lambda x: np.unique(x, return_index=True)[0], V),
    "trim_zeros": (lambda x: np.trim_zeros(np.pad(x, 2)), V),
    # entry by entry
    "where": (lambda x, y: np.where(np.arange(4) > 1, x, y), M, (4,)),
    "where_own": (lambda x: np.where(x > 0, x, 0.1 * x), M),
    "clip": (lambda x: np.clip(x, -0.5, 0.5), M),
    "clip_low": (lambda x: np.clip(x, 0.1, None), M),
    "clip_keywords": (lambda x: np.clip(x, min=None, max=0.2), M),
    "clip_array": (lambda x, y: np.clip(x, y, 2.0), M, (4,)),
    "round": (lambda x: np.round(x, 1) + x, M),
    "around": (lambda x: np.around(x, decimals=0) * x, M),
    "fix": (lambda x: np.fix(x * 3) * x, M),
    "sinc": (lambda x: np.sinc(x), M),
    "nan_to_num": (lambda x: np.nan_to_num(x), M),
    "real": (lambda x: np.real(x), M),
    "select": (lambda x: np.select([x > 1, x > 0], [x**2, 3 * x], -x), M),
    "piecewise": (lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: v**2, np.sin]), V),
    "piecewise_default": (lambda x: np.piecewise(x, [x > 0.3], [np.exp, 1.0]), M),
    "unwrap": (lambda x: np.unwrap(x * 5), V),
    "copy": (lambda x: np.copy(x), M),
    # products
    "dot": (lambda x, y: np.dot(x, y), M, S),
    "dot_number": (lambda x, y: np.dot(x, y), N, M),
    "dot_vectors": (lambda x, y: np.dot(x, y), V, V),
    "linalg_matmul": (lambda x, y: np.linalg.matmul(x, y), T, S),
    "vdot": (lambda x, y: np.vdot(x, y), M, M),
    "inner": (lambda x, y: np.inner(x, y), M, (2, 4)),
    "outer": (lambda x, y: np.outer(x, y), M, V),
    "linalg_outer": (lambda x, y: np.linalg.outer(x, y), V, (3,)),
    "kron": (lambda x, y: np.kron(x, y), (2, 2), (2, 3)),
    "tensordot": (lambda x, y: np.tensordot(x, y), T, (3, 4, 2)),
    "tensordot_axes": (lambda x, y: np.tensordot(x, y, axes=([-1], 0)), T, S),
    "tensordot_none": (lambda x, y: np.tensordot(x, y, axes=0), V, M),
    "einsum": (lambda x, y: np.einsum("ij,jk->ik", x, y), M, S),
    "einsum_implied": (lambda x, y: np.einsum("ij, jk", x, y), M, S),
    "einsum_trace": (lambda x: np.einsum("ii", x), S),
    "einsum_ellipsis": (lambda x: np.einsum("...i->...", x), T),
    "einsum_lists": (lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [2, 0]), M, S),
    "multi_dot": (lambda x, y, z: np.linalg.multi_dot([x, y, z]), M, S, (4,)),
    "matrix_power": (lambda x: np.linalg.matrix_power(x, 3), S),
    "cross": (lambda x, y: np.cross(x, y), (4, 3), (3,)),
    "cross_axis": (lambda x, y: np.cross(x, y, axis=0), (3, 2), (3, 2)),
    "linalg_cross": (lambda x, y: np.linalg.cross(x, y), (3,), (3,)),
    "linalg_vecdot": (lambda x, y: np.linalg.vecdot(x, y), M, M),
    "vecdot": (lambda x, y: np.vecdot(x, y), M, (4,)),
    "norm": (lambda x: np.linalg.norm(x), M),
    "norm_axis": (lambda x: np.linalg.norm(x, axis=-1, keepdims=True), M),
    "norm_one": (lambda x: np.linalg.norm(x, 1), V),
    "norm_inf": (lambda x: np.linalg.norm(x, np.inf), V),
    "norm_three": (lambda x: np.linalg.norm(x, 3), V),
    "norm_frobenius": (lambda x: np.linalg.norm(x, "fro", axis=(0, 2)), T),
    "vector_norm": (lambda x: np.linalg.vector_norm(x, axis=(0, 2), keepdims=True), T),
    "vector_norm_all": (lambda x: np.linalg.vector_norm(x, ord=1), M),
    "matrix_norm": (lambda x: np.linalg.matrix_norm(x), T),
    # calculus
    "diff": (lambda x: np.diff(x), M),
    "diff_twice": (lambda x: np.diff(x, 2, axis=0), M),
    "diff_ends": (lambda x, y: np.diff(x, prepend=0.0, append=y), V, (2,)),
    "ediff1d": (lambda x: np.ediff1d(x, to_begin=[1.0, 2.0], to_end=3.0), M),
    "gradient": (lambda x: np.gradient(x), V),
    "gradient_axes": (lambda x: np.gradient(x, 0.5, 2.0)[1], M),
    "gradient_coordinates": (lambda x: np.gradient(x, [0.0, 1.0, 3.0, 3.5], axis=1), M),
    "gradient_coordinates_edges": (lambda x: np.gradient(x, 2 ** np.arange(5.0), edge_order=2), V),
    "gradient_edges": (lambda x: np.gradient(x, axis=1, edge_order=2), M),
    "trapezoid": (lambda y: np.trapezoid(y), M),
    "trapezoid_x": (lambda y, x: np.trapezoid(y, x, axis=0), M, (3,)),
    "trapezoid_dx": (lambda y: np.trapezoid(y, dx=0.1), V),
    "interp": (lambda f: np.interp([0.1, 1.5, 2.0, 9.0, -1.0], [0.0, 1.0, 2.0, 3.0, 4.0], f), V),
    "interp_at": (lambda x: np.interp(x, [-9.0, 0.0, 9.0], [1.0, 3.0, 2.0]), M),
    "convolve": (lambda x, y: np.convolve(x, y), V, (3,)),
    "convolve_same": (lambda x, y: np.convolve(x, y, "same"), (4,), V),
    "convolve_valid": (lambda x, y: np.convolve(x, y, mode="valid"), V, (2,)),
    "convolve_same_even": (lambda x, y: np.convolve(x, y, "same"), V, (4,)),
    "correlate": (lambda x, y: np.correlate(x, y, "full"), V, (3,)),
    "correlate_short": (lambda x, y: np.correlate(x, y), (3,), V),
    "polyval": (lambda p, x: np.polyval(p, x), V, M),
    "polyadd": (lambda p, q: np.polyadd(p, q), V, (3,)),
    "polysub": (lambda p, q: np.polysub(p, q), (3,), V),
    "polymul": (lambda p, q: np.polymul(p, q), (3,), V),
    "polyder": (lambda p: np.polyder(p, 2), V),
    "polyint": (lambda p: np.polyint(p, k=3.0), V),
    "vander": (lambda x: np.vander(x), V),
    "vander_increasing": (lambda x: np.vander(x, 3, increasing=True), V),
    # arrays from arrays
    "linspace": (lambda a, b: np.linspace(a, b, 7), N, N),
    "linspace_open": (lambda a: np.linspace(a, 5.0, 4, endpoint=False), N),
    "linspace_rows": (lambda a, b: np.linspace(a, b, 3, axis=1), V, V),
    "full_like": (lambda x, y: np.full_like(y, x), N, M),
    # methods
    ".sum": (lambda x: x.sum(axis=0), M),
    ".mean": (lambda x: x.mean(0, keepdims=True), M),
    ".prod": (lambda x: x.prod(), M),
    ".var": (lambda x: x.var(ddof=1), M),
    ".std": (lambda x: x.std(axis=1), M),
    ".min": (lambda x: x.min(1), M),
    ".max": (lambda x: x.max(), M),
    ".cumsum": (lambda x: x.cumsum(), M),
    ".cumprod": (lambda x: x.cumprod(1), M),
    ".reshape": (lambda x: x.reshape(2, 6), M),
    ".reshape_tuple": (lambda x: x.reshape((-1, 2)), M),
    ".ravel": (lambda x: x.ravel(), M),
    ".flatten": (lambda x: x.flatten("F"), M),
    ".transpose": (lambda x: x.transpose(), T),
    ".transpose_axes": (lambda x: x.transpose(1, 0, 2), T),
    ".transpose_tuple": (lambda x: x.transpose((2, 0, 1)), T),
    ".T": (lambda x: x.T, M),
    ".mT": (lambda x: x.mT, T),
    ".real": (lambda x: x.real, M),
    ".imag": (lambda x: x.imag + x, M),
    ".swapaxes": (lambda x: x.swapaxes(0, 1), M),
    ".squeeze": (lambda x: x.squeeze(), (1, 3)),
    ".clip": (lambda x: x.clip(-0.2, 0.3), M),
    ".clip_max": (lambda x: x.clip(max=0.3), M),
    ".dot": (lambda x, y: x.dot(y), M, S),
    ".take": (lambda x: x.take([1, 1], axis=0), M),
    ".repeat": (lambda x: x.repeat(2, axis=1), M),
    ".trace": (lambda x: x.trace(), S),
    ".diagonal": (lambda x: x.diagonal(1), S),
    ".round": (lambda x: x.round(1) * x, M),
    ".astype": (lambda x: x.astype(np.float64) * 2, M),
    ".copy": (lambda x: x.copy(), M),
    ".conj": (lambda x: x.conj(), M),
    ".compress": (lambda x: x.compress([True, False, True], axis=0), M),
    ".choose": (lambda x: x.astype(int).choose([1.0, 2.0], mode="wrap") * x, V),
}  # fmt: skip


def arguments(name: str, shapes: tuple[tuple[int, ...], ...], dtype: type = np.float64) -> list:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    values = []
    for shape in shapes:
        # Distinct, and away from 0 and from each other: no case sits at a kink.
        size = int(np.prod(shape))
        x = rng.permutation(np.linspace(-1.9, 2.1, size + 1)[:size] + rng.uniform(0.01, 0.05))
        values.append(x.reshape(shape).astype(dtype)[()])
    return values


def on_arrays(f, values):
    """Run f on Arrays; return its value."""
    result = f(*map(cr.array, values))
    return result.value if type(result) is Array else result


@pytest.mark.parametrize("name", CASES)
def test_value_is_numpys(name):
    f, *shapes = CASES[name]
    values = arguments(name, shapes)
    expected, found = f(*values), on_arrays(f, values)
    # A number is no array without axes: `a += 1` makes another one, and has no views.
    assert isinstance(found, np.ndarray) == isinstance(expected, np.ndarray)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_float32(name):
    f, *shapes = CASES[name]
    values = arguments(name, shapes, np.float32)
    expected = np.asarray(f(*values))
    found = np.asarray(on_arrays(f, values))
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_that_of_central_differences(name):
    f, *shapes = CASES[name]
    values = arguments(name, shapes)
    weights = np.cos(np.arange(np.size(f(*values))) + 0.5)

    def loss(*args):
        return np.sum(np.ravel(f(*args)) * weights)

    gradients = cr.grad(loss, argnums=tuple(range(len(values))))(*values)
    for k, (gradient, value) in enumerate(zip(gradients, values, strict=True)):
        numeric = np.zeros(np.shape(value))
        for at in np.ndindex(numeric.shape):
            moved = [np.array(v) for v in values]
            moved[k][at] = value[at] + 1e-6
            above = loss(*moved)
            moved[k][at] = value[at] - 1e-6
            numeric[at] = (above - loss(*moved)) / 2e-6
        np.testing.assert_allclose(gradient, numeric, rtol=2e-6, atol=2e-7)


X = np.array([1.0, np.nan, 3.0, 2.0, 5.0, -np.inf, 1.0, 0.5])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.gradient(x),
        lambda x: np.gradient(x, 0.5, edge_order=2),
        lambda x: np.gradient(x, np.arange(8.0) ** 2),
        lambda x: np.modf(x)[0],
        lambda x: np.modf(-x)[1],
        lambda x: np.nanstd(x[:5]),
        lambda x: np.nanstd(x[:2]),
        lambda x: np.nanstd(np.stack([x[:5], x[:5] * 0]), axis=1),
    ],
)
def test_nan_and_infinities_stay_where_numpy_has_them(f):
    with np.errstate(all="ignore"):
        expected, found = f(X), on_arrays(f, [X])
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-14)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
