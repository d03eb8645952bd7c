"""What is the matter with the data: features, labels, and whether they belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.diagnose.findings import Finding
from chainrule.diagnose.probe import Subject

__all__ = [
    "class_numbers",
    "features",
    "labels",
    "relation",
    "relations",
    "unused_features",
    "used",
]

_FAR = 10.0  # RMS of features from which on they are unscaled
_APART = 100.0  # largest to smallest deviation of features
_RARE = 0.05  # smallest class to the mean of all
_UNUSED = 0.2  # share of the features: borders are left out by windows that do not fit
_MOST_ROWS = 600  # examples that relations are looked for in
_SHUFFLES = 19
_TOLD = 2.7  # deviations from chance, of the best of three ways
_LEARNT = 4.0  # and of the best of eight moments of training


def features(x: Any) -> list[Finding]:
    """Look at inputs: (examples, ...) of floats."""
    x = np.asarray(x)
    if x.dtype.kind != "f" or x.ndim < 2 or len(x) < 2:
        return []
    # Channels of images and sequences have their entries in common; tables have columns.
    table = x.ndim == 2
    columns = x.reshape(len(x), -1).astype(np.float64)
    deviation = columns.std(axis=0)
    size = np.sqrt((columns**2).mean(axis=0))
    constant = deviation <= 1e-12 * np.maximum(size, 1e-300)
    found = _constant(columns, constant)
    varying = ~constant
    if not varying.any():
        return found
    whole = float(np.sqrt((columns[:, varying] ** 2).mean()))
    spread = deviation[varying]
    apart = float(spread.max() / np.median(spread))
    shift = np.abs(columns.mean(axis=0)[varying]) / spread
    far = float(shift.max())
    reasons = []
    if whole > _FAR or whole < 1 / _APART:
        reasons.append(f"their RMS is {whole:.3g}")
    if table and apart > _APART:
        reasons.append(f"their deviations differ by a factor of {apart:.3g}")
    if table and far > _APART:
        reasons.append(f"a mean is {far:.3g} times the deviation")
    if reasons:
        worst = int(np.argmax(np.where(varying, size, 0)))
        found.append(
            Finding(
                "unscaled features",
                "warning",
                "",
                f"the features are not scaled: {', '.join(reasons)}; the largest is feature "
                f"{worst}, with mean {columns[:, worst].mean():.3g} and deviation "
                f"{deviation[worst]:.3g}",
                (
                    "subtract the mean and divide by the deviation of the training data",
                    "nn.BatchNorm as the first layer",
                ),
                evidence={"rms": whole, "apart": apart, "feature": worst},
            )
        )
    return found


def _constant(columns: Any, constant: Any) -> list[Finding]:
    if not constant.any():
        return []
    share = float(constant.mean())
    value = columns[0, constant]
    # As the dark corners of images: there is nothing, or the least or the most that there is, and
    # other features have it, too, in some examples.
    edge = columns.min() if value[0] < 0 else columns.max()
    shared = bool((columns[:, ~constant] == edge).any())
    background = not value.any() or (shared and (value == edge).all())
    harmless = share < 0.5 and bool(background)
    return [
        Finding(
            "constant features",
            "note" if harmless else "warning",
            "",
            f"{int(constant.sum())} of {constant.size} features are the same in every example, "
            f"the first is feature {int(np.argmax(constant))}, always {value[0]:.3g}: they say "
            "nothing",
            ("leave them out", "look whether they were read or scaled wrongly"),
            evidence={"constant": int(constant.sum()), "features": int(constant.size)},
        )
    ]


def class_numbers(y: Any) -> Any:
    """Return the number of each example's class, of a column for each; anything else as it is."""
    if y.ndim == 2 and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all():
        return y.argmax(axis=1)
    return y


def labels(y: Any) -> list[Finding]:
    """Look at classes: integers, (examples,), a column of zeros and ones, or a column for each."""
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    y = class_numbers(y)
    if y.ndim != 1 or len(y) < 20:
        return []
    classes, counts = np.unique(y, return_counts=True)
    if y.dtype.kind not in "iu" and not (y.dtype.kind in "bf" and set(classes) == {0, 1}):
        return []
    if len(classes) < 2:
        return [
            Finding(
                "unbalanced labels",
                "error",
                "",
                f"every label is {classes[0]}: there is nothing to tell apart",
                ("look whether the data are sorted by class, and only a part was read",),
                evidence={"classes": 1},
            )
        ]
    rare = int(np.argmin(counts))
    share = float(counts[rare] / counts.sum())
    if counts[rare] / counts.mean() < 2 * _RARE or counts.max() / counts.sum() > 0.9:
        return [
            Finding(
                "unbalanced labels",
                "warning",
                "",
                f"class {classes[rare]} has {counts[rare]} of {counts.sum()} examples "
                f"({share:.1%}), class {classes[int(np.argmax(counts))]} has {counts.max()}: "
                f"who always guesses that is right in {counts.max() / counts.sum():.0%}",
                (
                    "weight the loss by class, or draw rare classes more often",
                    "measure something other than accuracy: the recall of each class",
                ),
                evidence={"share": share, "largest": float(counts.max() / counts.sum())},
            )
        ]
    return []


