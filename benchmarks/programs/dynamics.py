"""Scalars and small vectors, step by step: a pendulum, an ODE, iterations to a tolerance."""

from __future__ import annotations

import math

import numpy as np

from programs.program import Program, normal


def pendulum(steps):
    def program(th, om, dt):
        for _ in range(steps):
            th = th + dt * om
            om = om - dt * math.sin(th)
        return th

    return program


def pendulum_in_jax(steps):
    def make():
        import jax.numpy as jnp
        from jax import lax

        def program(th, om, dt):
            def step(state, _):
                th, om = state
                th = th + dt * om
                om = om - dt * jnp.sin(th)
                return (th, om), None

            (th, _), _ = lax.scan(step, (th, om), None, length=steps)
            return th

        return program

    return make


def pendulum_by_hand(steps):
    def make():
        import numba

        @numba.njit
        def both(th, om, dt):
            ths, oms = np.empty(steps), np.empty(steps)
            for t in range(steps):
                oms[t] = om
                th = th + dt * om
                ths[t] = th
                om = om - dt * math.sin(th)
            dth, dom, ddt = 1.0, 0.0, 0.0
            for t in range(steps - 1, -1, -1):
                ddt -= math.sin(ths[t]) * dom
                dth -= dt * math.cos(ths[t]) * dom
                ddt += oms[t] * dth
                dom += dt * dth
            return th, (dth, dom, ddt)

        return both

    return make


def runge_kutta(steps):
    """Return GradBench's ode: y' is x[0], and x[i] * y[i - 1] further on."""

    def slope(x, y):
        z = np.empty_like(x)
        z[0] = x[0]
        z[1:] = x[1:] * y[:-1]
        return z

    def program(x):
        y = np.zeros_like(x)
        h = 1.0 / steps
        for _ in range(steps):
            k1 = slope(x, y)
            k2 = slope(x, y + h / 2 * k1)
            k3 = slope(x, y + h / 2 * k2)
            k4 = slope(x, y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return np.sum(y)

    return program


def runge_kutta_in_jax(steps):
    def make():
        import jax.numpy as jnp
        from jax import lax

        def slope(x, y):
            return jnp.concatenate([x[:1], x[1:] * y[:-1]])

        def program(x):
            h = 1.0 / steps

            def step(_, y):
                k1 = slope(x, y)
                k2 = slope(x, y + h / 2 * k1)
                k3 = slope(x, y + h / 2 * k2)
                k4 = slope(x, y + h * k3)
                return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

            return jnp.sum(lax.fori_loop(0, steps, step, jnp.zeros_like(x)))

        return program

    return make


def newton(a, b):
    """Return the root of x**3 + a * x - b."""
    x = 1.0
    while abs(x**3 + a * x - b) > 1e-10:
        x = x - (x**3 + a * x - b) / (3 * x**2 + a)
    return x


def fixed_point(a, b):
    """Return x = a * cos(b * x)."""
    x, before = a, 0.0
    while abs(x - before) > 1e-10:
        x, before = a * math.cos(b * x), x
    return x


PROGRAMS = [
    *(
        Program(
            f"pendulum-{steps}",
            f"pendulum, {steps:,} steps, Python floats",
            pendulum(steps),
            lambda: (0.5, 0.1, 0.01),
            pendulum_in_jax(steps),
            pendulum_by_hand(steps),
        )
        for steps in (200, 10_000)
    ),
    Program(
        "rk4",
        "Runge and Kutta's method, n 50, 20 steps",
        runge_kutta(20),
        lambda: normal(50),
        runge_kutta_in_jax(20),
    ),
    Program("newton", "Newton's method to a tolerance", newton, lambda: (2.0, 7.0), None),
    Program("fixed-point", "a fixed point to a tolerance", fixed_point, lambda: (0.9, 0.7), None),
]
