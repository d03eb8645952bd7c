// Forwards and backwards through a circuit, one gate or closed stage at a time.

import type { Data, Lead } from "./data";
import { type Held, type Model, sum } from "./model";

/** A wire by which a gradient flows back: into which gate, and which lead of it. */
export interface Path {
  gate: number;
  lead: Lead;
}

export interface Step {
  forward: boolean;
  /** The gate, or the result of a closed stage. */
  vertex: number;
  /** The group, where the stage is closed. */
  closed: number | null;
  /** Backwards: whose gradient is added to, and by which wires. */
  source: number | null;
  paths: Path[];
  /** Backwards: whether it is the first that flows there. */
  first: boolean;
}

/** List the steps: all gates forwards, then backwards, wire by wire. */
export function stepsOf(data: Data, closed: ReadonlySet<number>): Step[] {
  const units = unitsOf(data, closed);
  const steps: Step[] = units.map(({ vertex, group }) => ({
    forward: true,
    vertex,
    closed: group,
    source: null,
    paths: [],
    first: false,
  }));
  const met = new Set<number>();
  for (const { vertex, group, members } of [...units].reverse()) {
    const inside = new Set(members);
    const bySource = new Map<number, Path[]>();
    for (const gate of [...members].reverse()) {
      for (const lead of data.vertices[gate]!.leads) {
        if (inside.has(lead.source) && group !== null) continue;
        if (lead.local === undefined && lead.part === undefined) continue;
        const known = bySource.get(lead.source);
        if (known === undefined) bySource.set(lead.source, [{ gate, lead }]);
        else known.push({ gate, lead });
      }
    }
    for (const [source, paths] of bySource) {
      const separate = group === null ? paths.map((path) => [path]) : [paths];
      for (const some of separate) {
        const first = !met.has(source);
        met.add(source);
        steps.push({ forward: false, vertex, closed: group, source, paths: some, first });
      }
    }
  }
  return steps;
}

interface Unit {
  vertex: number;
  group: number | null;
  members: number[];
}

function unitsOf(data: Data, closed: ReadonlySet<number>): Unit[] {
  const units: Unit[] = [];
  data.vertices.forEach((vertex, v) => {
    if (vertex.group === null) return;
    if (!closed.has(vertex.group)) {
      units.push({ vertex: v, group: null, members: [v] });
      return;
    }
    const { vertices } = data.groups[vertex.group]!;
    if (vertices.at(-1) === v) units.push({ vertex: v, group: vertex.group, members: vertices });
  });
  return units;
}

/** What a step adds to the gradient of its source. */
export function added(model: Model, step: Step): Held | null {
  const parts = step.paths.map((path) => model.contribution(path.gate, path.lead));
  return sum(parts.filter((part) => part !== null));
}

/** The gradients as they are after a step: what has flowed to each vertex so far. */
export function gradientsAt(model: Model, steps: readonly Step[], at: number): Map<number, Held> {
  const found = new Map<number, Held>();
  const output = model.data.vertices.length - 1;
  const first = steps.findIndex((step) => !step.forward);
  if (first < 0 || at < first) return found;
  const seed = model.gradient(output);
  if (seed !== null) found.set(output, seed);
  for (const step of steps.slice(first, at + 1)) {
    const more = added(model, step);
    if (step.source === null || more === null) continue;
    const before = found.get(step.source);
    found.set(
      step.source,
      before === undefined || step.first ? more : (sum([before, more]) ?? more),
    );
  }
  return found;
}
