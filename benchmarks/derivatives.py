"""Jacobians, Hessians, their products with vectors, batches and series, against the others.

Each is written once, from a namespace to the derivative that is asked for; `cr.compile` and
`jax.jit` compile what chainrule and HIPS autograd do call by call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sparse
from agreement import disagreement
from measure import compare
from peers import Call
from workload import Target

_RANDOM = np.random.default_rng(0)


def _normal(*shape: int, scale: float = 1.0) -> np.ndarray[Any, Any]:
    return _RANDOM.normal(size=shape) * scale


_LAYERS = [_normal(100, 100, scale=0.1) for _ in range(4)]
_DATA, _LABELS = _normal(500, 50), (_RANDOM.random(500) < 0.5).astype(float)
_IMAGES, _TARGETS = _normal(128, 64), _normal(128, 10)
_MATRICES = _normal(10_000, 4, 4) + 4 * np.eye(4)
_DEFINITE = _MATRICES @ _MATRICES.swapaxes(1, 2)
_INPUTS, _OUTPUTS, _WEIGHTS = _normal(500, 3), _normal(500), _normal(50, 50)


def layers(np: Any) -> Callable[..., Any]:
    def stack(x):
        for W in _LAYERS:
            x = np.tanh(np.dot(W, x))
        return x

    return stack


def logistic(np: Any) -> Callable[..., Any]:
    def loss(w):
        z = np.dot(_DATA, w)
        return np.sum(np.logaddexp(0.0, z) - _LABELS * z)

    return loss


def network(np: Any) -> Callable[..., Any]:
    """Return the lecture's, with its squared error, for a batch."""

    def loss(parameters):
        W1, b1, W2, b2 = parameters
        h = 1 / (1 + np.exp(-(np.dot(_IMAGES, W1) + b1)))
        return np.mean((np.dot(h, W2) + b2 - _TARGETS) ** 2)

    return loss


def solution(np: Any) -> Callable[..., Any]:
    return lambda a, b: np.sum(np.linalg.solve(a, b) ** 2)


def factor(np: Any) -> Callable[..., Any]:
    return lambda a: np.sum(np.linalg.cholesky(a) ** 3)


def likelihood(np: Any, linalg: Any) -> Callable[..., Any]:
    """Return that of a Gaussian process, by the logarithms of its parameters.

    See C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006,
    algorithm 2.1.
    """

    def loss(p):
        x = _INPUTS / np.exp(p[1:4])
        squares = np.sum(x * x, axis=1)
        distances = squares[:, None] + squares - 2 * np.dot(x, x.T)
        K = np.exp(p[0] - distances / 2) + np.exp(p[4]) * np.eye(len(_INPUTS))
        L = np.linalg.cholesky(K)
        z = linalg.solve_triangular(L, _OUTPUTS, lower=True)
        a = linalg.solve_triangular(L, z, trans=1, lower=True)
        return np.dot(_OUTPUTS, a) / 2 + np.sum(np.log(np.diag(L)))

    return loss


def exponential(np: Any, linalg: Any) -> Callable[..., Any]:
    return lambda a: np.sum(linalg.expm(a) * _WEIGHTS)


def wave(np: Any) -> Callable[..., Any]:
    def f(x):
        for _ in range(3):
            x = np.sin(x) * np.exp(-x * x) + x
        return x

    return f


def spectrum(np: Any) -> Callable[..., Any]:
    """Return the power of signals, one in each column."""
    return lambda x: np.sum(np.abs(np.fft.rfft(x, axis=0)) ** 2)


def filtered(np: Any) -> Callable[..., Any]:
    """Return how large what a filter leaves of them is."""
    return lambda x: np.sum(np.fft.irfft(np.fft.rfft(x, axis=0) * _RESPONSE, axis=0) ** 2)


def wavefunction(np: Any) -> Callable[..., Any]:
    """Return a number that is made of complex ones, entry by entry."""

    def f(x):
        z = np.exp(1j * x) * np.sqrt(x + 2j) + np.log(x + 1j) / (x - 3j)
        return np.sum(np.abs(z) + np.angle(z))

    return f


