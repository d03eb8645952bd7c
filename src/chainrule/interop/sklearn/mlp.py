"""Multi-layer perceptrons for classes and for numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

from chainrule.interop.sklearn.network import Network

__all__ = ["MLPClassifier", "MLPRegressor"]


class MLPClassifier(ClassifierMixin, Network):  # type: ignore[misc]
    """A multi-layer perceptron that tells classes apart, as scikit-learn's of the same name.

    The mean cross-entropy is minimised, and ``alpha / 2`` times the squares of the weights over the
    number of examples. Several labels at once (y of 0 and 1, a column for each) are learnt, too.

    Args:
        hidden_layer_sizes: units of each hidden layer.
        activation: of the hidden layers: ``"identity"``, ``"logistic"``, ``"tanh"`` or ``"relu"``.
        solver: ``"adam"``, ``"sgd"``, or ``"lbfgs"``, over all examples at once, for small tables.
        alpha: strength of the penalty.
        batch_size: examples in a step; ``"auto"`` is 200, or all if there are fewer.
        learning_rate: of ``"sgd"``: ``"constant"``; ``"invscaling"``, divided by ``power_t`` powers
            of the examples seen; ``"adaptive"``, a fifth of it whenever nothing becomes better.
        learning_rate_init: the rate at first.
        power_t: see ``learning_rate``.
        max_iter: the most epochs, or steps of ``"lbfgs"``.
        shuffle: whether each epoch has an order of its own.
        random_state: a seed or generator, which decides everything that is drawn.
        tol: by how much the loss, or the validation score, has to become better to count; with
            ``"lbfgs"``, no entry of the gradient is larger in the end.
        verbose: print each epoch.
        warm_start: begin with the parameters of the fit before.
        momentum: of ``"sgd"``.
        nesterovs_momentum: whether it is Nesterov's.
        early_stopping: set examples aside, and end with the parameters that were best on them.
        validation_fraction: how many of them.
        beta_1: what ``"adam"`` keeps of the mean of gradients.
        beta_2: what it keeps of the mean of their squares.
        epsilon: what keeps its step finite.
        n_iter_no_change: epochs without becoming better after which it ends.
        max_fun: the most evaluations of the loss by ``"lbfgs"``.

    Attributes:
        classes_: the classes, sorted.
        coefs_: weights, (inputs, outputs) of each layer.
        intercepts_: biases of each layer.
        loss_: the loss of the last epoch.
        loss_curve_: that of each epoch.
        best_loss_: the least of them.
        validation_scores_: accuracies on examples set aside.
        best_validation_score_: the largest of them.
        n_iter_: epochs done.
        t_: examples seen.
        n_features_in_: columns of the table.
        feature_names_in_: their names, if it had strings for names.
        n_layers_: layers, input and output among them.
        n_outputs_: outputs.
        out_activation_: ``"softmax"``, or ``"logistic"`` of two classes or several labels.

    >>> from sklearn.datasets import load_digits
    >>> x, y = load_digits(return_X_y=True)
    >>> classifier = MLPClassifier(random_state=0, max_iter=20, tol=1.0, n_iter_no_change=15)
    >>> classifier.fit(x[:1000] / 16, y[:1000]).score(x[1000:] / 16, y[1000:]) > 0.8
    True
    """

    def predict(self, X: Any) -> Any:
        """Return the most likely class of each row; of several labels, 0 or 1 for each."""
        outputs = self._outputs(X)
        return self._decided(outputs)

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class for each row: (examples, classes)."""
        outputs = self._outputs(X)
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(lambda self: self._is_stochastic())  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch.

        Args:
            X: (examples, features).
            y: their classes.
            sample_weight: how much each example counts.
            classes: all classes that will ever occur; needed in the first call.

        Raises:
            ValueError: the first call names no classes, or a later one others.
        """
        known = getattr(self, "classes_", None)
        if classes is not None:
            classes = unique_labels(classes)
            if known is not None and not np.array_equal(known, classes):
                raise ValueError(f"`classes={classes!r}` is not the same as before: {known!r}")
        elif known is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if known is None:
            is_multilabel = type_of_target(y).startswith("multilabel")
            self._binarizer = LabelBinarizer().fit(y if is_multilabel else classes)
            self.classes_ = self._binarizer.classes_
        return self._fit(X, y, sample_weight, goes_on=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _targets(self, y: Any, is_first: bool, goes_on: bool) -> Any:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or (is_first and not goes_on):
            self._binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._binarizer.classes_
        else:
            self._check_classes(unique_labels(y))
        kind = self._binarizer.y_type_
        is_multiclass = kind == "multiclass" and len(self.classes_) > 2
        self.out_activation_ = "softmax" if is_multiclass else "logistic"
        if is_multiclass:
            self.n_outputs_ = len(self.classes_)
            return np.searchsorted(self.classes_, y)
        targets = self._binarizer.transform(y).astype(np.float64)
        self.n_outputs_ = targets.shape[1]
        return targets

    def _check_classes(self, found: Any) -> None:
        if self.warm_start and set(found) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {found}"
            )
        if len(np.setdiff1d(found, self.classes_)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`: {found}, and those are {self.classes_}"
            )

    def _decided(self, outputs: Any) -> Any:
        if self.out_activation_ == "softmax":
            return self.classes_[np.argmax(outputs, axis=1)]
        return self._binarizer.inverse_transform(
            outputs[:, 0] if outputs.shape[1] == 1 else outputs
        )

    def _score_of(self, outputs: Any, y: Any, sample_weight: Any) -> float:
        decided = self._decided(outputs)
        if self.out_activation_ == "softmax":
            right = self.classes_[y]
        else:
            right = self._binarizer.inverse_transform(y[:, 0] if y.shape[1] == 1 else y)
        return float(accuracy_score(right, decided, sample_weight=sample_weight))


class MLPRegressor(RegressorMixin, Network):  # type: ignore[misc]
    """A multi-layer perceptron that predicts numbers, as scikit-learn's of the same name.

    Args:
        loss: ``"squared_error"``, of which the half is minimised; or ``"poisson"``, half the
            deviance of counts, whose logarithms the network gives.
        hidden_layer_sizes: this one, and all after it, are as in `MLPClassifier`.

    Attributes:
        coefs_: weights, (inputs, outputs) of each layer; the others as in `MLPClassifier`, without
            classes. Validation scores are coefficients of determination.

    >>> x = np.linspace(-2, 2, 100).reshape(-1, 1)
    >>> regressor = MLPRegressor(hidden_layer_sizes=20, solver="lbfgs", random_state=0)
    >>> regressor.fit(x, np.sin(2 * x[:, 0])).score(x, np.sin(2 * x[:, 0])) > 0.99
    True
    """

    def __init__(
        self,
        loss: str = "squared_error",
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
        super().__init__(
            hidden_layer_sizes,
            activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.loss = loss

    def predict(self, X: Any) -> Any:
        """Return a number for each row; or, trained with several, (examples, outputs)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    @available_if(lambda self: self._is_stochastic())  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch; the arguments are those of `fit`."""
        return self._fit(X, y, sample_weight, goes_on=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _targets(self, y: Any, is_first: bool, goes_on: bool) -> Any:
        if self.loss not in ("squared_error", "poisson"):
            raise ValueError(
                f"MLPRegressor(loss={self.loss!r}): it has to be 'squared_error' or 'poisson'"
            )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        targets = y.reshape(len(y), -1).astype(np.float64, copy=False)
        if self.loss == "poisson" and np.any(targets < 0):
            raise ValueError("the loss 'poisson' is one of counts: y has negative values")
        self.out_activation_ = "exp" if self.loss == "poisson" else "identity"
        self.n_outputs_ = targets.shape[1]
        return targets

    def _score_of(self, outputs: Any, y: Any, sample_weight: Any) -> float:
        if not np.isfinite(outputs).all():
            return float("nan")
        return float(r2_score(y, outputs, sample_weight=sample_weight))
