// What the reader has chosen: stages, steps, language, what is looked at.

import { computed, effect, signal } from "@preact/signals";
import type { Data, Program } from "./data";
import { type Layout, laidOut } from "./layout";
import { Model } from "./model";
import { gradientsAt, type Step, stepsOf } from "./steps";
import { type Language, words } from "./words";

declare global {
  interface Window {
    chainruleProgram: Program | null;
  }
}

export const data: Data = JSON.parse(document.getElementById("data")!.textContent!);
export const model = new Model(data, window.chainruleProgram);

// Where the browser keeps nothing, as for a file in some, everything works for as long as it is open.
export function stored(key: string): string | null {
  try {
    return localStorage.getItem(`chainrule.${key}`);
  } catch {
    return null;
  }
}

export function store(key: string, value: string): void {
  try {
    localStorage.setItem(`chainrule.${key}`, value);
  } catch {
    // nothing is kept
  }
}

const MOST_GATES = 60; // up to which stages are open at first

// A choice holds for pages that begin in the same language: one made to speak another does so.
const LANGUAGE = `language.${data.language}`;
export const language = signal<Language>(
  (stored(LANGUAGE) as Language | null) ?? (data.language === "ru" ? "ru" : "en"),
);

export function speak(chosen: Language): void {
  language.value = chosen;
  store(LANGUAGE, chosen);
}

export const theme = signal<"light" | "dark">(
  (stored("theme") as "light" | "dark" | null) ??
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"),
);
const gates = data.vertices.filter((v) => v.group !== null).length;
/** Loops: each is one box, whose turns are listed beside the circuit. */
export const loops = data.groups.flatMap((group, g) => (group.loop ? [g] : []));
export const closed = signal<ReadonlySet<number>>(
  new Set(gates > MOST_GATES ? data.groups.keys() : loops),
);
/** The number of the step; null where the whole is shown. */
export const step = signal<number | null>(null);
export const playing = signal(false);
/** What the pointer or the focus is on. */
export const hovered = signal<number | null>(null);
/** What is looked at in detail. */
export const selected = signal<number | null>(null);
export const practising = signal(data.practise !== null);

/** Whether arrays are drawn as maps in the circuit. */
export const mapped = signal(gates <= MOST_GATES);
/** The operation that raised an error; null where none did. */
export const failed = data.error === null ? null : data.vertices.length - 1;

export const text = computed(() => words[language.value]);
function shapeOf(v: number): readonly number[] {
  const held = model.value(v);
  return (held?.whole ?? held)?.shape ?? [];
}

export function isArray(v: number): boolean {
  return shapeOf(v).length > 0;
}
export const hasArrays = data.vertices.some((_, v) => isArray(v));
export const layout = computed<Layout>(() => laidOut(data, closed.value, shapeOf, mapped.value));
/** Whether the circuit is so wide that it stands above the code rather than beside it. */
export const isWide = computed(() => layout.value.width > 1.5 * layout.value.height + 300);
export const steps = computed<Step[]>(() => stepsOf(data, closed.value));
export const current = computed<Step | null>(() =>
  step.value === null ? null : (steps.value[step.value] ?? null),
);
/** The gradients so far, while one steps. */
export const soFar = computed(() => {
  model.version.value;
  return step.value === null ? null : gradientsAt(model, steps.value, step.value);
});
/** The vertices that the forward pass has come to, while one steps. */
export const reached = computed<ReadonlySet<number> | null>(() => {
  if (step.value === null) return null;
  const found = new Set<number>();
  data.vertices.forEach((vertex, v) => {
    if (vertex.group === null) found.add(v);
  });
  for (const one of steps.value.slice(0, step.value + 1)) {
    if (!one.forward) break;
    if (one.closed === null) found.add(one.vertex);
    else for (const v of data.groups[one.closed]!.vertices) found.add(v);
  }
  return found;
});

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});
effect(() => {
  document.documentElement.lang = language.value;
});

export function toggle(group: number): void {
  const next = new Set(closed.value);
  if (!next.delete(group)) next.add(group);
  step.value = null;
  closed.value = next;
}

export function goTo(at: number | null): void {
  const last = steps.value.length - 1;
  step.value = at === null || at < 0 ? null : Math.min(at, last);
}

export function move(by: 1 | -1): void {
  if (step.value === null) goTo(by > 0 ? 0 : steps.value.length - 1);
  else goTo(step.value + by);
}

/** What a vertex is called: its variable, or what its gate does. */
export function nameOf(v: number): string {
  const vertex = data.vertices[v]!;
  if (vertex.group === null) return vertex.label;
  const group = data.groups[vertex.group]!;
  return group.vertices.at(-1) === v && group.name ? group.name : vertex.label;
}

/** Whether a vertex is a variable of the code. */
export function isNamed(v: number): boolean {
  const { group } = data.vertices[v]!;
  return (
    group === null || (data.groups[group]!.vertices.at(-1) === v && data.groups[group]!.name !== "")
  );
}

export function closeOrOpenAll(): void {
  const named = data.groups.flatMap((group, g) => (group.name !== "" ? [g] : []));
  closed.value = new Set(areClosed() ? loops : named);
}

/** Whether stages are closed that can be opened. */
export function areClosed(): boolean {
  return closed.value.size > loops.length;
}