def relation(x: Any, y: Any) -> float:
    """Return how much better y is told from x than from shuffled x, in deviations of these.

    Told by neighbours, by a linear function, and by a linear function of random features: the best
    of the three counts. Two and less is what chance does; 5 and more is a relation.
    """
    rng = np.random.default_rng(0)
    x = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    rows = rng.permutation(len(x))[:_MOST_ROWS]
    x, target = x[rows], _as_targets(np.asarray(y)[rows])
    x = x - x.mean(axis=0)
    x = x / np.maximum(x.std(axis=0), 1e-12)
    x = x[:, np.abs(x).max(axis=0) > 0]
    if x.shape[1] == 0 or len(x) < 40:
        return np.inf
    hidden = np.tanh(x @ rng.normal(size=(x.shape[1], 200)) / np.sqrt(x.shape[1]) * 2)
    hats = [_neighbours(x), _ridge(x), _ridge(hidden)]
    scores = np.array([_told(hat, target) for hat in hats])
    chance = np.array(
        [
            [_told(hat, target[rng.permutation(len(target))]) for hat in hats]
            for _ in range(_SHUFFLES)
        ]
    )
    return float(np.max((scores - chance.mean(axis=0)) / (chance.std(axis=0) + 1e-6)))


def _as_targets(y: Any) -> Any:
    """Return columns of mean 0: classes one by one."""
    if y.dtype.kind in "iub" and len(np.unique(y)) <= 100:
        y = (y.reshape(len(y), -1)[:, :1] == np.unique(y)[None, :]).astype(float)
    y = y.reshape(len(y), -1).astype(np.float64)
    return y - y.mean(axis=0)


def _neighbours(x: Any) -> Any:
    """Return the matrix that takes the mean of the five nearest others."""
    squares = (x**2).sum(axis=1)
    distance = squares[:, None] + squares[None, :] - 2 * x @ x.T
    np.fill_diagonal(distance, np.inf)
    nearest = np.argpartition(distance, 5, axis=1)[:, :5]
    hat = np.zeros((len(x), len(x)))
    np.put_along_axis(hat, nearest, 1 / 5, axis=1)
    return hat


def _ridge(x: Any) -> Any:
    """Return the matrix that predicts each example by ridge regression on all others."""
    gram = x @ x.T
    penalty = 0.1 * np.trace(gram) / len(x)
    hat = gram @ np.linalg.inv(gram + penalty * np.eye(len(x)))
    own = np.diagonal(hat)
    hat = hat / (1 - own)[:, None]  # the residual without an example is r / (1 - h)
    np.fill_diagonal(hat, 0.0)
    return hat


def _told(hat: Any, target: Any) -> float:
    """Return the correlation of what is predicted with what is."""
    predicted = hat @ target
    return float(
        (predicted * target).sum() / np.sqrt((predicted**2).sum() * (target**2).sum() + 1e-300)
    )


def relations(x: Any, y: Any, learnt: Callable[[], float]) -> list[Finding]:
    """Look whether y can be told from x at all, and whether it can be from the row beside it.

    Args:
        x: inputs.
        y: targets.
        learnt: how well the model itself does on examples that it has not seen, in deviations of
            what it does with shuffled targets.
    """
    score = relation(x, y)
    if score > _TOLD:
        return []
    shifted = {shift: relation(x, np.roll(np.asarray(y), shift, axis=0)) for shift in (-1, 1)}
    shift, best = max(shifted.items(), key=lambda pair: pair[1])
    evidence = {"score": score, "shifted": best}
    if best > 6 and best > 2 * score:
        beside = "before" if shift > 0 else "after"
        return [
            Finding(
                "unrelated labels",
                "error",
                "",
                "the labels do not belong to the inputs of their rows, but to those of the rows "
                f"{beside} them",
                ("look where one of the two was shifted, or lost its first row",),
                evidence=evidence,
            )
        ]
    if learnt() > _LEARNT:
        return []
    return [
        Finding(
            "unrelated labels",
            "warning",
            "",
            "neither neighbours, nor linear functions, nor the model itself can tell the labels of "
            f"examples that they have not seen (score {score:.1f}, chance is up to 3)",
            (
                "look whether one of the two was shuffled or sorted without the other",
                "look at some examples with their labels",
            ),
            evidence=evidence,
        )
    ]