_PARAMETERS = (_normal(64, 100, scale=0.1), _normal(100), _normal(100, 10, scale=0.1), _normal(10))
_DIRECTION = tuple(_normal(*p.shape) for p in _PARAMETERS)
_POINTS = _normal(1000)
_SIGNALS = _normal(4096, 64)
_RESPONSE = (1 / (1 + 1j * np.linspace(0, 5, 2049)))[:, None]

#: The arguments of each.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "jacobian": (_normal(100),),
    "hessian": (_normal(50, scale=0.1),),
    "hvp": (_PARAMETERS, _DIRECTION),
    "solve": (_MATRICES, _normal(10_000, 4)),
    "cholesky": (_DEFINITE,),
    "gp": (_normal(5),),
    "expm": (_normal(50, 50, scale=0.1),),
    "fourth": (_POINTS,),
    "spectrum": (_SIGNALS,),
    "filter": (_SIGNALS,),
    "complex": (_SIGNALS,),
}


#: What each way to run chainrule must reach, wherever the other one is timed, too.
TARGETS = {
    "chainrule compiled": (Target("jax.jit", 1), Target("LAPACK", 1.3)),
    "chainrule eager": (Target("HIPS autograd", 1),),
}


def ours() -> dict[str, Callable[..., Any]]:
    import scipy.linalg

    import chainrule as cr

    def fourth(x):
        return cr.taylor(wave(np), x, np.ones(len(x)), 4)[4] * 24

    return {
        "jacobian": cr.jacobian(layers(np)),
        "hessian": cr.hessian(logistic(np)),
        "hvp": cr.hvp(network(np)),
        "solve": cr.vmap(cr.grad(solution(np), (0, 1))),
        "cholesky": cr.vmap(cr.grad(factor(np))),
        "gp": cr.value_and_grad(likelihood(np, scipy.linalg)),
        "expm": cr.value_and_grad(exponential(np, scipy.linalg)),
        "fourth": fourth,
        "spectrum": cr.value_and_grad(spectrum(np)),
        "filter": cr.value_and_grad(filtered(np)),
        "complex": cr.value_and_grad(wavefunction(np)),
    }


def eager() -> dict[str, Callable[..., Any]]:
    """Return what is called in the place of `ours` without compiling: the programs of `hips`."""
    import chainrule as cr

    return {
        "solve": cr.grad(lambda a, b: np.sum(np.linalg.solve(a, b[..., None]) ** 2), (0, 1)),
        "cholesky": cr.grad(factor(np)),
    }


def hips() -> dict[str, Callable[..., Any]]:
    """Return HIPS autograd's. It has no vmap, but its linear algebra takes batches, and no expm."""
    import autograd
    import autograd.numpy as anp
    import autograd.scipy.linalg

    def solutions(pair):
        a, b = pair
        return anp.sum(anp.linalg.solve(a, b[..., None]) ** 2)

    def along(f):
        derivative = f
        for _ in range(4):
            derivative = autograd.elementwise_grad(derivative)
        return derivative

    product = autograd.differential_operators.make_hvp(network(anp))
    return {
        "jacobian": autograd.jacobian(layers(anp)),
        "hessian": autograd.hessian(logistic(anp)),
        "hvp": lambda parameters, v: product(parameters)[0](v),
        "solve": lambda a, b: autograd.grad(solutions)((a, b)),
        "cholesky": autograd.grad(factor(anp)),
        "gp": autograd.value_and_grad(likelihood(anp, autograd.scipy.linalg)),
        "fourth": along(wave(anp)),
        "spectrum": autograd.value_and_grad(spectrum(anp)),
        "filter": autograd.value_and_grad(filtered(anp)),
        "complex": autograd.value_and_grad(wavefunction(anp)),
    }


