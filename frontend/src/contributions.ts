// What a backward line of the code adds, from what flows along the wires of its stage.

import type { Line } from "./data";
import { type Held, sum } from "./model";
import { data, model } from "./state";

/** What a line adds to a gradient; null where the page does not know. */
export function contributionOf(line: Line): Held | null {
  const { vertex, of } = line;
  if (vertex === null || vertex === undefined || of === null || of === undefined) return null;
  const twins = data.lines.filter((l) => l.backward && l.vertex === vertex && l.of === of);
  if (twins.length !== 1) return null;
  const { group } = data.vertices[vertex]!;
  if (group === null) return null;
  const parts: Held[] = [];
  for (const gate of data.groups[group]!.vertices) {
    for (const lead of data.vertices[gate]!.leads) {
      if (lead.source !== of) continue;
      const part = model.contribution(gate, lead);
      if (part !== null) parts.push(part);
    }
  }
  return sum(parts);
}

/** The local gradient of a stage of numbers by one of its variables: over all ways through it. */
export function localOf(line: Line): number | null {
  const { vertex, of } = line;
  if (vertex === null || vertex === undefined || of === null || of === undefined) return null;
  const { group } = data.vertices[vertex]!;
  if (group === null) return null;
  const slopes = new Map<number, number>([[vertex, 1]]);
  for (const gate of [...data.groups[group]!.vertices].reverse()) {
    const upstream = slopes.get(gate);
    if (upstream === undefined) continue;
    for (const lead of data.vertices[gate]!.leads) {
      const local = model.held(lead.local);
      if (local === null) continue;
      slopes.set(lead.source, (slopes.get(lead.source) ?? 0) + local.numbers[0]! * upstream);
    }
  }
  return slopes.get(of) ?? null;
}
