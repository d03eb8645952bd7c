"""SciPy's Python functions run as user code does: right derivatives, or the error that says why."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import linalg, optimize, signal, special, stats

import chainrule as cr
from chainrule.errors import ChainruleError
from tests.programs.functions import check_function, drawn

UNEVEN = 0.05 * np.sin(np.arange(7) ** 2)  # no two distances are equal
V, W = drawn(7, low=0.2, high=2.0) + UNEVEN, drawn(7, low=0.2, high=1.9, seed=3) - UNEVEN
M = drawn(4, 3)
POSITIVE = np.exp(M)

CASES = {
    "pearsonr": (lambda x, y: np.stack(stats.pearsonr(x, y)), V, W),
    "pearsonr_axis": (lambda x: stats.pearsonr(x, x[:1] ** 2, axis=1).statistic, M),
    "linregress": (lambda x, y: np.stack(stats.linregress(x, y)), V, W),
    "ttest_ind": (lambda x, y: np.stack(stats.ttest_ind(x, y)), V, W[:5]),
    "ttest_rel": (lambda x, y: stats.ttest_rel(x, y).statistic, M, POSITIVE),
    "ttest_1samp": (lambda x: stats.ttest_1samp(x, 0.3, axis=1).pvalue, M),
    "f_oneway": (lambda x, y: stats.f_oneway(x, y, x[:4] * y[:4]).statistic, V, W),
    "bartlett": (lambda x, y: stats.bartlett(x, y).statistic, V, W),
    "jarque_bera": (lambda x: stats.jarque_bera(x).statistic, V),
    "chisquare": (lambda x: np.stack(stats.chisquare(x, np.full(7, np.sum(x) / 7))), V),
    "entropy": (lambda p, q: stats.entropy(p, q, base=2), V, W),
    "differential_entropy": (lambda x: stats.differential_entropy(x), V),
    "iqr": (lambda x: stats.iqr(x, axis=0, rng=(20, 70)), M),
    "trim_mean": (lambda x: stats.trim_mean(x, 0.2), V),
    "tmean": (lambda x: stats.tmean(x, (0.3, 1.8)), V),
    "gstd": (lambda x: stats.gstd(x), POSITIVE),
    "pmean": (lambda x: stats.pmean(x, 2.5), V),
    "describe": (lambda x: stats.describe(x, axis=1).variance, M),
    "kstat": (lambda x: stats.kstat(x, 3), V),
    "lmoment": (lambda x: stats.lmoment(x), V),
    "circstd": (lambda x: stats.circstd(x), V),
    "wasserstein": (lambda x, y: stats.wasserstein_distance(x, y), V, W),
    "energy": (lambda x, y: stats.energy_distance(x, y), V, W),
    "yeojohnson": (lambda x: stats.yeojohnson(x, 0.4), V),
    "gzscore": (lambda x: stats.gzscore(x), POSITIVE),
    "quantile": (lambda x: stats.quantile(x, [0.2, 0.7], method="median_unbiased"), V),
    "sawtooth": (lambda x: signal.sawtooth(x, 0.4), V),
    "freqz": (lambda b, a: np.abs(signal.freqz(b, a, 5)[1]), V[:3], W[:3] + 2),
    "gausspulse": (lambda t: signal.gausspulse(t, 2), V),
    "procrustes": (lambda a, b: linalg.orthogonal_procrustes(a, b)[0], M, POSITIVE),
    "diric": (lambda x: special.diric(x, 4), V),
    "rosen_hess": (lambda x: optimize.rosen_hess(x), V),
}


@pytest.mark.parametrize("name", CASES)
def test_a_function_of_scipys_in_python(name):
    f, *args = CASES[name]
    compiled = name in {"linregress", "entropy", "freqz"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_function(f, tuple(args), order=1, compiled=compiled, single=None)


def test_every_statistic_has_a_right_derivative_or_says_what_is_missing():
    passed_over = {"multiscale_graphcorr", "bootstrap", "permutation_test", "monte_carlo_test"}
    calls = [lambda f, x: f(x[:7]), lambda f, x: f(x[:7], x[7:]), lambda f, x: f(x.reshape(7, 2))]
    along, x = np.cos(np.arange(14) + 0.5), np.concatenate([V, W])
    right, wrong = set(), []
    for name in sorted(set(stats.__all__) - passed_over):
        f = getattr(stats, name)
        if isinstance(f, type) or not hasattr(f, "__code__"):
            continue
        for call in calls:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                found = compared(lambda x, call=call, f=f: number(call(f, x)), x, along)
            if found is True:
                right.add(name)
            elif found:
                wrong.append(f"{name}: {found}")
    assert not wrong, "\n".join(wrong)
    assert len(right) > 60


def number(result):
    """Return one number of a result: of the first array of floats in it."""
    parts = result if isinstance(result, tuple) else [result]
    floats = [x for x in parts if np.asarray(x).dtype.kind == "f"]
    return np.sum(floats[0] * np.cos(np.arange(np.size(floats[0]))).reshape(np.shape(floats[0])))


def compared(f, x, along):
    """Return True for a right derivative, None where there is none to compare, or what is wrong."""
    try:
        slopes = [(f(x + h * along) - f(x - h * along)) / (2 * h) for h in (1e-6, 2e-6)]
    except Exception:
        return None
    if not np.isfinite(slopes).all() or abs(slopes[0] - slopes[1]) > 1e-5 * (1 + abs(slopes[0])):
        return None
    try:
        found = cr.grad(f)(x) @ along
    except ChainruleError as error:
        return None if "test_own_code.py" in str(error) else f"names no line: {error}"
    close = np.isclose(found, slopes[0], rtol=1e-4, atol=1e-5)
    return True if close else f"{found}, not {slopes[0]}"


def test_an_error_of_scipys_is_the_users_to_see():
    with pytest.raises(ValueError, match="must be broadcastable"):
        cr.grad(lambda x: stats.pearsonr(x, V[:3])[0])(V)
