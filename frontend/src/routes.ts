// The routes of wires: through columns of boxes, and into the sockets of gates.

import type dagre from "@dagrejs/dagre";
import type { Node, Point, Wire } from "./layout";

const ROW = 34; // least distance of two wires into one gate

/** Whether most heights come in the wrong order. */
export function descends(heights: readonly number[]): boolean {
  let balance = 0;
  heights.forEach((a, k) => {
    for (const b of heights.slice(k + 1)) balance += Math.sign(a - b);
  });
  return balance > 0;
}

/** Turn a layout upside down. */
export function mirror(graph: InstanceType<typeof dagre.graphlib.Graph>): void {
  const { height } = graph.graph() as { height: number };
  for (const name of graph.nodes()) {
    const node = graph.node(name) as Point;
    node.y = height - node.y;
  }
  for (const name of graph.edges()) {
    for (const point of (graph.edge(name) as { points: Point[] }).points)
      point.y = height - point.y;
  }
}

/** End wires at the sockets of their gates, which are in the order in which the wires come. */
export function plugIn(nodes: ReadonlyMap<number, Node>, wires: readonly Wire[]): void {
  for (const [v, node] of nodes) {
    const mine = wires.filter((wire) => wire.target === v);
    const order = [...mine].sort(
      (a, b) => a.points.at(-1)!.y - b.points.at(-1)!.y || a.lead - b.lead,
    );
    const step = Math.min(ROW, (node.height - 20) / Math.max(1, mine.length - 1));
    order.forEach((wire, k) => {
      const y = node.y + node.height / 2 + (k - (mine.length - 1) / 2) * step;
      wire.points.push({ x: node.x, y });
      node.sockets.push(y - node.y);
    });
  }
}

/** Columns of boxes, which wires go through level, so that they bend in the gaps alone. */
export class Columns {
  private readonly columns: { left: number; right: number }[] = [];

  constructor(boxes: readonly { x: number; width: number }[]) {
    for (const { x, width } of boxes) {
      const middle = x + width / 2;
      const known = this.columns.find((c) => Math.abs((c.left + c.right) / 2 - middle) < 1);
      if (known === undefined) this.columns.push({ left: x, right: x + width });
      else {
        known.left = Math.min(known.left, x);
        known.right = Math.max(known.right, x + width);
      }
    }
  }

  /** Replace the inner points of a route by level pieces through the columns that they are in. */
  through(points: readonly Point[]): Point[] {
    return points.slice(1, -1).flatMap(({ x, y }) => {
      const column = this.columns.find((c) => Math.abs((c.left + c.right) / 2 - x) < 1);
      if (column === undefined) return [];
      return [
        { x: column.left, y },
        { x: column.right, y },
      ];
    });
  }
}

/** Draw a wire: straight where it is level, and bent like an S where it climbs. */
export function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  let { x, y } = first;
  let path = `M${round(x)} ${round(y)}`;
  for (const next of rest) {
    if (Math.abs(next.y - y) < 0.05) path += `H${round(next.x)}`;
    else {
      const middle = round((x + next.x) / 2);
      path += `C${middle} ${round(y)} ${middle} ${round(next.y)} ${round(next.x)} ${round(next.y)}`;
    }
    ({ x, y } = next);
  }
  return path;
}

function round(x: number): string {
  return String(Math.round(x * 10) / 10);
}
