// Which entries an entry is made of, and from which its gradient comes.

import type { Vertex } from "./data";
import { data, model } from "./state";

const NONE: ReadonlySet<number> = new Set();

/** The entries of the operand by a lead of which an entry of a gate's value is made. */
export function fedForward(gate: number, lead: number, entry: number | null): ReadonlySet<number> {
  if (entry === null) return NONE;
  const vertex = data.vertices[gate]!;
  const source = model.value(vertex.leads[lead]!.source);
  const result = model.value(gate);
  if (source === null || result === null || !source.live || !result.live) return NONE;
  const found = new Set<number>();
  for (let k = 0; k < source.numbers.length; k++) {
    if (feeds(vertex, lead, k, entry)) found.add(k);
  }
  return found;
}

/** The entries of a gate's gradient from which that of an entry of its operand comes. */
export function fedBackward(
  source: number,
  gate: number,
  entry: number | null,
): ReadonlySet<number> {
  if (entry === null) return NONE;
  const vertex = data.vertices[gate]!;
  const result = model.value(gate);
  if (result === null) return NONE;
  const found = new Set<number>();
  vertex.leads.forEach((lead, k) => {
    if (lead.source !== source) return;
    for (let j = 0; j < result.numbers.length; j++) if (feeds(vertex, k, entry, j)) found.add(j);
  });
  return found;
}

/** Tell whether an entry of an operand goes into an entry of what a gate makes. */
function feeds(gate: Vertex, lead: number, from: number, to: number): boolean {
  const source = model.value(gate.leads[lead]!.source);
  const value = model.held(gate.value);
  if (source === null || value === null) return false;
  const a = indexOf(from, source.shape);
  const y = indexOf(to, value.shape);
  if (gate.operation === "matmul") return feedsProduct(gate, lead, a, y, source.shape.length);
  if (gate.reduced !== undefined) {
    const kept = a.filter((_, k) => !gate.reduced!.includes(k));
    const own =
      value.shape.length === source.shape.length
        ? y.filter((_, k) => !gate.reduced!.includes(k))
        : y;
    if (!kept.every((k, i) => k === own[i])) return false;
    const picks = gate.operation === "max" || gate.operation === "min";
    return !picks || source.numbers[from] === value.numbers[to];
  }
  if (!gate.entrywise) return false;
  const shift = y.length - a.length;
  return a.every((k, i) => (source.shape[i] === 1 ? true : k === y[i + shift]));
}

function feedsProduct(gate: Vertex, lead: number, a: number[], y: number[], ndim: number): boolean {
  const constantFirst = gate.leads.length === 1 && gate.second === true;
  if (lead === 0 && !constantFirst) return ndim === 1 || a.at(-2) === y.at(-(gate.columns ?? 2));
  return ndim === 1 || a.at(-1) === y.at(-1);
}

function indexOf(flat: number, shape: readonly number[]): number[] {
  const parts: number[] = [];
  let rest = flat;
  for (let k = shape.length - 1; k >= 0; k--) {
    parts.unshift(rest % shape[k]!);
    rest = Math.floor(rest / shape[k]!);
  }
  return parts;
}
