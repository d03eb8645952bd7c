"""What random programs are made of: lines.

Lines have places for operands, ``{0}`` and ``{1}``, and for a name, ``{2}``.
`EXPRESSIONS` are assigned to the name; `STATEMENTS` stand as they are. `HELPERS` is what they call.
"""

from __future__ import annotations

__all__ = ["EXPRESSIONS", "HELPERS", "RETURNED", "STATEMENTS"]

ENTRYWISE = ["np.sin({0})", "-{0}", "{0}**2", "1 / (2 + {0}**2)", "np.tanh({0} * 2)", "{0} / 3",
             "np.exp(-{0}**2)", "np.sqrt(1 + {0}**2)", "abs({0})", "np.maximum({0}, 0.1)",
             "np.clip({0}, -0.5, 0.5)", "np.where({0} > 0.1, {0}, 2 * {0})",
             "{0}.astype(np.float32)", "{0}.astype(float)", "np.float64(0.5) * {0}",
             "np.float32(0.5) * {0}", "{0} * K", "K - {0}", "np.arctan2({0}, 2.0)"]  # fmt: skip
BINARY = ["{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / (1 + {1}**2)", "np.maximum({0}, {1})",
          "np.where({0} > {1}, {0}, 2 * {1})", "np.hypot(1 + {0}, {1})", "helper({0}, {1})",
          "{0} @ {1}", "np.dot({0}, {1})", "np.outer({0}, {1})", "{0}.T @ {1}",
          "np.stack([{0}, {1}])", "np.concatenate([{0}, {1}])", "np.r_[{0}, {1}]",
          "np.array([np.sum({0}), 2.0, np.mean({1})])", "np.hstack([{0}, {1}])",
          "np.concatenate([np.ravel({0}), np.ravel({1})])", "np.full(2, np.sum({0})) * {1}",
          "np.c_[{0}, {1}]", "np.append({0}, {1})"]  # fmt: skip
SHAPES = ["np.squeeze({0})", "{0}[None]", "{0}[..., None]", "{0}.T", "np.transpose({0})",
          "np.reshape({0}, -1)", "np.ravel({0})", "{0}[0]", "{0}[-1]", "{0}[1:]", "{0}[:-1]",
          "{0}[::-1]", "{0}[...]", "{0}[()]", "np.atleast_1d({0})", "np.atleast_2d({0})",
          "np.expand_dims({0}, 0)", "np.expand_dims({0}, -1)", "np.swapaxes({0}, 0, -1)",
          "np.swapaxes({0}, 0, 0)", "np.broadcast_to({0}, (2, 3))", "np.tile({0}, 2)",
          "np.broadcast_to({0}, (2, *np.shape({0})))", "np.repeat({0}, 2)", "{0}[:, 0]",
          "{0}[[0, 0, 1]]", "{0}[{0} > 0]", "np.diag({0})", "{0}.reshape(1, 1)",
          "{0}.reshape(())", "np.flip({0})", "np.roll({0}, 1)", "{0}[:, None]", "{0}[0, 1:]",
          "np.pad({0}, 1)", "np.moveaxis({0}, 0, -1)", "{0}.flatten()"]  # fmt: skip
REDUCTIONS = ["np.sum({0})", "np.mean({0})", "{0}.sum(axis=0)", "np.max({0})", "np.prod({0})",
              "np.sum({0}, axis=0, keepdims=True)", "np.mean({0}, axis=-1, keepdims=True)",
              "np.cumsum({0})", "np.linalg.norm({0})", "np.trace({0})", "np.std({0})",
              "{0}.mean(axis=-1)", "np.squeeze(np.sum({0}, axis=0, keepdims=True))"]  # fmt: skip
CONTAINERS = ["sum([v * 2 for v in {0}])", "np.sum(np.square([np.sum({0}), np.mean({1})]))",
              'dict(u={0}, v={1})["u"]', "[{0}, {1}][1]", "np.array([v**2 for v in {0}])",
              "np.mean(np.abs([np.sum({0}), 3 * np.sum({1})]))",
              "K @ np.array([np.sum({0}), 1.0, np.sum({1})])"]  # fmt: skip
