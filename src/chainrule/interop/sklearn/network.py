"""What the multi-layer perceptrons share: parameters, checks, training, and the forward pass."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule import nn, optim, train
from chainrule.interop.sklearn.objective import (
    Objective,
    Weighted,
    linear_layers,
    value_and_gradient,
)
from chainrule.interop.sklearn.pace import method, paced
from chainrule.interop.sklearn.patience import Patience

__all__ = ["Network"]

_ACTIVATIONS = {"identity": None, "logistic": nn.sigmoid, "tanh": nn.tanh, "relu": nn.relu}
_SLOWEST = 1e-6  # an adaptive rate that is less stays


class Network(BaseEstimator):  # type: ignore[misc]
    """A multi-layer perceptron; `MLPClassifier` and `MLPRegressor` say what the parameters mean."""

    classes_: Any

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train with a table.

        Args:
            X: (examples, features), dense or sparse.
            y: a target for each example; or (examples, outputs).
            sample_weight: how much each example counts; all the same if None.

        Raises:
            ValueError: a parameter or the data are not what they should be.
        """
        return self._fit(X, y, sample_weight, goes_on=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # What the two kinds do differently.

    def _targets(self, y: Any, is_first: bool, goes_on: bool) -> Any:
        """Return what the network is to give, and set what is known of it."""
        raise NotImplementedError

    def _score_of(self, outputs: Any, y: Any, sample_weight: Any) -> float:
        """Return how good outputs are for targets."""
        raise NotImplementedError

    # Training.

    def _fit(self, X: Any, y: Any, sample_weight: Any, goes_on: bool) -> Self:
        sizes = self._checked_parameters()
        if goes_on and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        is_first = not hasattr(self, "coefs_") or not (self.warm_start or goes_on)
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=not is_classifier(self),
            dtype=(np.float64, np.float32),
            reset=is_first,
        )
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype)
        targets = self._targets(y, is_first, goes_on)
        if targets.dtype.kind == "f":
            targets = targets.astype(X.dtype, copy=False)
        random = check_random_state(self.random_state)
        if is_first:
            self._begin([X.shape[1], *sizes, self.n_outputs_], X.dtype, random)
        data = [X, targets] if sample_weight is None else [X, targets, sample_weight]
        kind = "squared_error" if self.out_activation_ == "identity" else self.out_activation_
        kind = "poisson" if kind == "exp" else kind
        objective = (Objective if sample_weight is None else Weighted)(kind, float(self.alpha))
        with np.errstate(over="ignore"):
            if self.solver == "lbfgs":
                self._search(objective, data)
            else:
                self._descend(objective, data, random, goes_on)
        return self

    def _begin(self, units: list[int], dtype: Any, random: Any) -> None:
        """Draw the first parameters: uniform, by Glorot and Bengio (2010), the biases, too."""
        self.n_layers_ = len(units)
        self.n_iter_ = self.t_ = 0
        self.coefs_, self.intercepts_ = [], []
        for inputs, outputs in pairwise(units):
            bound = math.sqrt((2.0 if self.activation == "logistic" else 6.0) / (inputs + outputs))
            self.coefs_.append(random.uniform(-bound, bound, (inputs, outputs)).astype(dtype))
            self.intercepts_.append(random.uniform(-bound, bound, outputs).astype(dtype))
        self.loss_curve_: list[float] = []
        self.best_loss_: float | None = None if self.early_stopping else np.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_: float | None = -np.inf if self.early_stopping else None
        self._state = None

    def _search(self, objective: Objective, data: list[Any]) -> None:
        """Minimise over all examples at once, by L-BFGS."""
        dense = [x if isinstance(x, np.ndarray) else x.toarray() for x in data]
        found = optim.lbfgs(
            objective,
            self._model(),
            *dense,
            steps=self.max_iter,
            tolerance=self.tol,
            evaluations=self.max_fun,
            value_and_gradient=value_and_gradient(objective),
        )
        self.n_iter_, self.loss_ = found.steps, found.value
        self._keep(found.params)
        if not found.converged:
            warnings.warn(
                f"lbfgs has not converged after {found.steps} steps: {found.message}",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _descend(self, objective: Objective, data: list[Any], random: Any, goes_on: bool) -> None:
        """Minimise over minibatches, epoch by epoch."""
        score = None
        if self.early_stopping:
            data, score = self._held_out(data, random)
        examples = data[0].shape[0]
        size = self._checked_batch_size(examples)
        descent = method(
            self.solver,
            float(self.momentum),
            bool(self.nesterovs_momentum),
            float(self.beta_1),
            float(self.beta_2),
            float(self.epsilon),
        )
        patience = Patience(self, examples, score)
        model, seed = self._model(), int(random.randint(2**31 - 1))
        pace = {"batches": -(-examples // size), "examples": examples, "steps": 0, "seen": self.t_}
        pace["power"] = self.power_t if self._schedule == "invscaling" else 0.0
        if not goes_on or self._state is None:
            self._state = paced(descent.init(model), rate=self.learning_rate_init)
        state = paced(self._state, **pace)
        self.n_iter_ = 0
        epochs = 1 if goes_on else self.max_iter
        while True:
            run = train.fit(
                model,
                objective,
                tuple(data),
                descent,
                optimiser_state=state,
                epochs=epochs - self.n_iter_,
                batch_size=size,
                shuffle=self.shuffle,
                callbacks=[patience],
                seed=seed + self.n_iter_,
                progress=False,
            )
            model, state = run.model, run.optimiser_state
            rate = float(state[-1].rate)
            if run.stopped != "callback":
                break
            if self._schedule != "adaptive" or rate <= _SLOWEST:
                self._tell(f"{patience.reason} Stopping.")
                break
            self._tell(f"{patience.reason} Setting learning rate to {rate / 5:f}")
            patience.lost = 0
            state = paced(state, rate=rate / 5)
            if self.n_iter_ == epochs:
                break
        self._state = state
        self._keep(model if patience.best is None else patience.best)
        if run.stopped == "interrupted":
            warnings.warn("Training interrupted by user.", stacklevel=4)
        elif (
            run.stopped != "not finite"
            and not goes_on
            and patience.lost <= (self.n_iter_no_change)
            and self.n_iter_ == self.max_iter
        ):
            warnings.warn(
                f"Maximum iterations ({self.max_iter}) reached, and the training has not converged "
                "yet: raise max_iter, or learning_rate_init",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _held_out(self, data: list[Any], random: Any) -> tuple[list[Any], Any]:
        """Set some examples aside; return the others, and the score of a model on those."""
        has_labels = self.out_activation_ == "logistic" and self.n_outputs_ > 1
        stratify = data[1] if is_classifier(self) and not has_labels else None
        parts = train_test_split(
            *data, random_state=random, test_size=self.validation_fraction, stratify=stratify
        )
        held = parts[1::2]
        if held[0].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        weights = held[2] if len(held) == 3 else None

        def score(model: Any) -> float:
            return self._score_of(self._output(model(held[0])), held[1], weights)

        return parts[::2], score

    def _tell(self, message: str) -> None:
        if self.verbose:
            print(message)

    # The model.

    def _model(self) -> nn.Sequential:
        """Make a model of the parameters."""
        layers: list[Any] = []
        activation = _ACTIVATIONS[self.activation]
        for weight, bias in zip(self.coefs_, self.intercepts_, strict=True):
            if layers and activation is not None:
                layers.append(activation)
            layer = nn.Linear(*weight.shape, rng=0, weight=lambda *_, given=weight: given)
            layers.append(layer.replace(bias=bias))
        return nn.Sequential(*layers)

    def _keep(self, model: Any) -> None:
        layers = linear_layers(model)
        self.coefs_ = [layer.weight for layer in layers]
        self.intercepts_ = [layer.bias for layer in layers]

    def _output(self, logits: Any) -> Any:
        """Return what the network gives: probabilities, rates, or numbers as they are."""
        if self.out_activation_ == "softmax":
            return nn.softmax(logits)
        if self.out_activation_ == "logistic":
            return nn.sigmoid(logits)
        return np.exp(logits) if self.out_activation_ == "exp" else logits

    def _outputs(self, X: Any) -> Any:
        """Check a table, and return the network's outputs for it: (examples, outputs)."""
        check_is_fitted(self)
        X = validate_data(
            self, X, accept_sparse=["csr", "csc"], dtype=(np.float64, np.float32), reset=False
        )
        return self._output(self._model()(X))

    # The parameters.

    @property
    def _schedule(self) -> str:
        return self.learning_rate if self.solver == "sgd" else "constant"

    def _is_stochastic(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is there for the solvers 'adam' and 'sgd', and this one is 'lbfgs'"
            )
        return True

    def _checked_batch_size(self, examples: int) -> int:
        if isinstance(self.batch_size, str):  # "auto"
            return min(200, examples)
        if self.batch_size > examples:
            warnings.warn(
                f"batch_size={self.batch_size} is more than the {examples} examples: it is clipped",
                stacklevel=5,
            )
        return min(int(self.batch_size), examples)

    def _checked_parameters(self) -> list[int]:
        """Check them, and return the sizes of the hidden layers.

        Raises:
            ValueError: one of them cannot be.
        """
        choices = {
            "activation": tuple(_ACTIVATIONS),
            "solver": ("lbfgs", "sgd", "adam"),
            "learning_rate": ("constant", "invscaling", "adaptive"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise _wrong(self, name, f"one of {', '.join(map(repr, allowed))}")
        for name in ("alpha", "tol", "power_t"):
            if not _is_real(getattr(self, name)) or getattr(self, name) < 0:
                raise _wrong(self, name, "a number of at least 0")
        for name in ("learning_rate_init", "epsilon"):
            if not _is_real(getattr(self, name)) or not getattr(self, name) > 0:
                raise _wrong(self, name, "a positive number")
        for name in ("max_iter", "max_fun"):
            if not _is_count(getattr(self, name)):
                raise _wrong(self, name, "a whole number of at least 1")
        if not (self.batch_size == "auto" or _is_count(self.batch_size)):
            raise _wrong(self, "batch_size", "'auto', or a whole number of at least 1")
        patience: Any = self.n_iter_no_change
        if not (patience == np.inf or _is_count(patience)):
            raise _wrong(self, "n_iter_no_change", "a whole number of at least 1, or np.inf")
        for name in ("momentum", "beta_1", "beta_2", "validation_fraction"):
            value = getattr(self, name)
            if not (_is_real(value) and 0 <= value <= 1) or (value == 1 and name != "momentum"):
                raise _wrong(self, name, "a number from 0 to 1")
        given = self.hidden_layer_sizes
        sizes = list(given) if np.iterable(given) else [given]
        if not all(map(_is_count, sizes)):
            raise _wrong(self, "hidden_layer_sizes", "whole numbers > 0")
        return [int(size) for size in sizes]


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral) and int(value) >= 1


def _wrong(estimator: Any, name: str, wanted: str) -> ValueError:
    kind = type(estimator).__name__
    return ValueError(f"{kind}({name}={getattr(estimator, name)!r}): it has to be {wanted}")
