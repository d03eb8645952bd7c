"""What the options say of a run, checked."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from chainrule.cli.faults import Fault

__all__ = ["ACTIVATIONS", "OPTIMISERS", "Settings", "option"]

ACTIVATIONS = ("relu", "sigmoid", "tanh", "leaky_relu", "elu", "gelu", "silu", "softplus")
#: Optimisers with the learning rate that is taken where none is given.
OPTIMISERS: Mapping[str, float] = {
    "adam": 1e-3,
    "adamw": 1e-3,
    "sgd": 0.05,
    "momentum": 0.01,
    "nesterov": 0.01,
    "rmsprop": 1e-3,
    "adagrad": 0.01,
    "lion": 1e-4,
}
_STEPS = 3000  # that are tried at least, in so many epochs
_EPOCHS = 50, 1000
_TASKS = ("classification", "regression")


@dataclass(frozen=True)
class Settings:
    """A run, as the command line asked for it; the names are those of the options."""

    data: str
    target: str | None = None
    task: str | None = None
    hidden: tuple[int, ...] = (100,)
    activation: str = "relu"
    optimiser: str = "adam"
    learning_rate: float | None = None
    epochs: int | None = None
    batch_size: int = 32
    validation: float = 0.2
    patience: int | None = None
    seed: int = 0

    @property
    def rate(self) -> float:
        """The learning rate."""
        return self.learning_rate or OPTIMISERS[self.optimiser]

    def filled(self, examples: int) -> Settings:
        """Return settings in which the epochs are many enough for so many examples."""
        batches = -(-examples // self.batch_size)
        epochs = self.epochs or min(max(-(-_STEPS // batches), _EPOCHS[0]), _EPOCHS[1])
        return replace(self, epochs=epochs, patience=self.patience or max(epochs // 5, 10))

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Settings:
        """Return settings of plain data."""
        return cls(**{**data, "hidden": tuple(data["hidden"])})

    @classmethod
    def given(cls, options: Mapping[str, Any]) -> Settings:
        """Return what was asked for.

        Args:
            options: by name, None where it was left out.

        Raises:
            Fault: a value makes no sense.
        """
        found = {name: value for name, value in options.items() if value is not None}
        if "data" not in found:
            raise Fault("say what to train with: a CSV file, or digits")
        return cls(**_checked(found))

    def resumed(self, options: Mapping[str, Any], folder: Any) -> Settings:
        """Return these settings with another number of epochs, if one is given.

        Raises:
            Fault: an option is given that says something else.
        """
        found = _checked({k: v for k, v in options.items() if v is not None})
        for name, value in found.items():
            stored = getattr(self, name)
            if name not in ("epochs", "data") and value != stored:
                raise Fault(
                    f"{folder} was begun with {option(name)} {_written(stored)}, not "
                    f"{_written(value)}: leave the option out, or --save another run"
                )
        return replace(self, **{k: found[k] for k in ("epochs", "data") if k in found})


def option(name: str) -> str:
    """Return how an option is written."""
    return f"--{name.replace('_', '-')}"


def _written(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _checked(found: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(found)
    assert checked.keys() <= {f.name for f in fields(Settings)}
    if "hidden" in checked:
        checked["hidden"] = _sizes(str(checked["hidden"]))
    for name, known in (
        ("activation", ACTIVATIONS),
        ("optimiser", tuple(OPTIMISERS)),
        ("task", _TASKS),
    ):
        if name in checked:
            checked[name] = _one_of(name, checked[name], known)
    for name in ("batch_size", "patience", "epochs"):
        if checked.get(name, 1) < 1:
            raise Fault(f"{option(name)} {checked[name]}: it must be at least 1")
    if not 0 < checked.get("learning_rate", 1.0) < float("inf"):
        raise Fault(f"--learning-rate {checked['learning_rate']}: it must be above 0")
    if not 0 < checked.get("validation", 0.2) < 1:
        raise Fault(f"--validation {checked['validation']}: write a share between 0 and 1, as 0.2")
    if checked.get("seed", 0) < 0:
        raise Fault(f"--seed {checked['seed']}: it must not be negative")
    return checked


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = (-1,)
    if sizes == (0,):
        return ()
    if min(sizes) < 1:
        raise Fault(f"--hidden {text}: write sizes of layers, as 64 or 64,32; 0 is none")
    return sizes


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    plain = value.strip().lower().replace("-", "_")
    if plain in known:
        return plain
    close = difflib.get_close_matches(plain, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"it is one of {', '.join(known)}"
    raise Fault(f"{option(name)} {value}: {hint}")
