"""Which functions of PyTorch a run calls, with their tensors and the lines that call them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from chainrule.core.source import Location, is_internal, location_of
from chainrule.operations import elementwise, shape, softmax
from chainrule.operations.arithmetic import divide, subtract

__all__ = ["Call", "Recording"]

_TORCH = os.path.dirname(torch.__file__) + os.sep

#: Which operation a function of PyTorch is, where somebody asks for it.
_OPERATIONS: dict[str, Any] = {
    **dict.fromkeys(("log_softmax", "cross_entropy"), softmax.log_softmax),
    "softmax": softmax.softmax,
    "logsumexp": softmax.logsumexp,
    **dict.fromkeys(
        # of an output and its target: their difference
        ("sub", "subtract", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
        subtract,
    ),
    "log": elementwise.log,
    "add": elementwise.add,
    **dict.fromkeys(("abs", "absolute"), elementwise.absolute),
    **dict.fromkeys(("clamp", "clip", "clamp_min", "clamp_max"), elementwise.clip),
    "binary_cross_entropy_with_logits": elementwise.logaddexp,
    **dict.fromkeys(("div", "true_divide", "layer_norm", "batch_norm", "group_norm"), divide),
    **dict.fromkeys(
        # __get__: as an attribute, W.T
        (
            *("reshape", "view", "flatten", "transpose", "permute", "squeeze", "unsqueeze"),
            *("__get__", "__getitem__", "select", "narrow"),
        ),
        shape.reshape,
    ),
}
_RECURRENT = ("rnn_tanh", "rnn_relu", "lstm", "gru")
_SUMS_WITH_BIAS = ("linear", "conv1d", "conv2d", "conv3d")
_ACTIVATIONS = {"relu": "relu", "relu_": "relu", "sigmoid": "sigmoid", "tanh": "tanh"}


class Other:
    """What no search asks for."""

    moves = False
    entrywise = False


@dataclass(eq=False)
class Call:
    """A call of a function, or a parameter: what a `Node` is to the searches.

    Attributes:
        operation: that of chainrule, as far as searches ask for it.
        parents: the calls that made its tensors; none of a parameter.
        operands: their values, arrays.
        output: its value.
        tensor: the tensor itself.
        birth: its number.
        activation: ``"relu"``, ``"sigmoid"`` or ``"tanh"``, if it is one.
        location: the line that called it.
        turned: whether the output of a parameter is its transpose.
        name: of the function, as PyTorch calls it.
        turns: of a whole recurrent layer its input, and the axis of its turns.
    """

    operation: Any
    parents: tuple[Any, ...]
    operands: tuple[Any, ...]
    output: Any
    tensor: Any
    birth: int
    activation: str = ""
    location: Location | None = None
    turned: bool = False
    name: str = ""
    turns: tuple[Any, int] | None = None


@dataclass
class Recording:
    """The calls of one run.

    Attributes:
        calls: in their order.
        leaves: the parameters by name.
    """

    calls: list[Call] = field(default_factory=list)
    leaves: dict[str, Call] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._made: dict[int, Call] = {}
        self.broken: Call | None = None

    def add_parameters(self, module: Any) -> None:
        """Take notice of parameters, weights of linear maps as (inputs, outputs)."""
        tables = {id(m.weight) for m in module.modules() if isinstance(m, torch.nn.Embedding)}
        for name, p in module.named_parameters():
            value = _array(p)
            turned = p.ndim == 2 and id(p) not in tables
            value = value.T if turned else value
            leaf = Call(Other, (), (), value, p, len(self._made), turned=turned)
            self.leaves[name] = self._made[id(p)] = leaf

    def mode(self) -> TorchFunctionMode:
        """Return a context in which calls are noted."""
        return _Mode(self)

    def made(self, tensor: Any) -> Call | None:
        """Return the call that made a tensor."""
        return self._made.get(id(tensor))

    def note(self, name: str, args: tuple[Any, ...], result: Any) -> None:
        """Take notice of a call."""
        results = [x for x in _flat([result]) if isinstance(x, torch.Tensor)]
        results = [x for x in results if x.is_floating_point()]
        if not results:
            return
        given = [x for x in _flat(args) if isinstance(x, torch.Tensor)]
        if name == "embedding":
            given = given[1:]  # the table; the rest are indices
        if not any(id(x) in self._made for x in given):
            self._of_data(name, given, results)
            return
        for each in results:
            self._note(name, given, each)
        if name in _RECURRENT and args[-2:-1] == (False,):  # not in both directions
            x, batch_first = given[0], args[-1]
            self._made[id(results[0])].turns = x, 1 if batch_first and x.ndim == 3 else 0

    def _of_data(self, name: str, given: list[Any], results: list[Any]) -> None:
        """Keep the first call in front of all parameters that makes NaN or infinity."""
        bad = next((x for x in results if not torch.isfinite(x).all()), None)
        if self.broken is None and bad is not None:
            self._add(name, given, bad, _user_line())
            self.broken = self.calls.pop()

    def _note(self, name: str, given: list[Any], result: Any) -> None:
        location = _user_line()
        if name in _SUMS_WITH_BIAS and len(given) == 3:
            self._with_bias(given, result, location)
            return
        self._add(name, given, result, location)
        if name == "linear":
            x, weight = self.calls[-1].operands
            self.calls[-1].operands = x, weight.T  # as it is multiplied

    def _with_bias(self, given: list[Any], result: Any, location: Any) -> None:
        """Note a linear map as a product and a sum."""
        x, weight, bias = given
        value = _array(result)
        axis = -1 if weight.ndim == 2 else 1
        along = [1] * value.ndim
        along[axis] = -1
        product = Call(
            Other,
            (self.made(x), self.made(weight)),
            (_array(x), _array(weight).T if weight.ndim == 2 else _array(weight)),
            value - _array(bias).reshape(along),
            result,
            self._birth(),
            location=location,
        )
        self.calls.append(product)
        self.calls.append(
            Call(
                Other,
                (product, self.made(bias)),
                (product.output, _array(bias)),
                value,
                result,
                self._birth(),
                location=location,
            )
        )
        self._made[id(result)] = self.calls[-1]

    def _add(self, name: str, given: list[Any], result: Any, location: Any) -> None:
        activation = _ACTIVATIONS.get(name, "")
        call = Call(
            _OPERATIONS.get(name, Other),
            tuple(self.made(x) for x in given),
            tuple(_array(x) for x in given),
            _array(result),
            result,
            self._birth(),
            activation,
            location,
            name=name,
        )
        if activation and call.parents[0] is not None:
            call.operands = (call.parents[0].output,)  # a function in place has overwritten it
        self.calls.append(call)
        self._made[id(result)] = call

    def _birth(self) -> int:
        return len(self.leaves) + len(self.calls)


class _Mode(TorchFunctionMode):  # type: ignore[misc]
    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self._recording = recording

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        self._recording.note(name, (*args, *(kwargs or {}).values()), result)
        return result


def _flat(values: Any) -> list[Any]:
    found = []
    for value in values:
        found += _flat(value) if isinstance(value, (tuple, list)) else [value]
    return found


def _array(tensor: Any) -> Any:
    array = tensor.detach().cpu().numpy()
    return np.array(array)


def _user_line() -> Location | None:
    """Return the innermost line outside of PyTorch and of this package."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "diagnose_module":
            return None  # no line of the user's own is inside
        if not code.co_filename.startswith((_TORCH, "<")) and not is_internal(code):
            return location_of(frame, frame.f_lineno)
        frame = frame.f_back
    return None
