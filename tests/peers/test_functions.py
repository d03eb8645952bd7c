"""NumPy's and SciPy's functions: values, pullbacks and pushforwards beside JAX's and PyTorch's.

A call is written once, for both: ``np`` is NumPy or ``jax.numpy``, ``special``, ``linalg`` and
``stats`` are SciPy's or ``jax.scipy``'s.
"""

import functools

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
import pytest
import scipy.linalg
import scipy.spatial
import scipy.special
import scipy.stats
import torch

import chainrule as cr

jax.config.update("jax_enable_x64", True)

OURS = {
    "np": np,
    "special": scipy.special,
    "linalg": scipy.linalg,
    "stats": scipy.stats,
    "spatial": scipy.spatial,
}
THEIRS = {"np": jnp, "special": jsp.special, "linalg": jsp.linalg, "stats": jsp.stats}

# Intervals that entries are drawn from.
ANY, POSITIVE, OPEN, ABOVE = (-2.0, 2.0), (0.3, 3.0), (-0.9, 0.9), (1.1, 3.0)
UNIT, LARGE = (0.1, 0.9), (3.0, 8.0)

ELEMENTWISE = {
    ANY: """np.sin np.cos np.tan np.arctan np.sinh np.cosh np.tanh np.arcsinh np.exp np.expm1
        np.exp2 np.abs np.square np.negative np.sinc np.deg2rad np.cbrt np.positive np.fabs
        np.rad2deg np.i0 special.expit special.erf special.erfc special.ndtr special.log_ndtr
        special.i0 special.i1 special.i0e special.i1e special.softmax special.log_softmax
        np.floor np.sign np.nan_to_num stats.norm.pdf stats.norm.logpdf stats.norm.cdf
        stats.norm.logcdf
        stats.norm.sf stats.logistic.logpdf stats.logistic.cdf stats.cauchy.logpdf stats.cauchy.cdf
        stats.laplace.logpdf stats.laplace.cdf np.conj np.real np.sum np.mean np.max np.min np.prod
        np.var np.median np.ravel np.transpose np.flip np.cumsum np.cumprod np.linalg.norm
        np.atleast_2d np.squeeze np.ptp special.logsumexp np.nansum np.nanmean np.nanmax""",
    POSITIVE: """np.log np.log2 np.log10 np.log1p np.sqrt np.reciprocal special.gammaln
        special.digamma special.gamma special.entr stats.expon.logpdf stats.expon.logcdf
        special.expi special.exp1""",
    OPEN: "np.arcsin np.arccos np.arctanh special.erfinv",
    ABOVE: "np.arccosh",
    UNIT: "special.logit special.ndtri",
}
SHAPES = ((), (2, 3))

