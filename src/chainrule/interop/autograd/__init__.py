"""HIPS autograd's interface (version 1.9) to chainrule's gradients.

A program written for autograd runs after its imports are changed: ``autograd`` becomes
``chainrule.interop.autograd``, ``autograd.numpy`` becomes ``chainrule.interop.autograd.numpy``.

>>> import chainrule.interop.autograd.numpy as np
>>> from chainrule.interop.autograd import grad
>>> grad(lambda x: np.sum(np.sin(x) ** 2))(np.array([0.0, 0.5]))
array([0.        , 0.84147098])
"""

from __future__ import annotations

from chainrule.interop.autograd.builtins import dict, isinstance, list, tuple, type
from chainrule.interop.autograd.operators import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)
from chainrule.interop.autograd.primitives import primitive

__all__ = [
    "checkpoint",
    "deriv",
    "dict",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "isinstance",
    "jacobian",
    "list",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "multigrad_dict",
    "primitive",
    "tensor_jacobian_product",
    "tuple",
    "type",
    "value_and_grad",
    "vector_jacobian_product",
]
