"""Grids that are swept in place, of NPBench's kind; the NumPy programs are those of the tests."""

from __future__ import annotations

import numpy as np

from programs.program import Program, normal, positive, squared
from tests.programs.scientific import recurrences, stencils


def heat(turns):
    def program(u):
        u = u.copy()
        for _ in range(turns):
            u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        return np.sum(u * u)

    return program


def heat_in_jax(turns):
    def make():
        import jax.numpy as jnp
        from jax import lax

        def program(u):
            def step(_, u):
                return u.at[1:-1].add(0.1 * (u[2:] - 2 * u[1:-1] + u[:-2]))

            u = lax.fori_loop(0, turns, step, u)
            return jnp.sum(u * u)

        return program

    return make


def jacobi_1d(turns):
    def program(A, B):
        A, B = A.copy(), B.copy()
        stencils.diffuse_rod(turns, A, B)
        return squared(A, B)

    return program


def jacobi_1d_in_jax(turns):
    def make():
        from jax import lax

        def program(A, B):
            def step(_, AB):
                A, B = AB
                B = B.at[1:-1].set((A[:-2] + A[1:-1] + A[2:]) / 3)
                A = A.at[1:-1].set((B[:-2] + B[1:-1] + B[2:]) / 3)
                return A, B

            A, B = lax.fori_loop(1, turns, step, (A, B))
            return (A * A).sum() + (B * B).sum()

        return program

    return make


def jacobi_2d(turns):
    def program(A, B):
        A, B = A.copy(), B.copy()
        stencils.relax_plate(turns, A, B)
        return squared(A, B)

    return program


def jacobi_2d_in_jax(turns):
    def make():
        from jax import lax

        def mean(A):
            return 0.2 * (A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1])

        def program(A, B):
            def step(_, AB):
                A, B = AB
                B = B.at[1:-1, 1:-1].set(mean(A))
                return A.at[1:-1, 1:-1].set(mean(B)), B

            A, B = lax.fori_loop(1, turns, step, (A, B))
            return (A * A).sum() + (B * B).sum()

        return program

    return make


def jacobi_2d_by_hand(turns):
    def make():
        import numba

        @numba.njit
        def relax(A, B):
            for i in range(1, A.shape[0] - 1):
                for j in range(1, A.shape[1] - 1):
                    B[i, j] = 0.2 * (
                        A[i, j] + A[i, j - 1] + A[i, j + 1] + A[i + 1, j] + A[i - 1, j]
                    )

        @numba.njit
        def relax_back(dA, dB):
            for i in range(1, dA.shape[0] - 1):
                for j in range(1, dA.shape[1] - 1):
                    d = 0.2 * dB[i, j]
                    dB[i, j] = 0.0
                    dA[i, j] += d
                    dA[i, j - 1] += d
                    dA[i, j + 1] += d
                    dA[i + 1, j] += d
                    dA[i - 1, j] += d

        @numba.njit
        def both(A, B):
            A, B = A.copy(), B.copy()
            for _ in range(1, turns):
                relax(A, B)
                relax(B, A)
            value = np.sum(A * A) + np.sum(B * B)
            dA, dB = 2 * A, 2 * B
            for _ in range(1, turns):
                relax_back(dB, dA)
                relax_back(dA, dB)
            return value, (dA, dB)

        return both

    return make


def heat_3d(turns):
    def program(A, B):
        A, B = A.copy(), B.copy()
        stencils.heat_cube(turns, A, B)
        return squared(A, B)

    return program


