"""The peers: how each of them makes value and gradients of a workload, ready to be called."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from workload import Function, Workload

#: Value, and gradients by all parameters.
Result = tuple[Any, tuple[Any, ...]]


def as_they_are(result: Result) -> Result:
    return result


@dataclass(frozen=True)
class Call:
    """What is timed: ``function(*arguments)``, which returns when its results are there."""

    function: Function
    arguments: tuple[Any, ...]
    results: Callable[[Any], Result] = as_they_are


def takes_floats(workload: Workload) -> bool:
    """Tell whether a workload's parameters are all Python floats, and its results should be."""
    return all(isinstance(x, float) for x in workload.inputs()[0])


def namespaces(workload: Workload) -> tuple[Any, Any]:
    from scipy import special

    return (math if takes_floats(workload) else np), special


def by_parameters(workload: Workload) -> tuple[int, ...]:
    return tuple(range(len(workload.inputs()[0])))


def chainrule(workload: Workload) -> Call:
    import chainrule as cr

    parameters, data = workload.inputs()
    f = workload.function(*namespaces(workload))
    compiled = cr.compile(cr.value_and_grad(f, by_parameters(workload)))
    return Call(compiled, (*parameters, *data))


def chainrule_eager(workload: Workload) -> Call:
    import chainrule as cr

    parameters, data = workload.inputs()
    f = workload.function(*namespaces(workload))
    return Call(cr.value_and_grad(f, by_parameters(workload)), (*parameters, *data))


def chainrule_staged(workload: Workload) -> Call:
    import chainrule as cr

    parameters, data = workload.inputs()
    f = workload.function(*namespaces(workload))
    staged = cr.stage(f, *parameters, *data, argnums=by_parameters(workload))
    return Call(staged.function, (*parameters, *data))


def jax(workload: Workload) -> Call:
    import jax
    from jax.scipy import special

    jax.config.update("jax_enable_x64", True)
    parameters, data = workload.inputs()
    f = workload.function(jax.numpy, special)
    compiled = jax.jit(jax.value_and_grad(f, by_parameters(workload)))
    if takes_floats(workload):

        def run(*arguments):
            value, gradients = compiled(*arguments)
            return float(value), tuple(map(float, gradients))

        return Call(run, (*parameters, *data))
    ready = jax.block_until_ready
    arguments = tuple(
        x if isinstance(x, float) else jax.device_put(x) for x in (*parameters, *data)
    )
    return Call(lambda *arguments: ready(compiled(*arguments)), arguments)


def torch_eager(workload: Workload) -> Call:
    import torch

    f, count = workload.torch(), len(workload.inputs()[0])

    def both(*arguments):
        value = f(*arguments)
        return value, torch.autograd.grad(value, arguments[:count])

    return _torch(workload, both, requires_grad=True)


def torch_compile(workload: Workload) -> Call:
    """Compile value and gradient as one graph: quicker than to compile the function alone."""
    import torch

    compiled = torch.compile(torch.func.grad_and_value(workload.torch(), by_parameters(workload)))

    def both(*arguments):
        gradients, value = compiled(*arguments)
        return value, gradients

    return _torch(workload, both, requires_grad=False)


def _torch(workload: Workload, both: Function, requires_grad: bool) -> Call:
    import torch

    parameters, data = workload.inputs()
    if takes_floats(workload):

        def on_floats(*floats):
            leaves = (
                torch.tensor(x, dtype=torch.float64, requires_grad=requires_grad) for x in floats
            )
            value, gradients = both(*leaves)
            return value.item(), tuple(x.item() for x in gradients)

        return Call(on_floats, parameters)
    leaves = [torch.from_numpy(np.asarray(x)).requires_grad_(requires_grad) for x in parameters]
    return Call(both, (*leaves, *map(torch.from_numpy, data)), _from_torch)


def _from_torch(result: Any) -> Result:
    value, gradients = result
    return value.detach().numpy(), tuple(x.numpy() for x in gradients)


def hips_autograd(workload: Workload, dtype: Any = None) -> Call:
    """Make autograd's; with a dtype, all inputs that are not whole numbers are of that."""
    import autograd
    import autograd.numpy
    import autograd.scipy.special

    parameters, data = workload.inputs()
    arguments = (*parameters, *data)
    if dtype is not None:
        arguments = tuple(
            x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
            for x in arguments
        )
    f = workload.function(autograd.numpy, autograd.scipy.special)
    return Call(autograd.value_and_grad(f, by_parameters(workload)), arguments)


def by_hand(name: str) -> Callable[[Workload], Call]:
    def make(workload: Workload) -> Call:
        parameters, data = workload.inputs()
        arguments = (*parameters, *data)
        return Call(workload.by_hand[name](*arguments), arguments)

    return make


PEERS: dict[str, Callable[[Workload], Call]] = {
    "jax.jit": jax,
    "torch": torch_eager,
    "torch.compile": torch_compile,
    "autograd": hips_autograd,
}


def peers_of(workload: Workload) -> dict[str, Callable[[Workload], Call]]:
    """Return chainrule and all its peers for a workload, by name."""
    return {"chainrule": chainrule, **PEERS, **{name: by_hand(name) for name in workload.by_hand}}
