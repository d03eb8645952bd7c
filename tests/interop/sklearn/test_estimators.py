"""Estimators: scikit-learn's own checks, its numbers, and its tools around them."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.linear_model
import sklearn.neural_network
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from chainrule.interop.sklearn import LogisticRegression, MLPClassifier, MLPRegressor

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = (IRIS - IRIS.mean(axis=0)) / IRIS.std(axis=0)
LENGTHS = IRIS[:, :2] @ [1.0, -0.5] + 0.1 * IRIS[:, 2] ** 2

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fitted(estimator: Any, *args: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(*args, **options)


# What scikit-learn's own leave out: input of the array API, which asks for an environment variable,
# and decision_function of a perceptron, which has none.
SKIPPED = {
    "check_array_api_input",
    "check_classifiers_multilabel_output_format_decision_function",
}


@pytest.mark.parametrize(
    "estimator", [MLPClassifier(max_iter=20), MLPRegressor(max_iter=20), LogisticRegression()]
)
def test_the_checks_of_scikit_learn(estimator: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence; scikit-learn checks that there is one
        results = check_estimator(estimator, on_skip=None)
    assert {r["check_name"] for r in results if r["status"] != "passed"} <= SKIPPED
    assert len(results) > 50


WAYS = [
    {"solver": "adam"},
    {"solver": "sgd", "learning_rate_init": 0.05},
    {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False, "momentum": 0.0},
    {"solver": "lbfgs", "tol": 1e-7, "max_iter": 300, "alpha": 0.1},
]
TARGETS = {
    "classes": (MLPClassifier, sklearn.neural_network.MLPClassifier, SPECIES),
    "two classes": (MLPClassifier, sklearn.neural_network.MLPClassifier, SPECIES > 0),
    "labels": (MLPClassifier, sklearn.neural_network.MLPClassifier, IRIS[:, :3] > 0),
    "numbers": (MLPRegressor, sklearn.neural_network.MLPRegressor, LENGTHS),
}


@pytest.mark.parametrize(("target", "way", "weighted"), [
    ("classes", 0, True), ("classes", 1, False), ("classes", 3, False), ("two classes", 0, False),
    ("two classes", 2, True), ("labels", 1, True), ("numbers", 1, False), ("numbers", 3, True),
])  # fmt: skip
def test_whole_batches_give_the_numbers_of_scikit_learn(
    target: str, way: int, weighted: bool
) -> None:
    ours, theirs, y = TARGETS[target]
    activation = {"numbers": "relu", "labels": "logistic"}
    options = {
        "hidden_layer_sizes": (5, 4),
        "activation": activation.get(target, "tanh"),
        "max_iter": 25,
        "random_state": 3,
        **WAYS[way],
    }
    weights = {"sample_weight": np.linspace(0.5, 2.0, len(y))} if weighted else {}
    ours, theirs = fitted(ours(**options), IRIS, y, **weights), theirs(**options)
    fitted(theirs, IRIS, y, **weights)
    if options["solver"] == "lbfgs":  # it goes another way to the same minimum
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=0.02, abs=1e-3)
        return
    # Of Adam scikit-learn adds epsilon before the correction, which tells where gradients are tiny.
    rtol = 1e-3 if options["solver"] == "adam" else 1e-9
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol, atol=rtol / 10)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol)
    np.testing.assert_allclose(ours.predict(IRIS), theirs.predict(IRIS), rtol, atol=rtol / 10)
    if target != "numbers":
        found, expected = ours.predict_proba(IRIS), theirs.predict_proba(IRIS)
        np.testing.assert_allclose(found, expected, rtol, atol=rtol / 10)
    assert (ours.n_iter_, ours.t_, ours.n_layers_) == (theirs.n_iter_, theirs.t_, theirs.n_layers_)


@pytest.mark.parametrize("y", [SPECIES, SPECIES > 1], ids=["three", "two"])
@pytest.mark.parametrize(
    "options",
    [{}, {"C": 0.1, "fit_intercept": False}, {"class_weight": "balanced"}],
    ids=["defaults", "strong", "balanced"],
)
def test_logistic_regression_finds_the_minimum(y: Any, options: dict[str, Any]) -> None:
    options = {"tol": 1e-8, "max_iter": 1000, **options}
    x, weights = IRIS[40:], np.linspace(0.5, 2.0, 110)
    ours = LogisticRegression(**options).fit(x, y[40:], weights)
    theirs = sklearn.linear_model.LogisticRegression(**options).fit(x, y[40:], weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours.predict_log_proba(x), theirs.predict_log_proba(x), rtol=1e-3)
    again = clone(ours).set_params(warm_start=True)
    again.coef_, again.intercept_ = ours.coef_, ours.intercept_
    assert again.fit(x, y[40:], weights).n_iter_[0] <= 1


def test_digits_with_the_defaults() -> None:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order] / 16, y[order]
    classifier = fitted(MLPClassifier(random_state=0), x[:1437], y[:1437])
    assert classifier.score(x[1437:], y[1437:]) >= 0.97
    assert classifier.loss_curve_[-1] < 0.05


def test_a_grid_in_other_processes_of_a_table_with_names() -> None:
    table = pd.DataFrame(IRIS, columns=["a", "b", "c", "d"])
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier(8, max_iter=30, learning_rate_init=0.05, random_state=0)
    )
    grid = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1e-2]}, cv=2, n_jobs=2)
    names = np.array(["x", "y", "z"])[SPECIES]
    fitted(grid, table, names)
    assert grid.best_score_ > 0.85
    assert list(grid.best_estimator_.feature_names_in_) == list(table.columns)
    assert set(grid.predict(table)) == {"x", "y", "z"}
    again = pickle.loads(pickle.dumps(grid.best_estimator_))
    np.testing.assert_array_equal(again.predict_proba(table), grid.predict_proba(table))


def test_sparse_tables_give_what_dense_ones_give() -> None:
    x = np.where(IRIS > 0.3, IRIS, 0.0)
    for make in (scipy.sparse.csr_array, scipy.sparse.csc_matrix):
        a = fitted(MLPClassifier(4, max_iter=5, batch_size=40, random_state=0), x, SPECIES)
        b = fitted(MLPClassifier(4, max_iter=5, batch_size=40, random_state=0), make(x), SPECIES)
        np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=1e-12)
        np.testing.assert_allclose(a.predict_proba(x), b.predict_proba(make(x)), rtol=1e-12)


def test_training_goes_on() -> None:
    options = {"hidden_layer_sizes": 5, "max_iter": 3, "random_state": 0, "learning_rate_init": 0.1}
    parts = MLPClassifier(**options)
    for _ in range(30):
        parts.partial_fit(IRIS, SPECIES, classes=[0, 1, 2])
    assert parts.t_ == 30 * 150
    assert parts.score(IRIS, SPECIES) > 0.9
    warm = fitted(MLPClassifier(**options, warm_start=True), IRIS, SPECIES)
    first = warm.loss_
    assert fitted(warm, IRIS, SPECIES).loss_ < first
    with pytest.raises(ValueError, match="same classes"):
        warm.fit(IRIS[:100], SPECIES[:100])
    with pytest.raises(ValueError, match="classes must be passed"):
        MLPClassifier().partial_fit(IRIS, SPECIES)
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
    regressor = MLPRegressor(**options)
    for _ in range(60):
        regressor.partial_fit(IRIS, LENGTHS)
    assert regressor.score(IRIS, LENGTHS) > 0.8


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_early_stopping_ends_with_the_best(kind: Any) -> None:
    y = SPECIES if kind is MLPClassifier else LENGTHS
    estimator = kind(
        hidden_layer_sizes=8,
        early_stopping=True,
        random_state=0,
        learning_rate_init=0.1,
        n_iter_no_change=4,
    )
    fitted(estimator, IRIS, y)
    scores = estimator.validation_scores_
    assert estimator.best_validation_score_ == max(scores)
    assert len(scores) == estimator.n_iter_ < 200
    with pytest.raises(ValueError, match="partial_fit does not support"):
        estimator.partial_fit(IRIS, y)
    with pytest.raises(ValueError, match="validation set is too small"):
        kind(early_stopping=True, validation_fraction=0.01).fit(IRIS[:50], y[50:100])


def test_an_adaptive_rate_falls(capsys: pytest.CaptureFixture[str]) -> None:
    estimator = MLPRegressor(
        hidden_layer_sizes=4,
        solver="sgd",
        learning_rate="adaptive",
        learning_rate_init=0.2,
        n_iter_no_change=1,
        max_iter=400,
        random_state=0,
        verbose=True,
        tol=1e-3,
    )
    fitted(estimator, IRIS, LENGTHS)
    printed = capsys.readouterr().out
    assert "Setting learning rate to 0.04" in printed
    assert printed.rstrip().endswith("Stopping.")
    assert estimator.n_iter_ == len(estimator.loss_curve_) == printed.count("Iteration")


def test_counts_and_several_numbers() -> None:
    counts = np.random.default_rng(0).poisson(np.exp(IRIS[:, 0]))
    poisson = MLPRegressor("poisson", (6,), solver="lbfgs", random_state=0, alpha=0.01)
    fitted(poisson, IRIS, counts)
    assert (poisson.predict(IRIS) > 0).all()
    assert np.corrcoef(poisson.predict(IRIS), np.exp(IRIS[:, 0]))[0, 1] > 0.9
    with pytest.raises(ValueError, match="negative"):
        poisson.fit(IRIS, -counts)
    several = MLPRegressor(hidden_layer_sizes=6, solver="lbfgs", random_state=0, max_iter=500)
    assert fitted(several, IRIS, IRIS[:, :2]).predict(IRIS).shape == (150, 2)
    assert several.score(IRIS, IRIS[:, :2]) > 0.99


@pytest.mark.parametrize(
    "options",
    [
        {"hidden_layer_sizes": (3, 0)},
        {"activation": "gelu"},
        {"solver": "newton"},
        {"alpha": -1},
        {"batch_size": 0},
        {"learning_rate_init": 0},
        {"beta_1": 1.0},
        {"max_iter": 2.5},
        {"n_iter_no_change": 0},
    ],
    ids=str,
)
def test_wrong_parameters_are_named(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=rf"MLPClassifier\({name}="):
        MLPClassifier(**options).fit(IRIS, SPECIES)


@pytest.mark.parametrize(
    "options", [{"penalty": "l1"}, {"solver": "saga"}, {"C": 0}, {"tol": 0}, {"max_iter": -1}]
)
def test_wrong_parameters_of_logistic_regression(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=rf"LogisticRegression\({name}="):
        LogisticRegression(**options).fit(IRIS, SPECIES)


def test_without_scikit_learn_the_extra_is_named() -> None:
    code = "import sys; sys.modules['sklearn'] = None\nimport chainrule.interop.sklearn"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr.splitlines()[-1] == (
        "ImportError: chainrule.interop.sklearn needs scikit-learn: "
        "pip install 'chainrule[sklearn]'"
    )
