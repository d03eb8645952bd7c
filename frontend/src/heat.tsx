// An array as a map of colours, entry by entry.

import { type Signal, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { COLOURS, colour, gridOf, largestOf } from "./colours";
import { precise } from "./format";
import { type Held, indexText } from "./model";
import { theme } from "./state";

const MOST = 48; // rows and columns that are drawn

interface Props {
  name: string;
  read: () => Held | null;
  /** The entry that is pointed at, shared by maps of one shape. */
  at: Signal<number | null>;
  chosen?: Signal<number | null>;
  lit?: () => ReadonlySet<number>;
  cell?: number;
}

export function Heat({ name, read, at, chosen, lit, cell = 22 }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const focused = useSignal(false);
  const shape = read()?.shape ?? [];
  const grid = gridOf(shape, MOST, MOST);
  const size = Math.max(3, Math.min(cell, Math.floor(300 / Math.max(grid.rows, grid.columns))));
  const width = grid.columns * size;
  const height = grid.rows * size;
  const columns = shape.at(-1) ?? 1;
  const flat = (row: number, column: number) => row * grid.down * columns + column * grid.across;

  useSignalEffect(() => {
    const held = read();
    const context = canvas.current?.getContext("2d");
    const palette = COLOURS[theme.value];
    if (!context || held === null) return;
    const marked = lit?.() ?? new Set<number>();
    const scale = devicePixelRatio || 1;
    canvas.current!.width = width * scale;
    canvas.current!.height = height * scale;
    context.scale(scale, scale);
    const largest = largestOf(held.numbers);
    const gap = size > 8 ? 1 : 0;
    const outline = theme.value === "dark" ? "#fff" : "#111";
    for (let row = 0; row < grid.rows; row++) {
      for (let column = 0; column < grid.columns; column++) {
        const k = flat(row, column);
        context.fillStyle = `rgb(${colour(held.numbers[k]!, largest, palette).join(",")})`;
        context.fillRect(column * size, row * size, size - gap, size - gap);
        if (marked.has(k) || at.value === k || chosen?.value === k) {
          context.strokeStyle = outline;
          context.lineWidth = at.value === k || chosen?.value === k ? 2 : 1.5;
          context.setLineDash(marked.has(k) && at.value !== k ? [2, 2] : []);
          context.strokeRect(column * size + 1, row * size + 1, size - gap - 2, size - gap - 2);
        }
      }
    }
  });

  const label = useComputed(() => {
    const held = read();
    const k = at.value;
    if (held === null || k === null || k >= held.numbers.length) return name;
    return `${name}[${indexText(k, held)}] = ${precise(held.numbers[k]!)}`;
  });
  const pointed = (event: PointerEvent): number | null => {
    const box = canvas.current!.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * grid.columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * grid.rows);
    if (row < 0 || column < 0 || row >= grid.rows || column >= grid.columns) return null;
    return flat(row, column);
  };
  const keyed = (event: KeyboardEvent) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[
      event.key
    ];
    if (step === undefined) {
      if (event.key === "Enter" && chosen !== undefined) chosen.value = at.value;
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const from = at.value ?? 0;
    const row = Math.floor(from / columns / grid.down) + step[0]!;
    const column = Math.floor((from % columns) / grid.across) + step[1]!;
    if (row >= 0 && column >= 0 && row < grid.rows && column < grid.columns)
      at.value = flat(row, column);
  };
  if (width === 0 || height === 0) return null;
  return (
    <canvas
      ref={canvas}
      class={chosen === undefined ? "heat" : "heat editable"}
      style={`width:${width}px;height:${height}px`}
      tabIndex={0}
      role="img"
      aria-label={label}
      aria-live={focused.value ? "polite" : "off"}
      onPointerMove={(event) => {
        at.value = pointed(event);
      }}
      onPointerLeave={() => {
        at.value = null;
      }}
      onClick={(event) => {
        if (chosen !== undefined) chosen.value = pointed(event as unknown as PointerEvent);
      }}
      onFocus={() => {
        focused.value = true;
        at.value ??= 0;
      }}
      onBlur={() => {
        focused.value = false;
        at.value = null;
      }}
      onKeyDown={keyed}
    />
  );
}