#: Calls of several arguments: the call, the shapes of x, y, z, and where their entries lie.
CALLS = [
    *(
        (f"np.{name}(x, y)", (a, b), where)
        for name, where in {
            "add": ANY,
            "subtract": ANY,
            "multiply": ANY,
            "divide": POSITIVE,
            "power": POSITIVE,
            "maximum": ANY,
            "minimum": ANY,
            "fmax": ANY,
            "fmin": ANY,
            "hypot": POSITIVE,
            "arctan2": POSITIVE,
            "logaddexp": ANY,
            "logaddexp2": ANY,
            "remainder": POSITIVE,
            "fmod": POSITIVE,
            "copysign": ANY,
            "float_power": POSITIVE,
        }.items()
        for a, b in (((), ()), ((3,), (2, 3)), ((2, 1), (1, 3)))
    ),
    *(
        (f"np.{name}(x, axis={axis}, keepdims={keepdims})", ((3, 4),), ANY)
        for name in (
            "sum",
            "mean",
            "max",
            "min",
            "prod",
            "var",
            "std",
            "median",
            "nansum",
            "nanmean",
        )
        for axis, keepdims in ((0, False), (1, True))
    ),
    *((f"np.{name}(x, axis=1)", ((2, 3),), ANY) for name in ("cumsum", "cumprod", "sort", "diff")),
    *(
        (call, shapes, ANY)
        for call, shapes in (
            ("np.dot(x, y)", ((3,), (3,))),
            ("np.dot(x, y)", ((2, 3), (3,))),
            ("x @ y", ((2, 3), (3, 4))),
            ("x @ y", ((5, 2, 3), (3, 4))),
            ("x @ y", ((3,), (5, 3, 4))),
            ("np.vdot(x, y)", ((3,), (3,))),
            ("np.inner(x, y)", ((2, 3), (4, 3))),
            ("np.outer(x, y)", ((2,), (3,))),
            ("np.kron(x, y)", ((2, 2), (3, 2))),
            ("np.cross(x, y)", ((4, 3), (4, 3))),
            ("np.tensordot(x, y, 2)", ((2, 3, 4), (3, 4, 5))),
            ("np.tensordot(x, y, ([0], [1]))", ((3, 2), (4, 3))),
            ("np.einsum('ij,jk->ik', x, y)", ((2, 3), (3, 4))),
            ("np.einsum('ij,ij->', x, y)", ((2, 3), (2, 3))),
            ("np.einsum('bij,bj->bi', x, y)", ((4, 2, 3), (4, 3))),
            ("np.einsum('ii->i', x)", ((3, 3),)),
            ("np.trace(x)", ((3, 4),)),
            ("np.diag(x)", ((3,),)),
            ("np.diag(x)", ((3, 4),)),
            ("np.diagonal(x, 1)", ((3, 4),)),
            ("np.tril(x, 1)", ((3, 4),)),
            ("np.triu(x)", ((3, 4),)),
            ("np.reshape(x, (6,))", ((2, 3),)),
            ("np.swapaxes(x, 0, 2)", ((2, 3, 4),)),
            ("np.moveaxis(x, 0, -1)", ((2, 3, 4),)),
            ("np.expand_dims(x, 1)", ((2, 3),)),
            ("np.broadcast_to(x, (4, 2, 3))", ((2, 3),)),
            ("np.concatenate([x, y], axis=1)", ((2, 3), (2, 4))),
            ("np.stack([x, y], axis=1)", ((2, 3), (2, 3))),
            ("np.vstack([x, y])", ((3,), (2, 3))),
            ("np.hstack([x, y])", ((3,), (4,))),
            ("np.column_stack([x, y])", ((3,), (3, 2))),
            ("np.tile(x, (2, 3))", ((2, 3),)),
            ("np.repeat(x, 3, axis=1)", ((2, 3),)),
            ("np.roll(x, 2, axis=1)", ((2, 5),)),
            ("np.rot90(x)", ((2, 3),)),
            ("np.fliplr(x)", ((2, 3),)),
            ("np.pad(x, 2)", ((2, 3),)),
            ("np.pad(x, ((1, 2), (0, 1)), mode='reflect')", ((3, 4),)),
            ("np.pad(x, 1, mode='edge')", ((3, 4),)),
            ("np.pad(x, 1, mode='wrap')", ((3, 4),)),
            ("np.where(x > y, x, y * 2)", ((2, 3), (2, 3))),
            ("np.clip(x, -0.5, 0.5)", ((2, 3),)),
            ("x[1]", ((3, 4),)),
            ("x[::-1, 1:3]", ((3, 4),)),
            ("x[np.array([0, 2, 0])]", ((3, 4),)),
            ("x[:, None, 1]", ((3, 4),)),
            ("np.take(x, np.array([1, 1, 0]), axis=1)", ((2, 3),)),
            ("np.take_along_axis(x, np.array([[1, 0], [0, 2]]), axis=1)", ((2, 3),)),
            ("np.interp(x, np.array([-3.0, 0.0, 3.0]), y)", ((4,), (3,))),
            ("np.convolve(x, y)", ((5,), (3,))),
            ("np.convolve(x, y, mode='same')", ((5,), (3,))),
            ("np.correlate(x, y)", ((5,), (3,))),
            ("np.cov(x)", ((3, 5),)),
            ("np.corrcoef(x)", ((3, 5),)),
            ("np.average(x, axis=1, weights=np.abs(y))", ((3, 4), (4,))),
            ("np.gradient(x)", ((5,),)),
            ("np.trapezoid(x, y)", ((5,), (5,))),
            ("np.polyval(x, y)", ((4,), (3,))),
            ("np.vander(x)", ((3,),)),
            ("np.ediff1d(x)", ((5,),)),
            ("np.quantile(x, 0.3)", ((7,),)),
            ("np.percentile(x, 40, axis=1)", ((2, 7),)),
            ("np.linalg.norm(x, axis=1)", ((3, 4),)),
            ("np.linalg.norm(x, 1)", ((4,),)),
            ("np.linalg.norm(x, 3)", ((4,),)),
            ("np.linalg.norm(x, 'fro')", ((3, 4),)),
            ("np.linalg.norm(x, 'nuc')", ((3, 4),)),
            ("special.logsumexp(x, axis=1)", ((3, 4),)),
            ("special.logsumexp(x, axis=1, b=np.abs(y))", ((3, 4), (3, 4))),
            ("special.softmax(x, axis=0)", ((3, 4),)),
            ("np.fft.fft(x)", ((6,),)),
            ("np.fft.ifft(x)", ((2, 6),)),
            ("np.fft.rfft(x)", ((6,),)),
            ("np.fft.rfft(x)", ((2, 5),)),
            ("np.fft.irfft(x)", ((5,),)),
            ("np.fft.fft2(x)", ((3, 4),)),
            ("np.fft.fftshift(x)", ((5,),)),
            ("np.fft.rfftn(x)", ((3, 4),)),
            ("np.fft.hfft(x)", ((4,),)),
            ("np.fft.fft(x, n=8, norm='ortho')", ((6,),)),
            ("np.nancumsum(x)", ((2, 3),)),
            ("np.apply_along_axis(np.sum, 1, x)", ((2, 3),)),
            ("np.select([x > 1, x > 0], [x * 2, x * 3], 0.5)", ((4,),)),
            ("np.unwrap(x)", ((5,),)),
            ("stats.norm.logpdf(x, y, np.abs(z) + 1)", ((3,), (), ())),
            ("stats.norm.cdf(x, y, np.abs(z) + 1)", ((3,), (3,), ())),
            ("stats.t.logpdf(x, 3.0, y, np.abs(z) + 1)", ((3,), (), ())),
            ("stats.multivariate_normal.logpdf(x, y, np.eye(3) + np.outer(z, z))", ((3,),) * 3),
        )
    ),
    *(
        (call, shapes, POSITIVE)
        for call, shapes in (
            ("special.xlogy(x, y)", ((3,), (3,))),
            ("special.xlog1py(x, y)", ((3,), ())),
            ("special.rel_entr(x, y)", ((3,), (3,))),
            ("special.kl_div(x, y)", ((3,), (3,))),
            ("special.betaln(x, y)", ((3,), (3,))),
            ("special.beta(x, y)", ((3,), (3,))),
            ("special.gammainc(2.5, x)", ((3,),)),
            ("special.gammaincc(2.5, x)", ((3,),)),
            ("special.polygamma(1, x)", ((3,),)),
            ("special.zeta(2.5, x)", ((3,),)),
            ("special.betainc(2.0, 1.5, x / 4)", ((3,),)),
            ("stats.gamma.logpdf(x, y)", ((3,), (3,))),
            ("stats.beta.logpdf(x / 4, y, z)", ((3,), (3,), ())),
            ("stats.chi2.logpdf(x, y)", ((3,), ())),
            ("stats.pareto.logpdf(x + 2, y)", ((3,), ())),
            ("stats.expon.logpdf(x, 0, y)", ((3,), ())),
            ("stats.uniform.logpdf(x, 0.0, y + 3)", ((3,), ())),
            ("stats.poisson.logpmf(np.array([0, 2, 5]), x)", ((3,),)),
            ("stats.bernoulli.logpmf(np.array([0, 1, 1]), x / 4)", ((3,),)),
            ("stats.geom.logpmf(np.array([1, 2, 5]), x / 4)", ((3,),)),
            ("stats.nbinom.logpmf(np.array([1, 2, 5]), 3.0, x / 4)", ((3,),)),
            ("stats.binom.logpmf(np.array([1, 2, 5]), 6, x / 4)", ((3,),)),
            ("np.geomspace(x, y, 5)", ((), ())),
            ("np.linspace(x, y, 5)", ((), (3,))),
            ("np.logspace(x, y, 4)", ((), ())),
            ("np.nanprod(x)", ((2, 3),)),
        )
    ),
    # Matrices far from singular: a diagonal is added.
    *(
        (f"{before}{matrix}{after}", (batch + (3, 3), *others), ANY)
        for matrix in ("(x + 6 * np.eye(3))",)
        for batch in ((), (2,))
        for before, after, others in (
            ("np.linalg.inv", "", ()),
            ("np.linalg.det", "", ()),
            ("np.linalg.slogdet", "[1]", ()),
            ("np.linalg.solve(", ", y)", (batch + (3, 2),)),
            ("np.linalg.pinv", "", ()),
            ("np.linalg.matrix_power(", ", 3)", ()),
            ("np.linalg.matrix_power(", ", -2)", ()),
            ("np.linalg.svd(", ", compute_uv=False)", ()),
            ("np.linalg.qr", "[1]", ()),
            ("np.linalg.cond", "", ()),
            ("np.linalg.norm(", ", axis=(-2, -1))", ()),
        )
    ),
    *(
        (call, shapes, ANY)
        for call, shapes in (
            ("np.linalg.cholesky(x @ x.T + 2 * np.eye(3))", ((3, 3),)),
            ("np.linalg.cholesky(np.swapaxes(x, 1, 2) @ x + 2 * np.eye(3))", ((2, 3, 3),)),
            ("np.linalg.eigvalsh(x + x.T)", ((4, 4),)),
            ("np.abs(np.linalg.eigh(x + x.T)[1])", ((4, 4),)),
            ("np.linalg.lstsq(x, y)[0]", ((5, 3), (5,))),
            ("np.linalg.multi_dot([x, y, z])", ((2, 3), (3, 4), (4, 2))),
            ("linalg.solve_triangular(x + 4 * np.eye(3), y, lower=True)", ((3, 3), (3,))),
            ("linalg.solve_triangular(x + 4 * np.eye(3), y, trans=1)", ((3, 3), (3, 2))),
            ("linalg.expm(x)", ((3, 3),)),
            ("linalg.block_diag(x, y)", ((2, 3), (3, 1))),
            ("linalg.toeplitz(x, y)", ((3,), (4,))),
            ("linalg.cho_solve((x + 4 * np.eye(3), True), y)", ((3, 3), (3,))),
            ("linalg.cholesky(x @ x.T + 2 * np.eye(3), lower=True)", ((3, 3),)),
        )
    ),
]
CALLS += [
    (f"{name}(x)", (shape,), w)
    for w, f in ELEMENTWISE.items()
    for name in f.split()
    for shape in SHAPES
]


