"""autograd's operators: gradients, Jacobians, Hessians and products with them."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.callables import name_of
from chainrule.interop.autograd.linearise import Argnum, pull, push, seen, slope
from chainrule.interop.autograd.vspaces import vspace
from chainrule.numpy.view import UserFunction
from chainrule.transforms import jacobians
from chainrule.transforms.checkpoint import checkpoint

__all__ = [
    "checkpoint",
    "deriv",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "jacobian",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "multigrad_dict",
    "tensor_jacobian_product",
    "value_and_grad",
    "vector_jacobian_product",
]

Function = Callable[..., Any]


def _named(operator: str, fun: Function, argnum: Argnum, result: Function) -> Function:
    """Name and describe what an operator returns."""
    if type(argnum) not in (int, tuple, list):
        raise TypeError(f"argnum is {argnum!r}: it is a position, or a tuple or list of several")
    result.__name__ = f"{operator}_of_{name_of(fun)}_wrt_argnum_{argnum}"
    result.__doc__ = (
        f"    {operator} of function {name_of(fun)} with respect to argument number {argnum}.\n"
        f"    Takes the same arguments as {name_of(fun)}, and returns the {operator}.\n    "
    )
    return result


def make_vjp(fun: Function, argnum: Argnum = 0) -> Function:
    """Return a function of ``fun``'s arguments that returns ``(vjp, value)``.

    ``vjp(g)`` is g times the Jacobian: of the structure of the argument.
    """
    run = UserFunction(fun)

    def both(*args: Any, **kwargs: Any) -> Any:
        value, vjp = pull(run, argnum, args, kwargs)
        return vjp, value

    return _named("make_vjp", fun, argnum, both)


def make_jvp(fun: Function, argnum: Argnum = 0) -> Function:
    """Return a function of ``fun``'s arguments that returns ``v -> (value, Jacobian times v)``."""
    run = UserFunction(fun)

    def at(*args: Any, **kwargs: Any) -> Any:
        return lambda v: push(run, argnum, args, kwargs, v)

    return _named("make_jvp", fun, argnum, at)


def value_and_grad(fun: Function, argnum: Argnum = 0) -> Function:
    """Return a function of ``fun``'s arguments that returns its value and its gradient.

    The value may be an array of one entry. The gradient is of the structure of the argument, or a
    tuple of such if argnum names several.

    Raises:
        TypeError: the value is not one real number.
    """
    run = UserFunction(fun)

    def both(*args: Any, **kwargs: Any) -> Any:
        return slope(run, argnum, args, kwargs, "value_and_grad")

    return _named("value_and_grad", fun, argnum, both)


def grad(fun: Function, argnum: Argnum = 0) -> Function:
    """
    Returns a function which computes the gradient of ``fun`` by argument number ``argnum``.

    It takes the arguments of ``fun``, whose value is one real number, and returns a gradient of the
    structure of the argument, or a tuple of such if argnum names several.

    Raises:
        TypeError: the value is not one real number.

    >>> from chainrule.interop.autograd import grad
    >>> import chainrule.interop.autograd.numpy as np
    >>> grad(np.tanh)(0.0)
    1.0
    """  # noqa: D212  # its first words are part of autograd's interface
    run = UserFunction(fun)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return slope(run, argnum, args, kwargs, "Grad")[1]

    return _named("grad", fun, argnum, gradient)


def elementwise_grad(fun: Function, argnum: Argnum = 0) -> Function:
    """Return the sum of each column of the Jacobian: its diagonal, where it is diagonal."""
    run = UserFunction(fun)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, vjp = pull(run, argnum, args, kwargs)
        if vspace(value).iscomplex:
            raise TypeError("Elementwise_grad only applies to real-output functions.")
        return vjp(vspace(value).ones())

    return _named("elementwise_grad", fun, argnum, gradient)


def deriv(fun: Function, argnum: Argnum = 0) -> Function:
    """Return the derivative along a vector of ones: of a function of a number, its derivative."""
    run = UserFunction(fun)

    def derivative(*args: Any, **kwargs: Any) -> Any:
        x = args[argnum] if isinstance(argnum, int) else tuple(args[k] for k in argnum)
        return push(run, argnum, args, kwargs, vspace(x).ones())[1]

    return _named("deriv", fun, argnum, derivative)


def jacobian(fun: Function, argnum: int = 0) -> Function:
    """Return the Jacobian: of the output's shape, followed by the argument's."""
    return _named("jacobian", fun, argnum, jacobians.jacobian(fun, argnum))


def hessian(fun: Function, argnum: int = 0) -> Function:
    """Return the Hessian: the Jacobian of the Jacobian."""
    return _named("hessian", fun, argnum, jacobian(jacobian(fun, argnum), argnum))


