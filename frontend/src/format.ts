// Numbers as text, as `chainrule.explain.numbers` writes them.

const INFINITE = "∞";

function special(x: number): string | null {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? INFINITE : `-${INFINITE}`;
  return null;
}

function scientific(x: number, digits: number): string {
  const [mantissa, exponent] = x.toExponential(digits).split("e") as [string, string];
  const sign = exponent.startsWith("-") ? "-" : "+";
  return `${mantissa}e${sign}${exponent.replace(/^[+-]/, "").padStart(2, "0")}`;
}

/** Two decimals where they tell enough, as circuit diagrams have it. */
export function brief(x: number): string {
  const size = Math.abs(x);
  if (x === 0) return "0.00";
  if (special(x) === null && size >= 0.01 && size < 1e5) return x.toFixed(2);
  return special(x) ?? scientific(x, 1);
}

/** Four significant digits. */
export function precise(x: number): string {
  const size = Math.abs(x);
  if (x === 0) return "0";
  const known = special(x);
  if (known !== null) return known;
  if (size >= 1e6 || size < 1e-4) {
    const [mantissa, exponent] = scientific(x, 3).split("e") as [string, string];
    return `${trimmed(mantissa)}e${exponent}`;
  }
  return trimmed(x.toPrecision(size >= 1e4 ? 6 : 4));
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** The Euclidean norm, without overflow on the way. */
export function norm(x: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < x.length; i++) {
    const size = Math.abs(x[i]!);
    if (!(size <= largest)) largest = size;
  }
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let total = 0;
  for (let i = 0; i < x.length; i++) total += (x[i]! / largest) ** 2;
  return largest * Math.sqrt(total);
}

export function shapeText(shape: readonly number[]): string {
  return shape.join("×");
}

/** What a person typed, as a number: `1e999` is infinite, `nan` is one. Null for anything else. */
export function parsed(text: string): number | null {
  const plain = text.trim().replace(",", ".").replace("−", "-").toLowerCase();
  if (/^[+-]?(inf|infinity|∞)$/.test(plain)) return plain.startsWith("-") ? -Infinity : Infinity;
  if (plain === "nan") return Number.NaN;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(plain)) return null;
  return Number(plain);
}
