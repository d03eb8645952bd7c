// Judging a line that the reader wrote: right, or wrong with the likely cause.

import { contributionOf, localOf } from "./contributions";
import type { Line, Task } from "./data";
import {
  broadcast,
  FormulaError,
  parse,
  same,
  scalar,
  summed,
  type Tensor,
  transposed,
} from "./formula";
import type { Held } from "./model";
import { data, model, text } from "./state";
import type { Cause } from "./words";

export interface Verdict {
  right: boolean;
  message: string;
}

const POINTS = 3; // other inputs at which a line is tried
const TOLERANCE = 1e-6;

/** Judge a line, or its local gradient, at the inputs as they are and at others. */
export function judge(line: Line, task: Task, written: string): Verdict {
  const w = text.value;
  const fail = (message: string): Verdict => ({ right: false, message });
  let cause: Cause | null = null;
  try {
    const statement = parse(written);
    const target = task === "lines" ? line.target : null;
    if (statement.target !== null && statement.target !== target) {
      return fail(w.unknownName(statement.target));
    }
    if (statement.operator !== "" && statement.operator !== line.operator) {
      return fail(statement.operator === "=" ? w.missingPlus : w.notFormula(statement.operator));
    }
    for (const [k, inputs] of points().entries()) {
      const found = model.at(inputs, (): Verdict | null => {
        if (k > 0 && model.otherBranches().length > 0) return null;
        const expected = tensorOf(contributionOf(line));
        if (expected === null) return null;
        const given = statement.value(variables(line));
        if (task === "local") return localVerdict(line, given, expected, k > 0);
        if (equal(given, expected)) return null;
        cause = causeOf(line, given, expected);
        if (cause !== null) return fail(w.causes[cause]);
        if (!same(given.shape, expected.shape)) {
          return fail(w.wrongShape(shapeText(given.shape), shapeText(expected.shape)));
        }
        return fail(k > 0 ? w.wrongElsewhere : w.wrong);
      });
      if (found !== null) return found;
    }
    return { right: true, message: w.right };
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    const { kind, message } = error;
    if (kind === "name") return fail(w.unknownName(message));
    if (kind === "function") return fail(w.unknownFunction(message));
    return fail(kind === "shape" ? w.doesNotFit(message) : w.notFormula(message));
  }
}

/** Judge a local gradient by what it makes of the upstream gradient; null where it is right. */
function localVerdict(line: Line, given: Tensor, part: Tensor, elsewhere: boolean): Verdict | null {
  const w = text.value;
  const fail = (message: string): Verdict => ({ right: false, message });
  const upstream = tensorOf(model.gradient(line.vertex!));
  if (upstream === null) return null;
  const local = part.shape.length === 0 ? localOf(line) : null;
  const expected = local === null ? part : scalar(local);
  const times = (factor: number) =>
    local === null
      ? broadcast((x, y) => (y === 0 ? 0 : factor * x! * y!), given, upstream)
      : broadcast((x) => factor * x!, given);
  if (equal(times(1), expected)) return null;
  if (equal(times(-1), expected)) return fail(w.causes.sign);
  if (equal(times(2), expected)) return fail(w.causes["factor 2"]);
  if (equal(times(0.5), expected)) return fail(w.causes.half);
  if (equal(given, part)) return fail(w.causes.whole);
  if (given.shape.length > 0 && !same(given.shape, part.shape)) {
    return fail(w.wrongShape(shapeText(given.shape), shapeText(part.shape)));
  }
  return fail(elsewhere ? w.wrongElsewhere : w.wrong);
}

function shapeText(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

function tensorOf(held: Held | null): Tensor | null {
  return held === null
    ? null
    : { shape: [...held.shape], numbers: Float64Array.from(held.numbers) };
}

/** What a line can refer to: the variables, and the gradients that are complete before it. */
function variables(until: Line): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  const put = (name: string, held: Held | null) => {
    const tensor = tensorOf(held);
    if (tensor !== null) found.set(name, tensor);
  };
  data.inputs.forEach((input, k) => {
    const numbers = model.inputs[k]!;
    if (numbers.length > 0) put(input.name, { numbers, shape: input.shape, live: true });
  });
  for (const line of data.lines.slice(0, data.lines.indexOf(until))) {
    if (line.vertex === null || line.vertex === undefined) continue;
    if (!line.backward) put(line.name!, model.value(line.vertex));
    else if (line.of !== null && line.of !== undefined && /^\w+$/.test(line.target!)) {
      put(line.target!, model.gradient(line.of));
    }
  }
  put(`d${data.output}`, model.gradient(data.vertices.length - 1));
  found.delete(until.target!);
  return found;
}

/** The inputs as they are, and others near them: the same ones each time. */
function points(): Float64Array[][] {
  let state = 1;
  const random = () => {
    state = (state * 16807) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  };
  const here = model.inputs.map((x) => Float64Array.from(x));
  const others = Array.from({ length: POINTS }, () =>
    here.map((x, k) =>
      data.inputs[k]!.floating ? x.map((v) => v + (0.3 * Math.abs(v) + 0.2) * random()) : x,
    ),
  );
  return [here, ...others];
}

function equal(a: Tensor, b: Tensor): boolean {
  if (!same(a.shape, b.shape)) return false;
  let largest = 0;
  for (const x of b.numbers) if (Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
  return a.numbers.every((x, k) => {
    const y = b.numbers[k]!;
    return (
      Object.is(x, y) ||
      Math.abs(x - y) <= TOLERANCE * largest ||
      (Number.isNaN(x) && Number.isNaN(y))
    );
  });
}

/** Find what turns a wrong line into the right one. */
function causeOf(line: Line, given: Tensor, expected: Tensor): Cause | null {
  const times = (factor: number) => broadcast((x) => factor * x!, given);
  if (equal(times(-1), expected)) return "sign";
  if (equal(times(2), expected)) return "factor 2";
  if (equal(times(0.5), expected)) return "half";
  if (equal(transposed(given), expected)) return "transpose";
  if (given.shape.length > expected.shape.length) {
    const extra = given.shape.length - expected.shape.length;
    if (equal(summed(given, [...Array(extra).keys()]), expected)) return "sum";
    if (given.shape.length === 2 && equal(summed(given, [1]), expected)) return "sum";
  }
  const upstream = tensorOf(model.gradient(line.vertex!));
  if (upstream !== null) {
    if (equal(given, upstream)) return "local";
    try {
      if (
        equal(
          broadcast((x, y) => x! * y!, given, upstream),
          expected,
        )
      )
        return "upstream";
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error; // shapes that do not go together
    }
  }
  const whole = tensorOf(model.gradient(line.of!));
  if (whole !== null && equal(given, whole)) return "previous";
  const group = data.vertices[line.vertex!]!.group;
  for (const gate of data.groups[group!]!.vertices) {
    for (const lead of data.vertices[gate]!.leads) {
      if (lead.source !== line.of) continue;
      const part = tensorOf(model.contribution(gate, lead));
      if (part !== null && equal(given, part)) return "one path";
    }
  }
  return null;
}
