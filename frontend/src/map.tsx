// An array as a small picture inside the circuit: one pixel for each entry.

import { useComputed } from "@preact/signals";
import { COLOURS, colour, gridOf, largestOf } from "./colours";
import { type Held, isNumber } from "./model";
import { theme } from "./state";

const ROWS = 16; // that are drawn, at most
const COLUMNS = 48;
const CELL = 9; // the side of an entry, at most
/** The room for a map. */
const MAP = { width: 96, height: 18 };

const canvas = document.createElement("canvas");

/** Paint an array, and return the picture as a URL. */
function painted(held: Held, palette: (typeof COLOURS)["light" | "dark"]): string {
  const grid = gridOf(held.shape, ROWS, COLUMNS);
  const columns = held.shape.at(-1) ?? 1;
  const largest = largestOf(held.numbers);
  const image = new ImageData(grid.columns, grid.rows);
  for (let row = 0; row < grid.rows; row++) {
    for (let column = 0; column < grid.columns; column++) {
      const x = held.numbers[row * grid.down * columns + column * grid.across]!;
      image.data.set([...colour(x, largest, palette), 255], 4 * (row * grid.columns + column));
    }
  }
  canvas.width = grid.columns;
  canvas.height = grid.rows;
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

interface Props {
  kind: "value" | "gradient";
  read: () => Held | null;
  x: number;
  /** Where it begins, or ends where it stands above something. */
  y: number;
  above?: boolean;
}

export function SmallMap({ kind, read, x, y, above = false }: Props) {
  const shown = useComputed(() => {
    const held = read();
    if (held === null || isNumber(held) || held.numbers.length === 0) return null;
    const grid = gridOf(held.shape, ROWS, COLUMNS);
    // An entry is as wide as there is room for, so that a column is more than a line.
    const width = Math.min(CELL * grid.columns, MAP.width);
    const height = Math.min(CELL * grid.rows, MAP.height);
    return { width, height, href: painted(held, COLOURS[theme.value]) };
  });
  if (shown.value === null) return null;
  const { width, height, href } = shown.value;
  const top = above ? y - height : y;
  return (
    <g class={`map ${kind}`}>
      <image
        href={href}
        x={x}
        y={top}
        width={width}
        height={height}
        preserveAspectRatio="none"
        style="image-rendering:pixelated"
      />
      <rect x={x} y={top} width={width} height={height} />
    </g>
  );
}
