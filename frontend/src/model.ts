// The run of a page: its inputs, and every value and gradient that follows from them.

import { signal } from "@preact/signals";
import { type Data, decoded, type Lead, type Numbers, type Program, type Value } from "./data";
import { norm, shapeText } from "./format";

/** What a value is at the moment. */
export interface Held {
  numbers: Numbers;
  shape: readonly number[];
  /** Whether it follows the inputs; else it is what was recorded. */
  live: boolean;
  /** Of what the numbers are a sample. */
  whole?: Whole;
}

/** An array that is too large to be held: its norm is null where that is not known. */
export interface Whole {
  shape: readonly number[];
  steps: readonly number[];
  norm: number | null;
  mean: number;
  least: number;
  most: number;
}

export class Model {
  readonly data: Data;
  readonly inputs: Numbers[];
  readonly initial: Numbers[];
  /** Counts the runs: who reads it is told of the next one. */
  readonly version = signal(0);
  /** Whether the inputs are other ones than were recorded. */
  readonly moved = signal(false);
  private readonly floating: number[];
  private readonly program: { outputs: Numbers[]; run(): void } | null;
  private readonly recorded: (Held | null)[];

  constructor(data: Data, program: Program | null) {
    this.data = data;
    this.inputs = data.inputs.map((input) =>
      input.data ? decoded(input.data, input.single) : new Float64Array(0),
    );
    this.initial = this.inputs.map((x) => x.slice() as Numbers);
    this.floating = data.inputs.flatMap((input, k) => (input.floating ? [k] : []));
    const constants = data.constants.map((c) => decoded(c.data, c.single));
    this.program =
      program?.(
        this.floating.map((k) => this.inputs[k]!),
        constants,
      ) ?? null;
    this.recorded = data.values.map((value) => recordedOf(value));
    this.program?.run();
  }

  /** Whether anything follows the inputs. */
  get live(): boolean {
    return this.program !== null;
  }

  /** Compute everything for the inputs as they are now. */
  run(): void {
    this.program?.run();
    this.moved.value = this.inputs.some((x, k) =>
      x.some((v, i) => !Object.is(v, this.initial[k]![i])),
    );
    this.version.value++;
  }

  set(input: number, entry: number, x: number): void {
    this.inputs[input]![entry] = x;
    this.run();
  }

  reset(): void {
    this.inputs.forEach((x, k) => {
      x.set(this.initial[k]!);
    });
    this.run();
  }

  /** Run at other inputs for a moment, and return what is made of that. */
  at<T>(inputs: readonly Numbers[], look: () => T): T {
    const before = this.inputs.map((x) => x.slice() as Numbers);
    const put = (given: readonly Numbers[]) => {
      this.inputs.forEach((x, k) => {
        x.set(given[k]!);
      });
      this.program?.run();
    };
    put(inputs);
    try {
      return look();
    } finally {
      put(before);
    }
  }

  /** Return a value; null where there is none, or none that numbers tell. */
  held(value: number | null | undefined): Held | null {
    if (value === null || value === undefined) return null;
    const { place, shape = [] } = this.data.values[value]!;
    if (place === undefined) return this.recorded[value]!;
    return { numbers: this.program!.outputs[place]!, shape, live: true };
  }

  value(vertex: number): Held | null {
    return this.held(this.data.vertices[vertex]!.value);
  }

  gradient(vertex: number): Held | null {
    return this.held(this.data.vertices[vertex]!.gradient);
  }

  /** Whether a vertex keeps the value of the recorded run while others follow the inputs. */
  isRecorded(vertex: number): boolean {
    const { value } = this.data.vertices[vertex]!;
    return this.live && value !== null && this.data.values[value]!.place === undefined;
  }

  /** Whether what is shown is what was recorded for other inputs. */
  isStale(value: number | null | undefined): boolean {
    return (
      this.moved.value && value !== null && value !== undefined && this.held(value)?.live !== true
    );
  }

  /** What a wire adds to the gradient of its source; null where nothing flows or it is not known. */
  contribution(vertex: number, lead: Lead): Held | null {
    if (lead.part !== undefined) return this.held(lead.part);
    const local = this.held(lead.local);
    const upstream = this.gradient(vertex);
    if (local === null || upstream === null) return null;
    const product = upstream.numbers[0] === 0 ? 0 : local.numbers[0]! * upstream.numbers[0]!;
    return { numbers: Float64Array.of(product), shape: [], live: local.live && upstream.live };
  }

  /** The local gradient of a wire as one number: for arrays, the growth of the norm. */
  local(vertex: number, lead: Lead): number | null {
    if (lead.local !== undefined) return this.held(lead.local)?.numbers[0] ?? null;
    const part = this.held(lead.part);
    const upstream = this.gradient(vertex);
    if (part === null || upstream === null) return null;
    const [size, own] = [normOf(upstream), normOf(part)];
    return own === null || size === null || size === 0 || !Number.isFinite(size)
      ? null
      : own / size;
  }

  /** Which of the things that Python looked at would come out otherwise now. */
  otherBranches(): number[] {
    return this.data.guards.flatMap((guard, k) => {
      const found = this.held(guard.value);
      if (found === null || !found.live) return [];
      const x = found.numbers[0]!;
      return (guard.truth ? Number(x !== 0) : x) === guard.outcome ? [] : [k];
    });
  }
}

export function recordedOf(value: Value): Held | null {
  if (value.data !== undefined) {
    return { numbers: decoded(value.data), shape: value.shape ?? [], live: false };
  }
  if (value.sample !== undefined) {
    const [size, mean, least, most] = decoded(value.summary!);
    const shape = value.shape ?? [];
    const whole = {
      shape,
      steps: value.steps!,
      norm: size!,
      mean: mean!,
      least: least!,
      most: most!,
    };
    return { numbers: decoded(value.sample), shape: value.sampled!, live: false, whole };
  }
  return null;
}

export function isNumber(held: Held): boolean {
  return held.shape.length === 0;
}

/** The norm; null where the numbers are a sample of something unknown. */
export function normOf(held: Held): number | null {
  return held.whole === undefined ? norm(held.numbers) : held.whole.norm;
}

/** A number, or an array's shape and norm. */
export function heldText(held: Held | null, write: (x: number) => string): string {
  if (held === null) return "";
  if (isNumber(held)) return write(held.numbers[0]!);
  const size = normOf(held);
  return `${shapeText((held.whole ?? held).shape)} ‖${size === null ? "–" : write(size)}‖`;
}

/** The place of an entry, as an index along each axis. */
export function indexText(flat: number, held: Held): string {
  const parts: number[] = [];
  let rest = flat;
  for (const n of [...held.shape].reverse()) {
    parts.unshift(rest % n);
    rest = Math.floor(rest / n);
  }
  if (held.whole === undefined) return parts.join(", ");
  const before = Array(held.whole.shape.length - parts.length).fill(0);
  return [...before, ...parts.map((k, axis) => k * held.whole!.steps[axis]!)].join(", ");
}

export function sum(parts: readonly Held[]): Held | null {
  const [first, ...others] = parts;
  if (first === undefined) return null;
  const total = Float64Array.from(first.numbers);
  for (const part of others) {
    for (let i = 0; i < total.length; i++)
      total[i]! += part.numbers[part.numbers.length === 1 ? 0 : i]!;
  }
  const live = parts.every((p) => p.live);
  if (first.whole === undefined) return { numbers: total, shape: first.shape, live };
  const whole = others.length === 0 ? first.whole : { ...first.whole, norm: null };
  return { numbers: total, shape: first.shape, live, whole };
}
