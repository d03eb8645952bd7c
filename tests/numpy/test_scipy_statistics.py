"""scipy.stats: values are SciPy's, derivatives are right, for every distribution of the table."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.stats import norm

import chainrule as cr
from chainrule.numpy.scipy.discrete import DISCRETE
from chainrule.numpy.scipy.distributions import CONTINUOUS
from tests.programs.functions import check_function, drawn

INSIDE = drawn(3, low=0.15, high=0.85)
#: Shapes of each distribution, and numbers inside of its support: those above where left out.
SHAPES = {
    "t": (3.5,),
    "skewnorm": (1.5,),
    "johnsonsu": (0.5, 1.5),
    "gennorm": (2.5,),
    "vonmises": (1.5,),
    "truncnorm": (-1.0, 2.0),
    "genextreme": (0.4,),
    "gamma": (2.5,),
    "invgamma": (2.5,),
    "chi2": (3.5,),
    "chi": (2.5,),
    "f": (3.5, 4.5),
    "lognorm": (0.8,),
    "weibull_min": (1.7,),
    "invgauss": (1.3,),
    "fisk": (2.3,),
    "lomax": (1.8,),
    "gompertz": (0.7,),
    "betaprime": (1.5, 2.5),
    "genpareto": (0.3,),
    "pareto": (1.5,),
    "beta": (1.5, 2.5),
    "powerlaw": (1.7,),
    "loguniform": (0.1, 3.0),
    "genlogistic": (1.4,),
    "loggamma": (1.6,),
    "invweibull": (1.9,),
    "nakagami": (1.3,),
    "burr12": (1.7, 0.8),
}
NUMBERS = {"pareto": INSIDE + 1}
#: Parameters by which a distribution function has no derivative, and what has none at all.
WITHOUT = {"skewnorm"}
DENSITY_ALONE = {"gennorm", "vonmises"}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_densities(name):
    distribution, shapes = getattr(stats, name), SHAPES.get(name, ())
    x, count = NUMBERS.get(name, INSIDE), len(shapes)

    def f(x, loc, scale, *shapes):
        return distribution.logpdf(x, *shapes, loc=loc, scale=scale)

    check_function(f, (x * 1.3 + 0.1, 0.1, 1.3, *shapes), compiled=count < 2, single=None)
    np.testing.assert_allclose(
        cr.vjp(lambda x: distribution.pdf(x, *shapes), x)[0], distribution.pdf(x, *shapes)
    )


@pytest.mark.parametrize("method", ["cdf", "sf", "logcdf", "logsf"])
@pytest.mark.parametrize("name", sorted(CONTINUOUS.keys() - DENSITY_ALONE))
def test_distribution_functions(name, method):
    f, shapes = getattr(getattr(stats, name), method), SHAPES.get(name, ())
    x = NUMBERS.get(name, INSIDE)
    if name in WITHOUT:
        given, g = (x, 0.1, 1.3), lambda x, loc, scale: f(x, *shapes, loc, scale)
    else:
        given, g = (x, 0.1, 1.3, *shapes), lambda x, loc, scale, *s: f(x, *s, loc, scale)
    x, loc, scale, *rest = given
    check_function(g, (x * scale + loc, loc, scale, *rest), compiled=False, single=None)


@pytest.mark.parametrize(
    "name", sorted(name for name, family in CONTINUOUS.items() if family.inverse is not None)
)
def test_quantiles(name):
    distribution, shapes = getattr(stats, name), SHAPES.get(name, ())
    check_function(
        lambda q, loc, scale: distribution.ppf(q, *shapes, loc, scale),
        (INSIDE, 0.1, 1.3),
        compiled=False,
        single=None,
    )
    check_function(lambda q: distribution.isf(q, *shapes), (INSIDE,), compiled=False, single=None)


COUNTS = {
    "bernoulli": (np.array([0, 1, 1]), 0.3),
    "binom": (np.array([0, 2, 5]), 5.0, 0.3),
    "betabinom": (np.array([0, 2, 5]), 5.0, 1.5, 2.5),
    "poisson": (np.array([0, 2, 5]), 2.3),
    "geom": (np.array([1, 2, 5]), 0.3),
    "nbinom": (np.array([0, 2, 5]), 3.0, 0.3),
    "logser": (np.array([1, 2, 5]), 0.3),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_probabilities(name):
    k, *parameters = COUNTS[name]
    distribution = getattr(stats, name)
    whole = {"binom", "betabinom"} & {name}  # n is a count: no derivative by it is asked for
    fixed, free = (parameters[:1], parameters[1:]) if whole else ([], parameters)
    for method in ("logpmf", "pmf"):
        check_function(
            lambda *p, method=method: getattr(distribution, method)(k, *fixed, *p),
            tuple(free),
            single=None,
        )
    np.testing.assert_allclose(
        cr.vjp(lambda p: distribution.logpmf(k - 3, *parameters[:-1], p), parameters[-1])[0],
        distribution.logpmf(k - 3, *parameters),
    )


@pytest.mark.parametrize("name", ["bernoulli", "binom", "poisson", "geom", "nbinom"])
@pytest.mark.parametrize("method", ["cdf", "sf", "logcdf"])
def test_sums_of_probabilities(name, method):
    k, *fixed, p = COUNTS[name]
    if fixed:
        fixed = [int(fixed[0])]
    f = getattr(getattr(stats, name), method)
    k = k[:2]
    check_function(lambda p: f(k, *fixed, p), (p,), compiled=False, single=None)


# As users call them.

X = drawn(5, seed=7)


SAMPLES = {
    "moment": lambda x: stats.moment(x, 3, axis=1, keepdims=True),
    "moment_center": lambda x: stats.moment(x, 2, center=0.3),
    "skew": lambda x: stats.skew(x, axis=1, bias=False),
    "kurtosis": lambda x: stats.kurtosis(x, axis=None, bias=False),
    "sem": lambda x: stats.sem(x),
    "variation": lambda x: stats.variation(x + 3, axis=1, ddof=1),
    "zscore": lambda x: stats.zscore(x, axis=None, ddof=1),
    "zmap": lambda x: stats.zmap(x[0], x[1]),
    "gmean": lambda x: stats.gmean(np.exp(x), axis=1, weights=[1.0, 2.0, 0.5, 1.0]),
    "hmean": lambda x: stats.hmean(np.exp(x), keepdims=True),
    "boxcox": lambda x: stats.boxcox(np.exp(x[0]), 0.5),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(name):
    check_function(SAMPLES[name], (drawn(3, 4),), single=None)


def fit(theta):
    return -np.sum(norm.logpdf(X, theta[0], np.exp(theta[1])))


def test_a_likelihood_staged_and_compiled():
    theta = np.array([0.2, -0.3])
    z = (X - theta[0]) / np.exp(theta[1])
    expected = [-np.sum(z) / np.exp(theta[1]), len(X) - np.sum(z * z)]
    np.testing.assert_allclose(cr.grad(fit)(theta), expected)
    np.testing.assert_allclose(cr.stage(fit, theta)(theta)[1][0], expected)
    fast = cr.compile(cr.grad(fit))
    for _ in range(2):
        np.testing.assert_allclose(fast(theta), expected)


def test_a_frozen_distribution():
    def f(loc, scale):
        frozen = norm(loc, scale=scale)
        return np.sum(frozen.logpdf(X)) + frozen.cdf(0.5) + stats.expon().sf(scale)

    check_function(f, (0.3, 1.2), single=None)


def test_what_is_not_differentiated_is_scipys_own():
    def f(x):
        assert norm.fit(X)[0] == pytest.approx(np.mean(X))
        assert stats.gamma(2.0).mean() == 2.0
        return norm.logpdf(x) + norm.logpdf(0.5) + norm.rvs(random_state=0)

    assert cr.grad(f)(0.7) == -0.7


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: stats.gamma.logpdf(x, 2.0), np.array([-1.0, 0.5, np.nan])),
        (lambda x: stats.beta.pdf(x, 2.0, 3.0), np.array([-1.0, 0.5, 1.5])),
        (lambda x: stats.expon.cdf(x, 0.5), np.array([0.2, 0.7])),
        (lambda x: stats.uniform.logcdf(x), np.array([-0.1, 0.5, 1.5])),
        (lambda x: stats.uniform.sf(x), np.array([-0.1, 0.5, 1.5])),
        (lambda x: stats.genpareto.logpdf(x, -0.5), np.array([1.0, 2.5])),
        (lambda x: stats.genextreme.cdf(x, 0.5), np.array([1.0, 2.5])),
        (lambda x: stats.truncnorm.pdf(x, -1.0, 1.0), np.array([-2.0, 0.0, 2.0])),
        (lambda x: norm.logpdf(0.5, 0.0, x), np.array([-1.0, 0.0, 2.0])),
        (lambda x: stats.gamma.logpdf(0.5, x), np.array([-1.5, 2.0])),
        (lambda x: norm.ppf(x), np.array([-0.5, 0.5])),
        (lambda x: stats.poisson.logpmf(np.array([-1, 2]), x), np.array([2.0, -1.0])),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_outside_of_the_support_and_wrong_parameters(f, x):
    value, pullback = cr.vjp(f, x)
    np.testing.assert_allclose(value, f(x))
    outside = ~np.isfinite(value) | (value == 0)
    g = pullback(np.ones(x.shape))[0]
    assert np.isfinite(g[~outside]).all()
    assert not np.isinf(g).any()


FLAT = np.diag([1.0, 2.0, 0.0])  # a covariance matrix without an inverse


def test_no_gradient_by_a_singular_covariance_matrix():
    with pytest.raises(cr.errors.UnsupportedError, match="by a covariance matrix that is singular"):
        cr.grad(lambda c: stats.multivariate_normal.logpdf(np.ones(3), None, c, True))(FLAT)
    assert (
        cr.grad(lambda x: stats.multivariate_normal.pdf(x, None, FLAT, True))(np.ones(3)).any() == 0
    )


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (
            lambda x, m, c: stats.multivariate_normal.logpdf(x, m, c @ c.T),
            (drawn(4, 2), drawn(2), drawn(2, 2, seed=1)),
        ),
        (lambda x, m, c: stats.multivariate_normal(m, c).pdf(x), (drawn(3), 0.5, 2.0)),
        (lambda c: stats.multivariate_normal.entropy(np.zeros(2), c @ c.T), (drawn(2, 2, seed=1),)),
        (
            lambda x, m: stats.multivariate_normal.logpdf(x * [1, 1, 0], m * [1, 1, 0], FLAT, True),
            (drawn(4, 3), drawn(3, seed=1)),
        ),
        (
            lambda x, m, c: stats.multivariate_normal.logpdf(x, mean=m, cov=c),
            (drawn(2), drawn(2, seed=1), drawn(2, seed=3) ** 2),
        ),
        (
            lambda x, m, c, df: stats.multivariate_t.logpdf(x, m, c @ c.T, df),
            (drawn(4, 2), drawn(2), drawn(2, 2, seed=1), 3.5),
        ),
        (
            lambda a, b: stats.dirichlet.logpdf(np.array([0.2, 0.3, 0.5]), np.stack([a, b, a * b])),
            (1.5, 2.5),
        ),
        (
            lambda t: stats.multinomial.logpmf([1, 2, 0], 3, np.exp(t) / np.sum(np.exp(t))),
            (drawn(3),),
        ),
    ],
)
def test_distributions_of_vectors(f, args):
    check_function(f, args, single=None, tolerance=1e-5)


def test_parameters_that_a_distribution_has_not():
    with pytest.raises(TypeError, match=r"scipy\.stats\.t takes df, loc, scale"):
        cr.grad(lambda x: stats.t.logpdf(x))(0.5)
    with pytest.raises(cr.errors.UnsupportedError, match=r"scipy\.stats\.vonmises\.cdf"):
        cr.grad(lambda x: stats.vonmises.cdf(x, 2.0))(0.5)