WRITES = ["{2} = {0} * 1.0; {2}[0] = np.sum({1})", "{2} = {0} * 1.0; {2}[1:] = {1}",
          "{2} = np.zeros_like({0}); {2}[0] = np.sum({1})", "{2} = {0} + 0.0; {2}[...] += {1}",
          "{2} = {0} * 2.0; {2}[:1] *= 2", "{2} = np.copy({0}); {2}[0] = 0.0",
          "{2} = np.broadcast_to({0}, (2, 3)).copy(); {2}[0, 0] = 0.5",
          "{2} = np.ones_like({0}) * 0.5; {2}[-1:] -= {1}", "{0} += {1}", "{0} *= 0.5",
          "{0}[...] = {1}", "{0}[{0} > 0.2] *= 0.5", "{0}[0], {0}[-1] = {0}[-1], {0}[0]",
          "{0}[[0, -1]] = {0}[[-1, 0]]", "np.add.at({0}, [0, 0], np.sum({1}))",
          "np.multiply({0}, {1}, out={0})", "np.exp(-({0}**2), out={0})", "np.copyto({0}, {1})",
          "{0}[...].fill(np.sum({1}))", "{0}.sort()", "renewed({0}, {1})", "{0}[{0} < 0] = {1}",
          "{2} = renewed({0} * 1.0, {1})", "np.fill_diagonal({0}, {1})"]  # fmt: skip
VIEWS = ["part = {0}[0]\npart += {1}", "part = {0}.T\npart[...] *= 0.5; {2} = part",
         "part = {0}.reshape(-1)\npart[0] = np.sum({1})", "{2} = {0}[1:]\n{2} -= {1}",
         "part = {0}[::-1]\npart[1:] += part[:-1]", "part = np.ravel({0})\npart *= {1}",
         "for row in {0}:\n    row *= np.cos({1})", "{2} = {0}[..., None]\n{0} *= {1}",
         "{2}, rest = {0}[0], {0}[1:]\nrest += {2}", "{2} = np.swapaxes({0}, 0, -1)\n{2} += 1",
         "parts = np.split({0}, len({0}))\nparts[-1][...] = {1}"]  # fmt: skip
LOOPS = ["for i in range(len({0})):\n    {0}[i] = np.sum({1}) * i + {0}[i - 1]",
         "{2} = np.zeros(np.shape({0}))\nfor i in range(len({0})):\n    {2}[i] = {0}[i] ** 2",
         "{2} = np.empty((2, *np.shape({0})))\n{2}[0] = {0}\n{2}[1] = {2}[0] * {1}",
         "i = 0\nwhile np.sum({0}) > i * 0.3 and i < 4:\n    i += 1\n{2} = {0} * i",
         "if np.sum({0}) > 0.2:\n    {2} = {1} * 1.0\nelse:\n    {2} = {0} - 1.0",
         "total = 0.0\nfor v in np.ravel({0}):\n    total += v * v\n{2} = total",
         "for k, v in enumerate({0}):\n    if k % 2:\n        continue\n    {2} = v * {1}",
         "for v, w in zip({0}, {1}):\n    {2} = v * w\n    if np.sum(v) > 0.3:\n        break",
         "try:\n    {2} = {0}[7]\nexcept IndexError:\n    {2} = {0} * 3",
         "order = np.argsort(np.ravel({0}))\n{2} = np.ravel({0})[order]\norder[0] = order[-1]",
         "places = np.array([0, 0, 1])\n{2} = {0}[places]\nplaces[0] = 1\n{0}[places] = {1}",
         "{2} = filled(3, {0})", "{2} = filled(len({0}), {1}) * {0}"]  # fmt: skip
