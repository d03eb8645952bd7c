// Boxes in rows: what is wider than a page goes on below, as a text does.

import dagre from "@dagrejs/dagre";
import type { Data } from "./data";
import {
  type Box,
  CHARACTER,
  type Frame,
  type Layout,
  type Node,
  PAD,
  type Point,
  type Tag,
  TITLE,
  type Wire,
} from "./layout";
import { Columns, descends, mirror, plugIn } from "./routes";

const MARGIN = 18;
const TAG = 20; // the height of a tag
const GAP = 34; // between two columns
const CLIMB = 16; // what a gap grows by for its wires
const PAGE = 1500; // the width of a row
const EXCESS = 1.4; // how much wider than a page is not worth another row
const BETWEEN = 10; // rows

/** A wire between two boxes. */
export interface Link {
  source: number;
  from: string;
  to: string;
  target: number;
  lead: number;
}

/** Lay boxes out, in as many rows as they take. */
export function inRows(
  data: Data,
  boxes: ReadonlyMap<string, Box>,
  links: readonly Link[],
): Layout {
  const whole: Layout = { nodes: [], wires: [], frames: [], tags: [], width: 0, height: 0 };
  for (const keys of rowsOf(data, boxes, links)) {
    const row = new Row(data, boxes, keys, links).layout();
    const down = whole.height;
    for (const node of row.nodes) node.y += down;
    for (const frame of row.frames) frame.y += down;
    for (const tag of row.tags) tag.y += down;
    for (const wire of row.wires) {
      wire.points = wire.points.map((p) => ({ x: p.x, y: p.y + down }));
    }
    whole.nodes.push(...row.nodes);
    whole.frames.push(...row.frames);
    whole.tags.push(...row.tags);
    whole.wires.push(...row.wires);
    whole.width = Math.max(whole.width, row.width);
    whole.height += row.height + BETWEEN;
  }
  whole.height = Math.max(60, whole.height - BETWEEN);
  return whole;
}

/** Put the boxes into columns, and as many of these into each row as there is room for. */
function rowsOf(data: Data, boxes: ReadonlyMap<string, Box>, links: readonly Link[]): string[][] {
  const into = new Map<string, Link[]>();
  const outOf = new Map<string, Link[]>();
  const add = (map: Map<string, Link[]>, key: string, link: Link) => {
    const known = map.get(key);
    if (known === undefined) map.set(key, [link]);
    else known.push(link);
  };
  for (const link of links) {
    add(into, link.to, link);
    add(outOf, link.from, link);
  }
  const last = (key: string) =>
    key.startsWith("v")
      ? Number(key.slice(1))
      : data.groups[Number(key.slice(1))]!.vertices.at(-1)!;
  const order = [...boxes.keys()].sort((a, b) => last(a) - last(b));
  const column = new Map<string, number>();
  for (const key of order) {
    const before = (into.get(key) ?? []).map((link) => column.get(link.from)!);
    column.set(key, 1 + Math.max(-1, ...before));
  }
  // Inputs stand beside what they are first used by.
  for (const key of order) {
    if (into.has(key)) continue;
    const after = (outOf.get(key) ?? []).map((link) => column.get(link.to)!);
    if (after.length > 0) column.set(key, Math.min(...after) - 1);
  }
  const widths: number[] = [];
  for (const [key, k] of column) widths[k] = Math.max(widths[k] ?? 0, boxes.get(key)!.width);
  const step = GAP + CLIMB;
  const total = widths.reduce((a, b) => a + b + step, -step);
  const limit = total <= EXCESS * PAGE ? Number.POSITIVE_INFINITY : PAGE;
  const row: number[] = [];
  let number = 0;
  let used = 0;
  widths.forEach((width, k) => {
    if (used > 0 && used + width > limit) {
      number++;
      used = 0;
    }
    row[k] = number;
    used += width + step;
  });
  const rows: string[][] = Array.from({ length: number + 1 }, () => []);
  for (const key of boxes.keys()) {
    // An input that ends a row would be alone there: it begins the next one.
    const after = (outOf.get(key) ?? []).map((link) => row[column.get(link.to)!]!);
    const own = row[column.get(key)!]!;
    const first = into.has(key) || after.length === 0 ? own : Math.min(...after);
    rows[first]!.push(key);
  }
  return rows;
}

/** One row: its boxes, and tags for what comes from other rows. */
class Row {
  private readonly graph = new dagre.graphlib.Graph({ multigraph: true });
  private readonly tags = new Map<string, Tag>();
  private readonly links: Link[];

