"""Factorisations and products, entry by entry, of NPBench's kind.

JAX's users write triangular loops with masks, for its slices have constant lengths, or call what
`jax.numpy.linalg` has.
"""

from __future__ import annotations

import numpy as np

from programs.program import Program, definite, normal, squared
from tests.programs.scientific import matrices


def in_place(function, written, *constants):
    """Return a program that writes into copies of some of its arguments, and sums the squares."""

    written = tuple(written)  # a list would be compared at each call

    def program(*arrays):
        arrays = [x.copy() if k in written else x for k, x in enumerate(arrays)]
        returned = function(*constants, *arrays)
        found = returned if type(returned) is tuple else (returned,)
        found += tuple(arrays[k] for k in written)
        return squared(*(x for x in found if x is not None))

    return program


def dominant(n):
    return n * np.eye(n) + normal((n, n))[0]


def cholesky_in_jax():
    import jax.numpy as jnp

    def program(A):
        # The program reads the lower half alone, and leaves what is above the diagonal.
        L = jnp.linalg.cholesky(jnp.tril(A) + jnp.tril(A, -1).T, symmetrize_input=False)
        return jnp.sum(L * L) + jnp.sum(jnp.triu(A, 1) ** 2)

    return program


def _lu(A):
    """Eliminate column by column, with masks."""
    import jax.numpy as jnp
    from jax import lax

    n = A.shape[0]
    index = jnp.arange(n)

    def column(k, A):
        below = index > k
        factors = jnp.where(below, A[:, k] / A[k, k], 0.0)
        A = A - jnp.outer(factors, jnp.where(index >= k, A[k], 0.0))
        return A.at[:, k].set(jnp.where(below, factors, A[:, k]))

    return lax.fori_loop(0, n, column, A)


def lu_in_jax():
    def program(A):
        A = _lu(A)
        return (A * A).sum()

    return program


def ludcmp_in_jax():
    from jax.scipy.linalg import solve_triangular

    def program(A, b):
        A = _lu(A)
        y = solve_triangular(A, b, lower=True, unit_diagonal=True)
        x = solve_triangular(A, y)
        return (x * x).sum() + (y * y).sum() + (A * A).sum()

    return program


def trisolv_in_jax():
    from jax.scipy.linalg import solve_triangular

    def program(L, b):
        x = solve_triangular(L, b, lower=True)
        return (x * x).sum()

    return program


def trisolv(L, b):
    x = np.zeros_like(b)
    matrices.substitution(L, x, b)
    return np.sum(x * x)


def durbin_in_jax():
    import jax.numpy as jnp
    from jax import lax

    def program(r):
        n = r.shape[0]
        index = jnp.arange(n)

        def step(k, state):
            y, alpha, beta = state
            beta = beta * (1.0 - alpha * alpha)
            back = (k - 1 - index) % n  # places of flip(y[:k])
            known = index < k
            total = jnp.sum(jnp.where(known, r[back] * y, 0.0))
            alpha = -(r[k] + total) / beta
            y = y + alpha * jnp.where(known, y[back], 0.0)
            return y.at[k].set(alpha), alpha, beta

        y = jnp.zeros(n).at[0].set(-r[0])
        y, _, _ = lax.fori_loop(1, n, step, (y, -r[0], 1.0))
        return jnp.sum(y * y)

    return program


def gramschmidt_in_jax():
    import jax.numpy as jnp
    from jax import lax

    def program(A):
        m, n = A.shape
        index = jnp.arange(n)

        def column(k, state):
            A, Q, R = state
            norm = jnp.sqrt(A[:, k] @ A[:, k])
            q = A[:, k] / norm
            later = jnp.where(index > k, q @ A, 0.0)
            row = later.at[k].set(norm)
            return A - jnp.outer(q, later), Q.at[:, k].set(q), R.at[k].set(row)

        A, Q, R = lax.fori_loop(0, n, column, (A, jnp.zeros((m, n)), jnp.zeros((n, n))))
        return jnp.sum(A * A) + jnp.sum(Q * Q) + jnp.sum(R * R)

    return program


def symm_in_jax():
    import jax.numpy as jnp

    def program(C, A, B):
        C = 1.2 * C + 1.5 * (jnp.tril(A) + jnp.tril(A, -1).T) @ B
        return jnp.sum(C * C)

    return program


def syrk_in_jax():
    import jax.numpy as jnp

    def program(C, A):
        C = jnp.triu(C, 1) + jnp.tril(1.2 * C + 1.5 * A @ A.T)
        return jnp.sum(C * C)

    return program


def syr2k_in_jax():
    import jax.numpy as jnp

    def program(C, A, B):
        C = jnp.triu(C, 1) + jnp.tril(1.2 * C + 1.5 * (A @ B.T + B @ A.T))
        return jnp.sum(C * C)

    return program


def trmm_in_jax():
    import jax.numpy as jnp

    def program(A, B):
        B = 1.5 * (B + jnp.tril(A, -1).T @ B)
        return jnp.sum(B * B)

    return program


PROGRAMS = [
    Program(
        "cholesky",
        "NPBench's cholesky, n 100",
        in_place(matrices.cholesky, [0]),
        lambda: (definite(100),),
        cholesky_in_jax,
    ),
    Program(
        "lu", "NPBench's lu, n 60", in_place(matrices.lu, [0]), lambda: (dominant(60),), lu_in_jax
    ),
    Program(
        "ludcmp",
        "NPBench's ludcmp, n 60",
        in_place(matrices.lu_solve, [0]),
        lambda: (dominant(60), *normal(60)),
        ludcmp_in_jax,
    ),
    Program(
        "trisolv",
        "NPBench's trisolv, n 2,000",
        trisolv,
        lambda: (dominant(2000), *normal(2000)),
        trisolv_in_jax,
    ),
    Program(
        "durbin",
        "NPBench's durbin, n 1,000",
        in_place(matrices.toeplitz_solve, []),
        lambda: normal(1000, scale=0.01),
        durbin_in_jax,
    ),
    Program(
        "gramschmidt",
        "NPBench's gramschmidt, 40 x 30",
        in_place(matrices.gram_schmidt, [0]),
        lambda: normal((40, 30)),
        gramschmidt_in_jax,
    ),
    Program(
        "symm",
        "NPBench's symm, 40 x 50",
        in_place(matrices.symmetric_product, [0], 1.5, 1.2),
        lambda: normal((40, 50), (40, 40), (40, 50)),
        symm_in_jax,
    ),
    Program(
        "syrk",
        "NPBench's syrk, 50 x 70",
        in_place(matrices.rank_k, [0], 1.5, 1.2),
        lambda: normal((50, 50), (50, 70)),
        syrk_in_jax,
    ),
    Program(
        "syr2k",
        "NPBench's syr2k, 35 x 50",
        in_place(matrices.rank_2k, [0], 1.5, 1.2),
        lambda: normal((35, 35), (35, 50), (35, 50)),
        syr2k_in_jax,
    ),
    Program(
        "trmm",
        "NPBench's trmm, 65 x 80",
        in_place(matrices.triangular_product, [1], 1.5),
        lambda: normal((65, 65), (65, 80)),
        trmm_in_jax,
    ),
]