def heat_3d_in_jax(turns):
    def make():
        from jax import lax

        def spread(A):
            inner = A[1:-1, 1:-1, 1:-1]
            return (
                0.125 * (A[2:, 1:-1, 1:-1] - 2.0 * inner + A[:-2, 1:-1, 1:-1])
                + 0.125 * (A[1:-1, 2:, 1:-1] - 2.0 * inner + A[1:-1, :-2, 1:-1])
                + 0.125 * (A[1:-1, 1:-1, 2:] - 2.0 * inner + A[1:-1, 1:-1, :-2])
                + inner
            )

        def program(A, B):
            def step(_, AB):
                A, B = AB
                B = B.at[1:-1, 1:-1, 1:-1].set(spread(A))
                return A.at[1:-1, 1:-1, 1:-1].set(spread(B)), B

            A, B = lax.fori_loop(1, turns, step, (A, B))
            return (A * A).sum() + (B * B).sum()

        return program

    return make


def fdtd_2d(turns):
    def program(ex, ey, hz, source):
        ex, ey, hz = ex.copy(), ey.copy(), hz.copy()
        stencils.waves(turns, ex, ey, hz, source)
        return squared(ex, ey, hz)

    return program


def fdtd_2d_in_jax(turns):
    def make():
        from jax import lax

        def program(ex, ey, hz, source):
            def step(fields, s):
                ex, ey, hz = fields
                ey = ey.at[0, :].set(s)
                ey = ey.at[1:, :].add(-0.5 * (hz[1:, :] - hz[:-1, :]))
                ex = ex.at[:, 1:].add(-0.5 * (hz[:, 1:] - hz[:, :-1]))
                curl = ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1]
                return (ex, ey, hz.at[:-1, :-1].add(-0.7 * curl)), None

            fields, _ = lax.scan(step, (ex, ey, hz), source)
            return sum((x * x).sum() for x in fields)

        return program

    return make


def seidel_2d(turns, n):
    def program(A):
        A = A.copy()
        stencils.sweep_plate(turns, n, A)
        return np.sum(A * A)

    return program


def seidel_2d_in_jax(turns, n):
    def make():
        from jax import lax

        def program(A):
            def row(i, A):
                above, here, below = A[i - 1], A[i], A[i + 1]
                sums = above[:-2] + above[1:-1] + above[2:] + here[1:-1] + here[2:]
                sums = sums + below[:-2] + below[1:-1] + below[2:]

                def entry(left, s):
                    new = (s + left) / 9.0
                    return new, new

                _, new = lax.scan(entry, here[0], sums)
                return A.at[i, 1:-1].set(new)

            def sweep(_, A):
                return lax.fori_loop(1, n - 1, row, A)

            A = lax.fori_loop(0, turns - 1, sweep, A)
            return (A * A).sum()

        return program

    return make


def seidel_2d_by_hand(turns, n):
    def make():
        import numba

        @numba.njit
        def both(A):
            A = A.copy()
            for _ in range(turns - 1):
                for i in range(1, n - 1):
                    for j in range(1, n - 1):
                        A[i, j] = (
                            A[i - 1, j - 1] + A[i - 1, j] + A[i - 1, j + 1]
                            + A[i, j - 1] + A[i, j] + A[i, j + 1]
                            + A[i + 1, j - 1] + A[i + 1, j] + A[i + 1, j + 1]
                        ) / 9.0  # fmt: skip
            value, dA = np.sum(A * A), 2 * A
            for _ in range(turns - 1):
                for i in range(n - 2, 0, -1):
                    for j in range(n - 2, 0, -1):
                        d = dA[i, j] / 9.0
                        dA[i, j] = 0.0
                        for k in range(-1, 2):
                            dA[i + k, j - 1] += d
                            dA[i + k, j] += d
                            dA[i + k, j + 1] += d
            return value, (dA,)

        return both

    return make


def adi(turns, n):
    def program(u):
        u = u.copy()
        stencils.alternate_directions(turns, n, u)
        return np.sum(u * u)

    return program


