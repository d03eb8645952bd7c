"""How long training goes on: what happens after each epoch, in scikit-learn's words and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Patience"]


class Patience:
    """A callback of `chainrule.train.fit` that keeps an estimator's records and ends the run.

    It ends where the loss, or the score on validation data, has not become better by ``tol`` for
    more than ``n_iter_no_change`` epochs.

    Args:
        estimator: its ``loss_``, ``loss_curve_``, ``n_iter_``, ``t_`` and the like are written.
        examples: examples in an epoch.
        score: that of a model on validation data, larger if better; None where the loss counts.

    Attributes:
        best: the model with the best score.
        lost: epochs since it last became better.
    """

    def __init__(self, estimator: Any, examples: int, score: Callable[[Any], float] | None) -> None:
        self.best: Any = None
        self.lost = 0
        self._to = estimator
        self._examples = examples
        self._score = score

    def __call__(self, run: Any) -> bool:
        """Enter an epoch; tell whether it was one too many."""
        to = self._to
        to.n_iter_ += 1
        to.t_ += self._examples
        to.loss_ = run.history["loss"][-1]
        to.loss_curve_.append(to.loss_)
        if to.verbose:
            print(f"Iteration {to.n_iter_}, loss = {to.loss_:.8f}")
        if self._score is None:
            self.lost = self.lost + 1 if to.loss_ > to.best_loss_ - to.tol else 0
            to.best_loss_ = min(to.best_loss_, to.loss_)
        else:
            self._validated(run.model, self._score(run.model))
        return bool(self.lost > to.n_iter_no_change)

    def _validated(self, model: Any, score: float) -> None:
        to = self._to
        to.validation_scores_.append(score)
        if to.verbose:
            print(f"Validation score: {score:f}")
        self.lost = self.lost + 1 if score < to.best_validation_score_ + to.tol else 0
        if self.best is None or score > to.best_validation_score_:
            to.best_validation_score_ = score
            self.best = model

    @property
    def reason(self) -> str:
        """Say why the run ended."""
        what = "Training loss" if self._score is None else "Validation score"
        return (
            f"{what} did not improve more than tol={self._to.tol:f} for "
            f"{self._to.n_iter_no_change} consecutive epochs."
        )