HELD = ["items = [{0}, {1}]", "items.append({0})", "items[0] = {0}", "{2} = items[-1]",
        "{2} = items.pop()", "{2} = sum(np.sum(item) for item in items)", "items[0][...] = {0}",
        "{2} = np.array([np.mean(item) for item in items])", "items[-1] = items[0] * {0}",
        "{2} = np.concatenate([np.atleast_1d(v) for v in items])", "items.sort(key=np.sum)",
        "{2} = np.stack([{0} * k for k in range(3)])", "{2} = [np.sin(v) for v in {0}][0]",
        "box = dict(a={0}, b={1})", 'box["a"] = {0}', 'box["b"] = box["a"] * 2',
        'box["a"] += {0}', '{2} = box["a"] + np.sum(box["b"])', '{2} = box.get("c", {0})',
        "{2} = sum(np.sum(v) for k, v in box.items())", "box.update(c={0})",
        "box = {{k: v * 2 for k, v in box.items()}}", 'box["b"][0] = np.sum({0})',
        "state = State({0})", "{2} = state.step({1})", "state.h = {0}", "state.h[...] = {0}",
        "{2} = np.sum(state.h) + sum(state.log)", "{2} = state.size * {0}", "state.h += {1}",
        "{2} = (lambda v: v * np.sum({0}))({1})", "{2} = max(np.ravel({0}), key=abs)",
        "def inner(v, w=2.0):\n    return v * {0} + w\n{2} = inner({1}, w={1})",
        "first, *others = {0}\n{2} = first * len(others)", "{2} = sorted(np.ravel({0}))[0]",
        "{2} = np.sum([v * w for v, w in zip(np.ravel({0}), np.ravel({1}))])",
        "{2} = list(map(np.sum, {0}))[0]", "{2} = [*{0}, *{1}][-1]"]  # fmt: skip
CALLS = ["{2} = sum(np.sum(v) for v in spans({0}))", "{2} = power({0}, 3)",
         "{2} = Point({0}, {1}).far", "p = Point(a={0}, b={1})\np.a = p.a * 2\n{2} = p.far",
         "{2} = options({0}, scale={1})", "{2} = options({0}, flip=True, scale=0.5)",
         "{2} = options(*[{0}, {1}])", "{2} = options(**dict(v={0}, scale={1}))",
         "{2} = functools.reduce(np.add, [{0}, {1}, {0}])",
         "total = {0} * 0.0\ndef more(v):\n"
         "    nonlocal total\n    total = total + v\nmore({1})\n{2} = total",
         "{2} = dict(zip('ab', ({0}, {1})))['b']", "{2} = (lambda *vs: vs[-1])({0}, {1})",
         "{2} = [{0}, {1}][int(np.sum({0}) > 0)]", "{2} = {0} if np.all({1} > 0) else {1} * 2",
         "assert np.all(np.isfinite({0}))\n{2} = {0}", "{2} = np.abs({0} + 1j * {1})",
         "z = {0} * np.exp(1j * {1})\n{2} = z.real * z.imag",
         "{2} = np.fft.ifft(np.fft.fft({0})).real",
         "z = np.zeros(3, complex)\nz[0] = {0} * 1j\nz[1:] += {1}\n{2} = np.abs(z)**2",
         "{2} = np.linalg.solve(np.eye(2) * 3 + {0}, {1})",
         "{2} = np.linalg.inv(3 * np.eye(2) + {0})", "{2} = np.einsum('ij,kj->ik', {0}, {1})",
         "{2} = np.tensordot({0}, {1}, 1)", "{2} = np.linalg.det(np.eye(2) * 2 + {0})",
         "{2} = np.vdot({0}, {1})", "{2} = np.inner({0}, {1})",
         "n = len({0})\n{2} = np.arange(n) @ {0}", "{2} = {0}[np.argmax({0})]",
         "keep = {0} > np.mean({0})\n{2} = np.where(keep, {0}, 0.0)\n{0}[keep] = 0.0",
         "{2} = {0}[::-2]\n{2} *= 3", "{2} = {0}[-1:0:-1]", "{0}[::2] = {0}[1::2]",
         "{0}[1:] = {0}[:-1]", "{0}[:] = {0}[::-1]", "{0}[:, [1, 0]] = {0}",
         "{0}[[0, 1], [1, 0]] *= 2", "{0}[None, 0] = {1}", "{0}[..., -1] += {1}",
         "{0}.T[0] = {1}", "{0}.flat[1] = np.sum({1})", "{0}[{0} == np.max({0})] = 0.5",
         "np.put({0}, [0], {1})", "np.subtract({0}, {1}, out={0}, where={0} > 0)",
         "{0}[0] /= 2 + {0}[0] ** 2", "np.add.reduce({0}, axis=0, out={1})",
         "np.clip({0}, -0.1, 0.4, out={0})", "np.negative({0}, {0})",
         "{2} = np.cumsum({0}, axis=0)\n{2}[-1] = 0.0",
         "{2} = np.array({0}, copy=True)\n{2}[0] += {1}", "{2} = np.asarray({0})\n{2}[0] += {1}",
         "{2} = np.concatenate(({0}, {1}))\n{2}[1:3] *= 2",
         "{2} = np.stack(({0}, {0}))\n{2}[0] += {2}[1]",
         "{2} = np.array([{0}, {0}])\n{2}[1] *= 2", "{2} = np.full((2, 2), {0})\n{2}[0, 1] = {1}",
         "{2} = np.diag({0})\n{2} = {2} + 1.0", "{2} = np.tril({0})\n{2}[0] = {1}",
         "{2} = np.meshgrid({0}, {1})[0]", "{2} = np.triu(np.outer({0}, {1}))",
         "{2} = np.histogram(np.arange(3), 2, weights={0})[0]",
         "{2} = np.interp(0.5, np.arange(3), {0})", "{2} = np.bincount([0, 1, 1], weights={0})",
         "{2} = np.gradient({0})", "{2} = np.diff({0})", "{2} = np.convolve({0}, {1})",
         "{2} = np.trapezoid({0})", "{2} = np.median({0})", "{2} = np.percentile({0}, 30)",
         "{2} = np.nan_to_num({0})", "{2} = np.ptp({0})", "{2} = np.linalg.norm({0}, axis=0)",
         "{2} = np.searchsorted(np.sort({0}), 0.1) * {1}", "{2} = math.sin(np.sum({0}))",
         "{2} = math.hypot(np.sum({0}), 2.0)"]  # fmt: skip
