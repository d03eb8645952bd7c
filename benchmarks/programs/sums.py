"""Statistics, convolutions, sparse products and bodies, of NPBench's kind."""

from __future__ import annotations

import numpy as np

from programs.program import Program, normal, positive, squared
from tests.programs.scientific import accumulators, networks


def correlation(data):
    data = data.copy()
    corr = accumulators.correlation(data.shape[1], float(data.shape[0]), data)
    return squared(corr, data)


def correlation_in_jax():
    import jax.numpy as jnp

    def program(data):
        stddev = jnp.std(data, axis=0)
        stddev = jnp.where(stddev <= 0.1, 1.0, stddev)
        data = (data - jnp.mean(data, axis=0)) / (jnp.sqrt(float(data.shape[0])) * stddev)
        corr = jnp.fill_diagonal(data.T @ data, 1.0, inplace=False)
        return jnp.sum(corr * corr) + jnp.sum(data * data)

    return program


def covariance(data):
    data = data.copy()
    return squared(accumulators.covariance(data.shape[1], float(data.shape[0]), data))


def covariance_in_jax():
    import jax.numpy as jnp

    def program(data):
        data = data - jnp.mean(data, axis=0)
        cov = data.T @ data / (data.shape[0] - 1.0)
        return jnp.sum(cov * cov)

    return program


def conv2d(images, weights, bias):
    return squared(networks.conv2d_bias(images, weights, bias))


def _conv2d_in_jax(images, weights, bias):
    from jax import lax

    numbers = ("NHWC", "HWIO", "NHWC")
    return (
        lax.conv_general_dilated(images, weights, (1, 1), "VALID", dimension_numbers=numbers) + bias
    )


def conv2d_in_jax():
    def program(images, weights, bias):
        y = _conv2d_in_jax(images, weights, bias)
        return (y * y).sum()

    return program


def lenet(images, *weights):
    return squared(networks.lenet(images, *weights, images.shape[0], 2))


def lenet_in_jax():
    import jax.numpy as jnp
    from jax import lax
    from jax.nn import relu

    def pooled(x):
        _, height, width, _ = x.shape
        x = x[:, : height // 2 * 2, : width // 2 * 2]
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def program(images, conv1, bias1, conv2, bias2, w1, b1, w2, b2):
        x = pooled(relu(_conv2d_in_jax(images, conv1, bias1)))
        x = pooled(relu(_conv2d_in_jax(x, conv2, bias2)))
        x = relu(x.reshape(images.shape[0], -1) @ w1 + b1) @ w2 + b2
        return jnp.sum(x * x)

    return program


_ROWS = np.arange(0, 61, 3, np.uint32)
_COLUMNS = np.random.default_rng(1).integers(0, 20, 60).astype(np.uint32)


def spmv(values, x):
    return squared(accumulators.sparse_product(_ROWS, _COLUMNS, values, x))


def spmv_in_jax():
    import jax
    import jax.numpy as jnp

    rows = np.repeat(np.arange(_ROWS.size - 1), np.diff(_ROWS.astype(int)))

    def program(values, x):
        y = jax.ops.segment_sum(values * x[_COLUMNS], rows, _ROWS.size - 1)
        return jnp.sum(y * y)

    return program


_RADIUS = np.random.default_rng(2).uniform(0.0, 1.4, 400)


def azimint_naive(data):
    return squared(accumulators.mean_by_bins(data, _RADIUS, 10))


def azimint_naive_in_jax():
    import jax.numpy as jnp
    from jax import lax

    largest = _RADIUS.max()

    def program(data):
        def ring(_, i):
            inside = jnp.logical_and(largest * i / 10 <= _RADIUS, largest * (i + 1) / 10 > _RADIUS)
            return None, jnp.sum(jnp.where(inside, data, 0.0)) / jnp.sum(inside)

        _, means = lax.scan(ring, None, jnp.arange(10))
        return jnp.sum(means * means)

    return program


def nbody(mass, pos, vel):
    pos, vel = pos.copy(), vel.copy()
    found = accumulators.bodies(mass, pos, vel, pos.shape[0], 4, 0.01, 1.0, 0.1)
    return squared(*found, pos, vel)


def nbody_in_jax():
    import jax.numpy as jnp
    from jax import lax

    def program(mass, pos, vel):
        def accelerations(pos):
            d = pos[None] - pos[:, None]
            inverse = (jnp.sum(d * d, axis=2) + 0.1**2) ** -1.5
            return jnp.einsum("ijk,ij,jl->ik", d, inverse, mass)

        def energies(pos, vel):
            d = pos[None] - pos[:, None]
            d2 = jnp.sum(d * d, axis=2)
            apart = d2 > 0
            inverse = jnp.where(apart, 1.0 / jnp.sqrt(jnp.where(apart, d2, 1.0)), 0.0)
            potential = jnp.sum(jnp.triu(-(mass * mass.T) * inverse, 1))
            return 0.5 * jnp.sum(mass * vel**2), potential

        def step(state, _):
            pos, vel, acc = state
            vel = vel + acc * 0.005
            pos = pos + vel * 0.01
            acc = accelerations(pos)
            vel = vel + acc * 0.005
            return (pos, vel, acc), energies(pos, vel)

        vel = vel - jnp.mean(mass * vel, axis=0) / jnp.mean(mass)
        first = energies(pos, vel)
        (pos, vel, _), (kinetic, potential) = lax.scan(
            step, (pos, vel, accelerations(pos)), None, length=4
        )
        total = first[0] ** 2 + first[1] ** 2 + jnp.sum(kinetic**2) + jnp.sum(potential**2)
        return total + jnp.sum(pos * pos) + jnp.sum(vel * vel)

    return program


PROGRAMS = [
    Program(
        "correlation",
        "NPBench's correlation, 600 x 500",
        correlation,
        lambda: normal((600, 500)),
        correlation_in_jax,
    ),
    Program(
        "covariance",
        "NPBench's covariance, 600 x 500",
        covariance,
        lambda: normal((600, 500)),
        covariance_in_jax,
    ),
    Program(
        "conv2d",
        "NPBench's conv2d, 2 x 8 x 8 x 3, filters 3 x 3",
        conv2d,
        lambda: normal((2, 8, 8, 3), (3, 3, 3, 4), 4),
        conv2d_in_jax,
    ),
    Program(
        "lenet",
        "NPBench's lenet, 2 x 10 x 10",
        lenet,
        lambda: normal(
            (2, 10, 10, 1), (3, 3, 1, 2), 2, (3, 3, 2, 2), 2, (2, 6), 6, (6, 4), 4, scale=0.5
        ),
        lenet_in_jax,
    ),
    Program("spmv", "NPBench's spmv, 20 rows of 3", spmv, lambda: normal(60, 20), spmv_in_jax),
    Program(
        "azimint_naive",
        "NPBench's azimint_naive, 400 points, 10 rings",
        azimint_naive,
        lambda: normal(400),
        azimint_naive_in_jax,
    ),
    Program(
        "nbody",
        "NPBench's nbody, 5 bodies, 4 steps",
        nbody,
        lambda: (*positive((5, 1)), *normal((5, 3), (5, 3))),
        nbody_in_jax,
    ),
]