def theirs() -> dict[str, Callable[..., Any]]:
    """Return JAX's, compiled."""
    import jax
    import jax.numpy as jnp
    import jax.scipy.linalg
    from jax.experimental.jet import jet

    jax.config.update("jax_enable_x64", True)

    def fourth(x):
        ones, zeros = jnp.ones_like(x), jnp.zeros_like(x)
        return jet(wave(jnp), (x,), ((ones, zeros, zeros, zeros),))[1][3]

    derivatives = {
        "jacobian": jax.jacobian(layers(jnp)),
        "hessian": jax.hessian(logistic(jnp)),
        "hvp": lambda p, v: jax.jvp(jax.grad(network(jnp)), (p,), (v,))[1],
        "solve": jax.vmap(jax.grad(solution(jnp), (0, 1))),
        "cholesky": jax.vmap(jax.grad(factor(jnp))),
        "gp": jax.value_and_grad(likelihood(jnp, jax.scipy.linalg)),
        "expm": jax.value_and_grad(exponential(jnp, jax.scipy.linalg)),
        "fourth": fourth,
        "spectrum": jax.value_and_grad(spectrum(jnp)),
        "filter": jax.value_and_grad(filtered(jnp)),
        "complex": jax.value_and_grad(wavefunction(jnp)),
    }

    def ready(f):
        compiled = jax.jit(f)
        return lambda *arguments: jax.block_until_ready(compiled(*arguments))

    return {name: ready(f) for name, f in derivatives.items()}


def calls(name: str) -> dict[str, Call]:
    """Return who computes a derivative, by name."""
    import jax

    import chainrule as cr

    mine = ours()[name]
    arguments = ARGUMENTS[name]
    racers = {
        "chainrule compiled": Call(cr.compile(mine), arguments),
        "jax.jit": Call(theirs()[name], jax.device_put(arguments)),
        "chainrule eager": Call(eager().get(name, mine), arguments),
    }
    if name in (others := hips()):
        racers["HIPS autograd"] = Call(others[name], arguments)
    return racers


def lapack() -> Call:
    """Return the calls that a gradient of the Gaussian process by hand makes.

    They are a Cholesky factor, a solution, and an inverse, of the factor's.
    """
    from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

    x = _INPUTS[:, None] - _INPUTS
    K = np.exp(-np.sum(x * x, axis=2) / 2) + np.eye(len(x))

    def run():
        factor, _ = dpotrf(K, lower=True, clean=False)
        dpotrs(factor, _OUTPUTS, lower=True)
        dpotri(factor, lower=True)

    return Call(run, ())


def derivatives(rounds: int, seconds: float) -> dict[str, Any]:
    """Return the seconds of a call, by what is computed and by who computes it."""
    found: dict[str, Any] = {}
    for name in ARGUMENTS:
        racers = calls(name)
        agree(name, racers)
        if name == "gp":
            racers["LAPACK"] = lapack()
        timings = compare(racers, rounds, seconds)
        found[name] = {label: timing.seconds for label, timing in timings.items()}
    for name in sparse.PROBLEMS:
        racers = sparse.calls(name)
        sparse.agree(name, racers)
        timings = compare(racers, rounds, seconds)
        found[f"sparse {name}"] = {label: timing.seconds for label, timing in timings.items()}
    return found


def agree(name: str, racers: dict[str, Call]) -> None:
    """Raise where two of them have different results.

    The gradient of a Cholesky factor is compared as that of a symmetric matrix: NumPy reads one
    triangle, and the others share it between both.
    """
    reference, *rest = (_results(name, call) for call in racers.values())
    for label, found in zip(list(racers)[1:], rest, strict=True):
        if not disagreement((1.0, found), (1.0, reference)) < 1e-6:
            raise ValueError(f"{name}: {label} has another result")


def _results(name: str, call: Call) -> tuple[Any, ...]:
    result = call.function(*call.arguments)
    parts = result if isinstance(result, tuple) else (result,)
    if name == "cholesky":
        parts = tuple(np.asarray(p) + np.asarray(p).swapaxes(1, 2) for p in parts)
    return tuple(np.asarray(p) for p in parts)
