"""Estimators with scikit-learn's parameters, attributes and behaviour, trained by chainrule.

>>> from sklearn.datasets import load_iris
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> x, y = load_iris(return_X_y=True)
>>> model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
>>> model.score(x, y) > 0.95
True

To be read in this order: objective (what is minimised), pace (how fast), patience (how long),
network (what both multi-layer perceptrons share), mlp, logistic.
"""

try:
    import sklearn  # noqa: F401  # to say what is missing, and how to get it
except ImportError:
    raise ImportError(
        "chainrule.interop.sklearn needs scikit-learn: pip install 'chainrule[sklearn]'"
    ) from None

from chainrule.interop.sklearn.logistic import LogisticRegression
from chainrule.interop.sklearn.mlp import MLPClassifier, MLPRegressor

__all__ = ["LogisticRegression", "MLPClassifier", "MLPRegressor"]