  constructor(
    private readonly data: Data,
    private readonly boxes: ReadonlyMap<string, Box>,
    private readonly keys: readonly string[],
    links: readonly Link[],
  ) {
    const here = new Set(keys);
    this.links = links.filter((link) => here.has(link.to));
    this.graph.setGraph({
      rankdir: "LR",
      nodesep: 16,
      ranksep: GAP,
      marginx: MARGIN,
      marginy: MARGIN,
    });
    this.graph.setDefaultEdgeLabel(() => ({}));
    for (const key of keys) {
      const { width, height } = boxes.get(key)!;
      this.graph.setNode(key, { width, height });
    }
    this.links.forEach((link, k) => {
      if (!here.has(link.from)) this.addTag(link);
      this.graph.setEdge(this.start(link), link.to, {}, String(k));
    });
  }

  private addTag(link: Link): void {
    const name = `t${link.source}`;
    if (this.tags.has(name)) return;
    const { group, label } = this.data.vertices[link.source]!;
    const text = group === null ? label : this.data.groups[group]!.name || label;
    const width = text.length * CHARACTER + 12;
    this.tags.set(name, { source: link.source, x: 0, y: 0, width, label: text });
    this.graph.setNode(name, { width, height: TAG });
  }

  private start(link: Link): string {
    const name = `t${link.source}`;
    return this.tags.has(name) ? name : link.from;
  }

  private y(key: string): number {
    return (this.graph.node(key) as Point).y;
  }

  private corner(key: string): Point {
    const at = this.graph.node(key) as Point;
    const box = this.boxes.get(key)!;
    return { x: at.x - box.width / 2, y: at.y - box.height / 2 };
  }

  layout(): Layout {
    dagre.layout(this.graph);
    const begins = this.keys.filter((key) => key.startsWith("v"));
    if (descends(begins.map((key) => this.y(key)))) mirror(this.graph);
    const from = new Map(this.links.map((link) => [`${link.source}-${link.to}`, this.start(link)]));
    for (const key of this.keys) {
      const box = this.boxes.get(key)!;
      const order = [...box.ports].sort((a, b) => a[1] - b[1]);
      if (descends(order.map(([v]) => this.y(from.get(`${v}-${key}`)!)))) turn(box);
    }
    const nodes: Node[] = [];
    const wires: Wire[] = [];
    const frames: Frame[] = [];
    const singles = new Map<number, Node>();
    const extents: { x: number; width: number }[] = [];
    for (const key of this.keys) {
      const box = this.boxes.get(key)!;
      const { x, y } = this.corner(key);
      extents.push({ x, width: box.width });
      if (box.node !== null) {
        box.node.x = x;
        box.node.y = y;
        nodes.push(box.node);
        singles.set(box.node.vertex, box.node);
        continue;
      }
      frames.push({ ...box.frame!, x, y });
      for (const node of box.inner!.nodes) {
        node.x += x;
        node.y += y;
        nodes.push(node);
      }
      for (const wire of box.inner!.wires) {
        wires.push({ ...wire, points: wire.points.map((p) => ({ x: p.x + x, y: p.y + y })) });
      }
    }
    for (const [name, tag] of this.tags) {
      const at = this.graph.node(name) as Point;
      tag.x = at.x - tag.width / 2;
      tag.y = at.y - TAG / 2;
    }
    const outer = this.outer(new Columns(extents));
    plugIn(
      singles,
      outer.filter((wire) => wire.target >= 0),
    );
    wires.push(...outer);
    const { width, height } = this.graph.graph() as { width: number; height: number };
    return { nodes, wires, frames, tags: [...this.tags.values()], width, height };
  }

  private outer(columns: Columns): Wire[] {
    return this.links.map((link, k) => {
      const name = this.start(link);
      const edge = this.graph.edge({ v: name, w: link.to, name: String(k) }) as { points: Point[] };
      const tag = this.tags.get(name);
      const points: Point[] = [];
      if (tag !== undefined) points.push({ x: tag.x + tag.width, y: tag.y + TAG / 2 });
      else {
        const box = this.boxes.get(name)!;
        const at = this.corner(name);
        points.push({ x: at.x + box.width, y: at.y + box.plug });
      }
      points.push(...columns.through(edge.points));
      const box = this.boxes.get(link.to)!;
      if (box.node === null) {
        const at = this.corner(link.to);
        points.push({ x: at.x, y: at.y + box.ports.get(link.source)! });
      }
      return { source: link.source, target: link.target, lead: link.lead, points };
    });
  }
}

/** Turn what is in a stage upside down, below its title. */
function turn(box: Box): void {
  const sum = box.height + TITLE - PAD + 4;
  for (const node of box.inner?.nodes ?? []) {
    node.y = sum - node.y - node.height;
    node.sockets = node.sockets.map((y) => node.height - y);
  }
  for (const wire of box.inner?.wires ?? []) {
    wire.points = wire.points.map((p) => ({ x: p.x, y: sum - p.y }));
  }
  for (const [v, y] of box.ports) box.ports.set(v, sum - y);
  box.plug = sum - box.plug;
}
