// What chainrule writes into a page: see `chainrule/page/data.py`.

/** A recorded value; of a large array a sample and a summary. */
export interface Recorded {
  data?: string;
  sample?: string;
  sampled?: number[];
  /** How far the entries of the sample are apart, along the last axes. */
  steps?: number[];
  /** Norm, mean, least and largest entry. */
  summary?: string;
  text?: string;
}

export interface Input extends Recorded {
  name: string;
  shape: number[];
  floating: boolean;
  wanted: boolean;
  vertex: number | null;
  single: boolean;
}

/** A wire into a gate: the local gradient of numbers, or what a gate of arrays adds to a gradient. */
export interface Lead {
  source: number;
  local?: number;
  part?: number;
}

export interface Vertex {
  label: string;
  operation: string;
  group: number | null;
  value: number | null;
  gradient: number | null;
  leads: Lead[];
  /** Whether each entry is made of those at the same place. */
  entrywise?: boolean;
  /** The axes that are reduced. */
  reduced?: number[];
  /** Of a product: whether the one wire is the second operand; from the end, the axis of rows. */
  second?: boolean;
  columns?: number;
}

export interface Group {
  name: string;
  text: string;
  vertices: number[];
  loop: boolean;
}

export interface Line {
  text: string;
  stage?: number;
  backward?: boolean;
  vertex?: number | null;
  name?: string;
  of?: number | null;
  target?: string;
  operator?: string;
  expression?: string;
  local?: string | null;
  upstream?: string | null;
  /** Whether it may be left to the reader to write. */
  exercise?: boolean;
  /** Whether its local gradient alone may be asked for. */
  local_exercise?: boolean;
  loop?: number;
  /** Of a line in a loop: what its variable is, turn by turn. */
  series?: number | null;
  /** Whether an error arose here. */
  fails?: boolean;
}

/** What a reader writes: whole backward lines, or the local gradients in them. */
export type Task = "lines" | "local";

/** A variable of a loop, turn by turn: the numbers of values, or recorded numbers and norms. */
export interface Series {
  name: string;
  vertex: number | null;
  counter: string;
  turns: number[];
  values: number[] | string;
  gradients: (number | null)[] | string;
  /** Of recorded ones: whether they are norms. */
  arrays?: boolean;
}

export interface Guard {
  line: number;
  text: string;
  value: number;
  outcome: number;
  truth: boolean;
}

/** What is said as long as a value is true: `chainrule/page/watch.py` says of what. */
export interface Alarm {
  text: string;
  vertex: number | null;
  when: number;
  names: Record<string, string | number>;
  numbers: Record<string, number>;
  shares: Record<string, number>;
}

export interface Value extends Recorded {
  /** Of a number it is left out. */
  shape?: number[];
  truth?: boolean;
  place?: number;
}

export interface Data {
  title: string;
  name: string;
  output: string;
  /** What ended the run; then the last vertex is the operation that failed. */
  error: string | null;
  language: string;
  inputs: Input[];
  vertices: Vertex[];
  groups: Group[];
  lines: Line[];
  series: Series[];
  guards: Guard[];
  alarms: Alarm[];
  /** What alarms say, in English. */
  texts: Record<string, string>;
  values: Value[];
  constants: { data: string; single: boolean }[];
  missing: string[];
  live: boolean;
  /** What tells these exercises from others. */
  exercises: Record<Task, string>;
  practise: Task | null;
  about: About | null;
}

/** What is said on the page besides, by language. */
export interface About {
  title: Record<string, string>;
  text: Record<string, string[]>;
  home: string | null;
  previous: string | null;
  next: string | null;
}

export type Numbers = Float64Array | Float32Array;

export type Program = (
  inputs: Numbers[],
  constants: Numbers[],
) => { outputs: Numbers[]; run(): void };

/** Read the numbers of a text that `chainrule.page.encoding.numbers` wrote. */
export function decoded(text: string, single = false): Numbers {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const numbers = new Float64Array(bytes.buffer);
  return single ? Float32Array.from(numbers) : numbers;
}
