"""Logistic regression: one linear layer, and the exact minimum."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule import nn, optim
from chainrule.interop.sklearn.objective import Weighted, value_and_gradient

__all__ = ["LogisticRegression"]


class LogisticRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression, as scikit-learn's with the solver ``"lbfgs"``.

    ``C`` times the sum over examples of the cross-entropy, plus half the squares of the weights, is
    minimised: of two classes with one row of weights, of more with one for each class (softmax).

    Args:
        penalty: ``"l2"``, or None.
        C: how much the examples count against the penalty.
        tol: it ends where no entry of the gradient of the mean is larger.
        fit_intercept: whether there are biases.
        class_weight: how much each class counts: a dict, ``"balanced"`` (all the same), or None.
        random_state: not needed: nothing is drawn.
        solver: ``"lbfgs"``.
        max_iter: the most steps.
        verbose: print how the search has ended.
        warm_start: begin with the parameters of the fit before.

    Attributes:
        classes_: the classes, sorted.
        coef_: weights, (1, features) of two classes, otherwise (classes, features).
        intercept_: biases, (1,) or (classes,).
        n_iter_: steps, (1,).
        n_features_in_: columns of the table.
        feature_names_in_: their names, if it had strings for names.

    >>> from sklearn.datasets import load_iris
    >>> x, y = load_iris(return_X_y=True)
    >>> LogisticRegression(max_iter=1000).fit(x, y).score(x, y) > 0.95
    True
    """

    def __init__(
        self,
        penalty: str | None = "l2",
        *,
        C: float = 1.0,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the minimum.

        Args:
            X: (examples, features), dense or sparse (which is made dense).
            y: the class of each example.
            sample_weight: how much each example counts; all the same if None.

        Raises:
            ValueError: a parameter or the data are not what they should be.
        """
        self._check_parameters()
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=(np.float64, np.float32), order="C"
        )
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "This solver needs samples of at least 2 classes in the data, but the data "
                f"contains only one class: {self.classes_[0]!r}"
            )
        weights = _check_sample_weight(sample_weight, X, dtype=X.dtype)
        if self.class_weight is not None:
            by_class = compute_class_weight(
                self.class_weight, classes=self.classes_, y=y, sample_weight=weights
            )
            weights = weights * by_class[labels].astype(X.dtype)
        is_binary = len(self.classes_) == 2
        targets = labels.reshape(-1, 1).astype(X.dtype) if is_binary else labels
        is_penalised = self.penalty is not None and np.isfinite(self.C)
        objective = Weighted(
            "logistic" if is_binary else "softmax", 1 / float(self.C) if is_penalised else 0.0
        )
        found = optim.lbfgs(
            objective,
            self._first(X.shape[1], 1 if is_binary else len(self.classes_), X.dtype),
            X if isinstance(X, np.ndarray) else X.toarray(),
            targets,
            weights,
            steps=self.max_iter,
            tolerance=self.tol,
            value_and_gradient=value_and_gradient(objective),
        )
        (layer,) = found.params.layers
        self.coef_ = np.ascontiguousarray(layer.weight.T)
        rows = len(self.coef_)
        self.intercept_ = np.zeros(rows, X.dtype) if layer.bias is None else layer.bias
        self.n_iter_ = np.array([found.steps], np.int32)
        if self.verbose:
            print(f"{found.steps} steps to a loss of {found.value:.8f}: {found.message}")
        if not found.converged:
            warnings.warn(
                f"lbfgs has not converged after {found.steps} steps ({found.message}): raise "
                "max_iter, or scale the columns of the table",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def decision_function(self, X: Any) -> Any:
        """Return the logits: (examples,) of two classes, otherwise (examples, classes)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        scores = X @ self.coef_.T + self.intercept_
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> Any:
        """Return the most likely class of each row."""
        scores = self.decision_function(X)
        which = (scores > 0).astype(int) if scores.ndim == 1 else np.argmax(scores, axis=1)
        return self.classes_[which]

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class for each row: (examples, classes)."""
        scores = self.decision_function(X)
        if scores.ndim > 1:
            return nn.softmax(scores)
        return np.stack([nn.sigmoid(-scores), nn.sigmoid(scores)], axis=1)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of `predict_proba`, exact where they are tiny."""
        scores = self.decision_function(X)
        if scores.ndim > 1:
            return nn.log_softmax(scores)
        return -np.stack([np.logaddexp(scores, 0), np.logaddexp(-scores, 0)], axis=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _first(self, features: int, outputs: int, dtype: Any) -> nn.Sequential:
        """Return the model to begin with."""
        weight, bias = np.zeros((features, outputs), dtype), np.zeros(outputs, dtype)
        before = getattr(self, "coef_", None) if self.warm_start else None
        if before is not None and before.shape == (outputs, features):
            weight, bias = before.T.astype(dtype), self.intercept_.astype(dtype)
        layer = nn.Linear(features, outputs, rng=0, weight=lambda *_: np.ascontiguousarray(weight))
        return nn.Sequential(layer.replace(bias=bias if self.fit_intercept else None))

    def _check_parameters(self) -> None:
        if self.penalty not in ("l2", None):
            raise ValueError(
                f"LogisticRegression(penalty={self.penalty!r}): it has to be 'l2' or None; "
                "scikit-learn's own has 'l1' and 'elasticnet'"
            )
        if self.solver != "lbfgs":
            raise ValueError(f"LogisticRegression(solver={self.solver!r}): it has to be 'lbfgs'")
        if not self.C > 0:
            raise ValueError(f"LogisticRegression(C={self.C!r}): it has to be positive")
        if not self.tol > 0:
            raise ValueError(f"LogisticRegression(tol={self.tol!r}): it has to be positive")
        if self.max_iter < 0:
            raise ValueError(f"LogisticRegression(max_iter={self.max_iter!r}): at least 0 steps")