def adi_in_jax(turns, n):
    def make():
        import jax.numpy as jnp
        from jax import lax

        h, dt = 1.0 / n, 1.0 / turns
        mul1, mul2 = 2.0 * dt / h**2, 1.0 * dt / h**2
        a, b, d, e = -mul1 / 2.0, 1.0 + mul1, -mul2 / 2.0, 1.0 + mul2

        def solve(right, lower, diagonal):
            """Solve along the first axis, with ones at both ends."""

            def forward(pq, r):
                p, q = pq
                below = lower * p + diagonal
                new = -lower / below, (r - lower * q) / below
                return new, new

            start = jnp.zeros(n - 2), jnp.ones(n - 2)
            _, (p, q) = lax.scan(forward, start, right)

            def back(above, pq):
                new = pq[0] * above + pq[1]
                return new, new

            _, inner = lax.scan(back, jnp.ones(n - 2), (p, q), reverse=True)
            return inner

        def program(u):
            v = jnp.zeros_like(u)

            def step(_, uv):
                u, v = uv
                right = -d * u[1:-1, :-2] + (1.0 + 2.0 * d) * u[1:-1, 1:-1] - d * u[1:-1, 2:]
                v = v.at[0, 1:-1].set(1.0).at[-1, 1:-1].set(1.0)
                v = v.at[1:-1, 1:-1].set(solve(right, a, b))
                right = -a * v[:-2, 1:-1] + (1.0 + 2.0 * a) * v[1:-1, 1:-1] - a * v[2:, 1:-1]
                u = u.at[1:-1, 0].set(1.0).at[1:-1, -1].set(1.0)
                return u.at[1:-1, 1:-1].set(solve(right.T, d, e).T), v

            u, _ = lax.fori_loop(0, turns, step, (u, v))
            return (u * u).sum()

        return program

    return make


def deriche(alpha, image):
    out = recurrences.smooth_image(alpha, image)
    return np.sum(out * out)


def deriche_in_jax():
    import jax.numpy as jnp
    from jax import lax

    def along_rows(x, a1, a2, a3, a4, b1, b2):
        """Filter along the first axis, there and back."""
        zero = jnp.zeros_like(x[0])

        def there(state, now):
            before, y1, y2 = state
            y = a1 * now + a2 * before + b1 * y1 + b2 * y2
            return (now, y, y1), y

        def back(state, now):
            x1, x2, y1, y2 = state
            y = a3 * x1 + a4 * x2 + b1 * y1 + b2 * y2
            return (now, x1, y, y1), y

        _, forward = lax.scan(there, (zero, zero, zero), x)
        _, backward = lax.scan(back, (zero, zero, zero, zero), x, reverse=True)
        return forward + backward

    def program(alpha, image):
        e = jnp.exp(-alpha)
        k = (1.0 - e) * (1.0 - e) / (1.0 + alpha * e - jnp.exp(2.0 * alpha))
        factors = (k, k * e * (alpha - 1.0), k * e * (alpha + 1.0), -k * e * e)
        factors = (*factors, 2.0 ** (-alpha), -e * e)
        out = along_rows(along_rows(image.T, *factors).T, *factors)
        return jnp.sum(out * out)

    return program


def vadv(utens_stage, u_stage, wcon, u_pos, utens):
    utens_stage = utens_stage.copy()
    stencils.advect_columns(utens_stage, u_stage, wcon, u_pos, utens, 3.0 / 20)
    return np.sum(utens_stage * utens_stage)


