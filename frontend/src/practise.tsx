// Your turn: the reader writes the backward lines.

import type { Line } from "./data";

export function practisable(_line: Line): boolean {
  return false;
}

export function Practice(_: { line: Line; number: number }) {
  return null;
}