def holomorphic_grad(fun: Function, argnum: Argnum = 0) -> Function:
    """Return the complex derivative of a holomorphic function."""
    run = seen(fun)
    gradient = grad(lambda *args, **kwargs: np.real(run(*args, **kwargs)), argnum)

    def derivative(*args: Any, **kwargs: Any) -> Any:
        x = args[argnum] if isinstance(argnum, int) else tuple(args[k] for k in argnum)
        if not vspace(x).iscomplex:
            warnings.warn("Input to holomorphic_grad is not complex", stacklevel=2)
        return gradient(*args, **kwargs)

    return _named("holomorphic_grad", fun, argnum, derivative)


def grad_named(fun: Function, argname: str) -> Function:
    """Return the gradient by the positional argument of a name."""
    return grad(fun, list(inspect.signature(fun).parameters).index(argname))


def make_hvp(fun: Function, argnum: Argnum = 0) -> Function:
    """Return a function of ``fun``'s arguments that returns ``(Hessian times v, gradient)``.

    The first of the two is a function of v: what the gradient computes is done once.
    """
    return _named("make_hvp", fun, argnum, make_vjp(grad(fun, argnum), argnum))


def hessian_tensor_product(fun: Function, argnum: int = 0) -> Function:
    """Return the Hessian times a tensor, which is the last argument."""
    gradient = grad(fun, argnum)

    def product(*args: Any, **kwargs: Any) -> Any:
        *args, tensor = args  # type: ignore[assignment]
        return np.tensordot(gradient(*args, **kwargs), tensor, np.ndim(tensor))

    return grad(product, argnum)


hessian_vector_product = hessian_tensor_product


def tensor_jacobian_product(fun: Function, argnum: int = 0) -> Function:
    """Return a tensor, which is the last argument, times the Jacobian."""
    run = seen(fun)

    def product(*args: Any, **kwargs: Any) -> Any:
        *args, tensor = args  # type: ignore[assignment]
        return np.tensordot(tensor, run(*args, **kwargs), axes=np.ndim(tensor))

    return jacobian(product, argnum)


vector_jacobian_product = tensor_jacobian_product


def make_jvp_reversemode(fun: Function, argnum: Argnum = 0) -> Function:
    """Return a function of ``fun``'s arguments that returns ``v -> Jacobian times v``.

    It pulls back twice (j-towns.github.io/2017/06/12/A-new-trick.html); `make_jvp` costs less.
    """
    run = UserFunction(fun)

    def at(*args: Any, **kwargs: Any) -> Any:
        value, vjp = pull(run, argnum, args, kwargs)
        return pull(UserFunction(vjp), 0, (vspace(value).zeros(),), {}).map

    return _named("make_jvp_reversemode", fun, argnum, at)


def _half_square(x: Any) -> Any:
    return 0.5 * np.sum(x**2, axis=-1)


def make_ggnvp(f: Function, g: Function = _half_square, f_argnum: int = 0) -> Function:
    """Return a function of ``f``'s arguments that returns products with the Gauss-Newton matrix.

    That is ``v -> J.T @ H @ J @ v``, with J the Jacobian of f and H the Hessian of g there.
    """
    run = UserFunction(f)

    def at(*args: Any, **kwargs: Any) -> Any:
        y, f_vjp = pull(run, f_argnum, args, kwargs)
        g_hvp, slope = make_hvp(g)(y)
        f_jvp = pull(UserFunction(f_vjp), 0, (vspace(slope).zeros(),), {}).map
        return lambda v: f_vjp(g_hvp(f_jvp(v)))

    return _named("make_ggnvp", f, f_argnum, at)


def grad_and_aux(fun: Function, argnum: Argnum = 0) -> Function:
    """Return the gradient of the first of two outputs, and the second one as it is."""
    run = UserFunction(fun)

    def both(*args: Any, **kwargs: Any) -> Any:
        (value, aux), vjp = pull(run, argnum, args, kwargs)
        return vjp((vspace(value).ones(), vspace(aux).zeros())), aux

    return _named("grad_and_aux", fun, argnum, both)


def multigrad_dict(fun: Function) -> Function:
    """Return the gradients by all arguments: a dict from their names."""
    signature = inspect.signature(fun)
    run = seen(fun)

    def of_arguments(arguments: dict[str, Any]) -> Any:
        bound = inspect.BoundArguments(signature, arguments)
        return run(*bound.args, **bound.kwargs)

    gradient = grad(of_arguments)

    @functools.wraps(fun)
    def gradients(*args: Any, **kwargs: Any) -> dict[str, Any]:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        found: dict[str, Any] = gradient(dict(bound.arguments))
        return found

    return gradients