def vadv_in_jax():
    import jax.numpy as jnp
    from jax import lax

    dtr = 3.0 / 20

    def program(utens_stage, u_stage, wcon, u_pos, utens):
        given = (utens_stage, u_stage, wcon, u_pos, utens)
        stage, u, w, pos, tens = (jnp.moveaxis(x, 2, 0) for x in given)
        up = 0.25 * (w[:, 1:] + w[:, :-1])
        right = dtr * pos + tens + stage
        gcv = up[1]
        c = gcv * 0.6
        divided = 1.0 / (dtr - c)
        c0, d0 = c * divided, (right[0] - gcv * 0.4 * (u[1] - u[0])) * divided

        def forward(cd, at):
            below, above, u_below, u_here, u_above, r = at
            gav, gcv = -below, above
            a, c = gav * 0.6, gcv * 0.6
            correction = -gav * 0.4 * (u_below - u_here) - gcv * 0.4 * (u_above - u_here)
            divided = 1.0 / (dtr - a - c - cd[0] * a)
            new = c * divided, (r + correction - cd[1] * a) * divided
            return new, new

        along = (up[1:-1], up[2:], u[:-2], u[1:-1], u[2:], right[1:-1])
        _, (c, d) = lax.scan(forward, (c0, d0), along)
        c, d = jnp.concatenate([c0[None], c]), jnp.concatenate([d0[None], d])

        def back(data, at):
            c, d = at
            new = d - c * data
            return new, new

        _, rest = lax.scan(back, d[-1], (c, d), reverse=True)
        data = jnp.concatenate([rest, d[-1:]])
        found = dtr * (data - pos)
        return jnp.sum(found * found)

    return program


def cavity_flow(turns, sweeps):
    def program(u, v, p):
        u, v, p = u.copy(), v.copy(), p.copy()
        n = u.shape[0]
        h = 2.0 / (n - 1)
        stencils.cavity(n, n, turns, sweeps, u, v, 0.001, h, h, p, 1.0, 0.1)
        return squared(u, v, p)

    return program


def channel_flow(u, v, F):
    u = u.copy()
    stencils.channel(u, v, 0.01, 0.1, 0.1, F, 0.001)
    return np.sum(u * u)


PROGRAMS = [
    Program(
        "heat", "heat equation, n 200, 50 steps", heat(50), lambda: normal(200), heat_in_jax(50)
    ),
    Program(
        "jacobi_1d",
        "NPBench's jacobi_1d, n 400, 10 steps",
        jacobi_1d(10),
        lambda: normal(400, 400),
        jacobi_1d_in_jax(10),
    ),
    Program(
        "jacobi_2d",
        "NPBench's jacobi_2d, n 60, 8 steps",
        jacobi_2d(8),
        lambda: normal((60, 60), (60, 60)),
        jacobi_2d_in_jax(8),
        jacobi_2d_by_hand(8),
    ),
    Program(
        "heat_3d",
        "NPBench's heat_3d, n 16, 5 steps",
        heat_3d(5),
        lambda: normal((16, 16, 16), (16, 16, 16)),
        heat_3d_in_jax(5),
    ),
    Program(
        "fdtd_2d",
        "NPBench's fdtd_2d, n 30 x 40, 5 steps",
        fdtd_2d(5),
        lambda: normal((30, 40), (30, 40), (30, 40), 5),
        fdtd_2d_in_jax(5),
    ),
    Program(
        "seidel_2d",
        "NPBench's seidel_2d, n 8, 3 steps",
        seidel_2d(3, 8),
        lambda: normal((8, 8)),
        seidel_2d_in_jax(3, 8),
        seidel_2d_by_hand(3, 8),
    ),
    Program(
        "adi", "NPBench's adi, n 8, 2 steps", adi(2, 8), lambda: positive((8, 8)), adi_in_jax(2, 8)
    ),
    Program(
        "deriche",
        "NPBench's deriche, 10 x 12",
        deriche,
        lambda: (0.25, *normal((10, 12))),
        deriche_in_jax,
    ),
    Program(
        "vadv",
        "NPBench's vadv, 6 x 6 x 8",
        vadv,
        lambda: normal((6, 6, 8), (6, 6, 8), (7, 6, 8), (6, 6, 8), (6, 6, 8)),
        vadv_in_jax,
    ),
    Program(
        "cavity_flow",
        "NPBench's cavity_flow, n 11, 2 steps of 3 sweeps",
        cavity_flow(2, 3),
        lambda: normal((11, 11), (11, 11), (11, 11), scale=0.1),
        None,
    ),
    Program(
        "channel_flow",
        "NPBench's channel_flow, n 11, until it changes little",
        channel_flow,
        lambda: (*positive((11, 11), (11, 11)), 1.0),
        None,
    ),
]