RETURNED = ["np.sum({0})", "np.mean({0})", "np.squeeze(np.sum({0}, keepdims=True))",
            "np.sum({0}).reshape(())", "np.sum({0}[None])", "np.sum({0}[1:]) + np.sum({0})",
            "np.sum({0}[:1]) * np.sum({0}[..., None])", "np.sum({0}**2) / np.size({0})",
            "np.sum(items[0])", "np.sum(state.h)",
            "sum(np.sum(v) for v in box.values())"]  # fmt: skip
EXPRESSIONS = [ENTRYWISE, BINARY, SHAPES, SHAPES, REDUCTIONS, CONTAINERS]
STATEMENTS = [WRITES, VIEWS, LOOPS, HELD, HELD, CALLS, CALLS]

HELPERS = {
    "helper": """
def helper(p, q):
    r = p * q
    return r + np.sum(q)
""",
    "renewed": """
def renewed(p, q):
    p[...] = np.sin(p) + np.sum(q)
    return p
""",
    "filled": """
def filled(n, p):
    out = np.zeros(n)
    for i in range(n):
        out[i] = np.sum(p) * i
    return out
""",
    "spans": """
def spans(p):
    for k in range(len(p)):
        yield p[: k + 1] * k
""",
    "power": """
def power(p, n):
    return p if n == 1 else p * power(p, n - 1)
""",
    "options": """
def options(v, scale=2.0, *, flip=False):
    v = v * scale
    return -v if flip else v
""",
    "Point": """
@dataclasses.dataclass
class Point:
    a: object
    b: object = 1.0

    @property
    def far(self):
        return np.sqrt(self.a**2 + self.b**2 + 1)
""",
    "State": """
class State:
    decay = 0.5

    def __init__(self, h):
        self.h = h
        self.log = []

    def step(self, u):
        self.h = self.decay * self.h + np.tanh(u)
        self.log.append(np.sum(self.h))
        return self.h

    @property
    def size(self):
        return np.sum(self.h**2)
""",
}
