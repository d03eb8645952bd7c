// What goes wrong at the inputs as they are now: as `chainrule.explain.findings` tells it.

import { computed } from "@preact/signals";
import type { Activation } from "./data";
import { norm, precise } from "./format";
import { type Held, isNumber } from "./model";
import { data, isNamed, model, nameOf, text } from "./state";

export interface Alarm {
  vertex: number | null;
  message: string;
}

/** What is the matter now. */
export const warnings = computed<Alarm[]>(() => {
  model.version.value;
  const broken = notFinite();
  return [...activations(), ...broken, ...zeros(), ...(broken.length === 0 ? vanishing() : [])];
});

/** The vertices at which something is the matter. */
export const alarms = computed<ReadonlySet<number>>(
  () => new Set(warnings.value.flatMap((alarm) => (alarm.vertex === null ? [] : [alarm.vertex]))),
);

function slope(activation: Activation, x: number): number {
  if (activation.kind === "relu") return x <= 0 ? 0 : 1;
  const scaled = activation.scale * x;
  return 1 - Math.tanh(activation.kind === "sigmoid" ? scaled / 2 : scaled) ** 2;
}

function activations(): Alarm[] {
  const found: Alarm[] = [];
  for (const activation of data.activations) {
    const source = model.held(activation.source);
    if (source === null || source.numbers.length === 0) continue;
    const message =
      activation.kind === "relu" ? silent(activation, source) : saturated(activation, source);
    if (message !== null) found.push({ vertex: activation.vertex, message });
  }
  return found;
}

function saturated(activation: Activation, source: Held): string | null {
  const w = text.value;
  const { flat, many } = data.limits;
  const kind = activation.kind === "sigmoid" ? w.sigmoid : "tanh";
  const slopes = Array.from(source.numbers, (x) => slope(activation, x));
  const share = slopes.filter((s) => s < flat).length / slopes.length;
  if (isNumber(source)) {
    if (share === 0) return null;
    const value = activation.vertex === null ? null : model.value(activation.vertex);
    const shown = precise(value?.numbers[0] ?? source.numbers[0]!);
    return w.saturated(kind, activation.name, shown, percent(slopes[0]!));
  }
  return share < many ? null : w.saturatedUnits(kind, activation.name, percent(share));
}

function silent(activation: Activation, source: Held): string | null {
  const w = text.value;
  if (isNumber(source)) {
    const x = source.numbers[0]!;
    return x <= 0 ? w.silent(activation.name, precise(x)) : null;
  }
  const units = source.shape.at(-1)!;
  const rows = source.numbers.length / units;
  let dead = 0;
  for (let unit = 0; unit < units; unit++) {
    let off = true;
    for (let row = 0; row < rows && off; row++) off = source.numbers[row * units + unit]! <= 0;
    if (off) dead++;
  }
  // On one row a silent unit says nothing yet, unless all of them are.
  if (dead === 0 || (rows === 1 && dead < units)) return null;
  return w.silentUnits(activation.name, dead, units);
}

function zeros(): Alarm[] {
  const found: Alarm[] = [];
  for (const input of data.inputs) {
    if (!input.wanted || input.vertex === null) continue;
    const gradient = model.gradient(input.vertex);
    if (gradient?.numbers.every((x) => x === 0)) {
      found.push({ vertex: input.vertex, message: text.value.zero(input.name) });
    }
  }
  return found;
}

function notFinite(): Alarm[] {
  const w = text.value;
  const what = (held: Held | null): string | null => {
    if (held === null) return null;
    if (held.numbers.some(Number.isNaN)) return "nan";
    return held.numbers.some((x) => !Number.isFinite(x)) ? "inf" : null;
  };
  for (let v = 0; v < data.vertices.length; v++) {
    const found = what(model.value(v));
    if (found !== null) return [{ vertex: v, message: w.notFinite(nameOf(v), found) }];
  }
  for (let v = data.vertices.length - 1; v >= 0; v--) {
    const found = what(model.gradient(v));
    if (found !== null) return [{ vertex: v, message: w.gradientNotFinite(nameOf(v), found) }];
  }
  return [];
}

/** Compare the gradient's norm at the last variable with that at the first: arrays with arrays. */
function vanishing(): Alarm[] {
  const w = text.value;
  const all = data.vertices.flatMap((vertex, v) =>
    vertex.group !== null && isNamed(v) && vertex.gradient !== null ? [v] : [],
  );
  const arrays = all.filter(
    (v) => !isNumber(model.gradient(v) ?? { numbers: new Float64Array(), shape: [], live: true }),
  );
  const stages = arrays.length > 0 ? arrays : all;
  const first = stages[0];
  const last = stages.at(-1);
  if (first === undefined || last === undefined || first === last) return [];
  const early = norm(model.gradient(first)?.numbers ?? []);
  const late = norm(model.gradient(last)?.numbers ?? []);
  if (!(early > 0 && late > 0 && Number.isFinite(early) && Number.isFinite(late))) return [];
  const ratio = early / late;
  const { ratio: limit } = data.limits;
  if (ratio <= limit && ratio >= 1 / limit) return [];
  const message = (ratio < 1 ? w.vanishing : w.exploding)(
    precise(early),
    nameOf(first),
    precise(late),
    nameOf(last),
  );
  return [{ vertex: first, message }];
}

function percent(share: number): string {
  const x = 100 * share;
  return `${x >= 1 || x === 0 ? x.toFixed(0) : x.toPrecision(2)}%`;
}
