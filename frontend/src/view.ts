// Which part of the circuit is looked at, and how large.

import { signal } from "@preact/signals";
import { layout } from "./state";

interface View {
  x: number;
  y: number;
  zoom: number;
}

export const view = signal<View>({ x: 0, y: 0, zoom: 1 });
/** The element that the circuit is drawn in. */
export const pane: { element: SVGSVGElement | null } = { element: null };
const READABLE = 0.6; // the least zoom at which numbers can be read
const LARGEST = 1.6; // of the zoom that fits a small circuit

/** Show the whole circuit. */
export function fit(): void {
  const box = pane.element?.getBoundingClientRect();
  if (box === undefined || box.width === 0) return;
  const { width, height } = layout.value;
  const zoom = Math.min(box.width / width, box.height / height, LARGEST);
  view.value = { x: (box.width - width * zoom) / 2, y: (box.height - height * zoom) / 2, zoom };
}

/** Show the beginning of a circuit that is too large to be read as a whole. */
export function begin(): void {
  fit();
  const box = pane.element?.getBoundingClientRect();
  if (box === undefined || view.value.zoom >= READABLE) return;
  const { width, height } = layout.value;
  const zoom = Math.min(1, Math.max(READABLE, box.width / width));
  const y = Math.max(0, (box.height - height * zoom) / 2);
  view.value = { x: Math.max(0, (box.width - width * zoom) / 2), y, zoom };
}

/** Zoom about a point of the pane, by default its middle. */
export function zoomBy(factor: number, at?: { x: number; y: number }): void {
  const box = pane.element?.getBoundingClientRect();
  if (box === undefined) return;
  const { x, y, zoom } = view.value;
  const point = at ?? { x: box.width / 2, y: box.height / 2 };
  const next = Math.min(6, Math.max(0.05, zoom * factor));
  const ratio = next / zoom;
  view.value = {
    x: point.x - (point.x - x) * ratio,
    y: point.y - (point.y - y) * ratio,
    zoom: next,
  };
}

/** Bring a vertex into the middle if it cannot be seen. */
export function reveal(v: number): void {
  const box = pane.element?.getBoundingClientRect();
  const node = layout.value.nodes.find((n) => n.vertex === v);
  if (box === undefined || node === undefined) return;
  const { x, y, zoom } = view.value;
  const left = node.x * zoom + x;
  const top = node.y * zoom + y;
  if (
    left >= 0 &&
    top >= 0 &&
    left + node.width * zoom <= box.width &&
    top + node.height * zoom <= box.height
  ) {
    return;
  }
  const middle = { x: node.x + node.width / 2, y: node.y + node.height / 2 };
  view.value = { x: box.width / 2 - middle.x * zoom, y: box.height / 2 - middle.y * zoom, zoom };
}