def used(subject: Subject, batch: Sequence[Any]) -> list[Finding]:
    """Look whether the loss changes when the rows of one array are exchanged.

    Of a model with other weights: that its own are zero, or its units dead, is another thing.
    """
    found = []
    subject = replace(subject, model=_redrawn(subject.model))
    value = subject.value(batch)
    for k, x in enumerate(batch):
        x = np.asarray(x)
        rolled = np.roll(x, 1, axis=0)
        if len(x) < 4 or np.array_equal(rolled, x):
            continue
        others = [*batch[:k], rolled, *batch[k + 1 :]]
        if len(batch) == 1:
            continue
        if subject.value(others) == value and not _matters(subject, batch, k):
            found.append(
                Finding(
                    "data not used",
                    "error",
                    f"data[{k}]",
                    f"the loss is the same, {value:.6g}, when the rows of data[{k}] are exchanged: "
                    "it has no part in it",
                    ("look which variable the loss reads in place of it",),
                    evidence={"array": k, "loss": value},
                )
            )
    return found


def _standard(x: Any) -> Any:
    """Return floats with mean 0 and variance 1, anything else as it is."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        return x
    return ((x - x.mean()) / max(float(x.std()), 1e-300)).astype(x.dtype)


def _scaled(batch: Sequence[Any]) -> list[Any]:
    """Return a batch with scaled inputs; what comes last are targets, which a loss may check."""
    return [*map(_standard, batch[:-1]), batch[-1]]


def _matters(subject: Subject, batch: Sequence[Any], k: int) -> bool:
    """Tell whether an array matters of which rows can be exchanged.

    Targets do even where all predictions are the same; and inputs whose size puts every unit where
    it is flat.
    """
    for arrays in (list(batch), _scaled(batch)):
        x = arrays[k]
        changed = [np.roll(x, 1, axis=0), np.broadcast_to(x[:1], x.shape).copy()]
        values = [subject.value([*arrays[:k], y, *arrays[k + 1 :]]) for y in (x, *changed)]
        if np.isfinite(values).all() and len(set(values)) > 1:
            return True
    return False


def unused_features(
    subject: Subject, batch: Sequence[Any], slopes: Callable[[Any, Sequence[Any]], Any]
) -> list[Finding]:
    """Look for features that vary, and by which the gradient of the loss is 0 in every example.

    Of a model with other weights, as in `used`.

    Args:
        subject: the model and its loss.
        batch: inputs, and what else the loss takes.
        slopes: ``(model, batch) -> gradient`` of the loss by the inputs.
    """
    x = np.asarray(batch[0])
    if x.dtype.kind != "f" or x.ndim < 2 or len(x) < 4:
        return []
    silent = (x.reshape(len(x), -1) != x[:1].reshape(1, -1)).any(axis=0)
    model = _redrawn(subject.model)
    for arrays in (batch, _scaled(batch)):
        found = np.asarray(slopes(model, arrays)).reshape(len(x), -1)
        silent &= ~found.any(axis=0)
        least = _UNUSED if x.ndim > 2 else 0.0  # of a table each column has its own meaning
        if not np.isfinite(found).all() or silent.mean() <= least or silent.all():
            return []
    columns = x.reshape(len(x), -1).copy()
    columns[:, silent] = np.roll(columns[:, silent], 1, axis=0)
    subject = replace(subject, model=model)
    if subject.value([columns.reshape(x.shape), *batch[1:]]) != subject.value(batch):
        return []  # read without a slope: by a comparison, or as a number of a class
    return [
        Finding(
            "data not used",
            "warning",
            "data[0]",
            f"{int(silent.sum())} of {silent.size} features have no part in the loss, though they "
            f"vary: its gradient by them is 0 in every example, the first is feature "
            f"{int(np.argmax(silent))}",
            ("look what is cut off, or multiplied with 0, in front of the first layer",),
            evidence={"unused": int(silent.sum()), "features": int(silent.size)},
        )
    ]


def _redrawn(model: Any) -> Any:
    """Return a model with weights drawn anew, of a size that signals keep theirs."""
    rng = np.random.default_rng(0)

    def drawn(p: Any) -> Any:
        p = np.asarray(p)
        if p.dtype.kind != "f":
            return p
        fan = max(p.size // p.shape[-1 if p.ndim == 2 else 0], 1) if p.ndim >= 2 else 100
        return (rng.normal(size=p.shape) / np.sqrt(fan)).astype(p.dtype)

    return trees.map_leaves(drawn, model)
