// The colours of numbers, and which entries of an array are drawn.

export interface Grid {
  rows: number;
  columns: number;
  /** How many entries of the array one that is drawn stands for, along rows and columns. */
  down: number;
  across: number;
}

/** Choose what is drawn of an array, in at most so many rows and columns. */
export function gridOf(shape: readonly number[], mostRows: number, mostColumns: number): Grid {
  const columns = shape.at(-1) ?? 1;
  const rows = shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const down = Math.ceil(rows / mostRows);
  const across = Math.ceil(columns / mostColumns);
  return { rows: Math.ceil(rows / down), columns: Math.ceil(columns / across), down, across };
}

// Blue and orange are told apart by everyone, and so are their lightnesses in print.
export const COLOURS = {
  light: { negative: [196, 78, 10], zero: [250, 250, 248], positive: [0, 96, 140] },
  dark: { negative: [255, 150, 80], zero: [34, 39, 46], positive: [90, 190, 255] },
} as const;
const NAN = [192, 38, 211] as const;

export type Palette = (typeof COLOURS)["light" | "dark"];

/** The largest size among the entries that are finite. */
export function largestOf(numbers: ArrayLike<number>): number {
  let largest = 0;
  for (let k = 0; k < numbers.length; k++) {
    const size = Math.abs(numbers[k]!);
    if (size > largest && size !== Number.POSITIVE_INFINITY) largest = size;
  }
  return largest;
}

/** Return red, green and blue of a number. */
export function colour(x: number, largest: number, palette: Palette): readonly number[] {
  if (Number.isNaN(x)) return NAN;
  const share = largest === 0 ? Number(x !== 0) : Math.min(1, Math.abs(x) / largest) ** 0.7;
  const end = x < 0 ? palette.negative : palette.positive;
  return palette.zero.map((z, k) => Math.round(z + (end[k]! - z) * share));
}