def both(call, count):
    """Return a call as a function of NumPy's and of JAX's."""
    text = f"lambda {', '.join('xyz'[:count])}: {call}"
    return eval(text, OURS), eval(text, THEIRS)


def drawn(shapes, where):
    rng = np.random.default_rng(len(shapes))
    return [rng.uniform(*where, size=shape)[()] for shape in shapes]


@pytest.mark.parametrize(("call", "shapes", "where"), CALLS)
def test_beside_jax(call, shapes, where):
    f, theirs = both(call, len(shapes))
    args = drawn(shapes, where)
    rng = np.random.default_rng(7)
    tangents = [rng.normal(size=x.shape)[()] for x in args]
    value, pullback = cr.vjp(f, *args)
    upstream = rng.normal(size=np.shape(value))
    if np.asarray(value).dtype.kind == "c":
        upstream = upstream + 1j * rng.normal(size=np.shape(value))
    expected, gradients, pushed = jax.jit(functools.partial(derivatives, theirs))(
        args, tangents, upstream
    )
    np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12)
    for found, known in zip(pullback(upstream), gradients, strict=True):
        np.testing.assert_allclose(found, known, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(cr.jvp(f, args, tangents)[1], pushed, rtol=1e-7, atol=1e-9)


def derivatives(f, args, tangents, upstream):
    value, pullback = jax.vjp(f, *args)
    return value, pullback(upstream), jax.jvp(f, args, tangents)[1]


#: Functions of PyTorch by the calls that they are compared with, and where entries lie.
TORCH = {
    **{
        f"np.{ours}(x)": (getattr(torch, theirs or ours), where)
        for where, names in {
            ANY: "sin cos tan arctan:atan sinh cosh tanh arcsinh:asinh exp expm1 exp2 sinc "
            "abs square",
            POSITIVE: "log log2 log10 log1p sqrt reciprocal",
            OPEN: "arcsin:asin arccos:acos arctanh:atanh",
            ABOVE: "arccosh:acosh",
        }.items()
        for ours, _, theirs in (name.partition(":") for name in names.split())
    },
    **{
        f"special.{name}(x)": (getattr(torch.special, name), where)
        for where, names in {
            ANY: "expit erf erfc ndtr log_ndtr i0 i1 i0e i1e erfcx",
            POSITIVE: "gammaln digamma entr",
            UNIT: "logit ndtri",
            OPEN: "erfinv",
        }.items()
        for name in names.split()
    },
    "np.cumsum(x, axis=1)": (lambda x: torch.cumsum(x, 1), ANY),
    "np.cumprod(x, axis=1)": (lambda x: torch.cumprod(x, 1), ANY),
    "np.sort(x, axis=1)": (lambda x: torch.sort(x, 1).values, ANY),
    "np.linalg.inv(x[:, :3] + 5 * np.eye(3))": (
        lambda x: torch.linalg.inv(x[:, :3] + 5 * torch.eye(3)),
        ANY,
    ),
    "np.linalg.svd(x)[1]": (torch.linalg.svdvals, ANY),
    "np.linalg.pinv(x)": (torch.linalg.pinv, ANY),
    "np.linalg.qr(x.T)[1]": (lambda x: torch.linalg.qr(x.T)[1], ANY),
    "linalg.expm(x[:, :3])": (lambda x: torch.linalg.matrix_exp(x[:, :3]), ANY),
    "special.logsumexp(x, axis=1)": (lambda x: torch.logsumexp(x, 1), ANY),
    "special.softmax(x, axis=1)": (lambda x: torch.softmax(x, 1), ANY),
    "special.log_softmax(x, axis=0)": (lambda x: torch.log_softmax(x, 0), ANY),
    "np.fft.rfft(x).imag": (lambda x: torch.fft.rfft(x).imag, ANY),
    "np.std(x, axis=1, ddof=1)": (lambda x: torch.std(x, 1), ANY),
    "np.diff(x, axis=1)": (lambda x: torch.diff(x, dim=1), ANY),
    "np.prod(x, axis=0)": (lambda x: torch.prod(x, 0), ANY),
    "np.roll(x, 1, axis=1)": (lambda x: torch.roll(x, 1, 1), ANY),
    "np.kron(x, x)": (lambda x: torch.kron(x, x), ANY),
    "np.trapezoid(x, axis=1)": (lambda x: torch.trapezoid(x, dim=1), ANY),
    "spatial.distance.cdist(x, x + 1)": (lambda x: torch.cdist(x, x + 1), ANY),
}


@pytest.mark.parametrize("call", TORCH)
def test_beside_torch(call):
    theirs, where = TORCH[call]
    f = eval(f"lambda x: {call}", OURS)
    (x,) = drawn([(3, 4)], where)
    tensor = torch.tensor(x, requires_grad=True)
    expected = theirs(tensor)
    value, pullback = cr.vjp(f, x)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    upstream = np.random.default_rng(7).normal(size=value.shape)
    expected.backward(torch.tensor(upstream))
    np.testing.assert_allclose(pullback(upstream)[0], tensor.grad, rtol=1e-7, atol=1e-9)
