// Where gates, stages and wires go: stages are laid out by themselves, then as boxes.

import dagre from "@dagrejs/dagre";
import type { Data } from "./data";

export interface Point {
  x: number;
  y: number;
}

/** An input, a gate, or a closed stage. `plug` is where its wire leaves. */
export interface Node {
  vertex: number;
  /** The group, where this is a closed stage. */
  closed: number | null;
  x: number;
  y: number;
  width: number;
  height: number;
  /** The middle of its body, from the left. */
  body: number;
  bodyWidth: number;
  bodyHeight: number;
  label: string;
  sockets: number[];
}

export interface Wire {
  source: number;
  target: number;
  /** The numbers of the leads of the target that it stands for. */
  lead: number;
  points: Point[];
}

export interface Frame {
  group: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  nodes: Node[];
  wires: Wire[];
  frames: Frame[];
  width: number;
  height: number;
}

const CHARACTER = 8.4;
const LOCAL = 50; // room for local gradients, left of a gate of several operands
const BEFORE = 16; // left of a gate of one, which has its own below
const VALUE = { number: 70, array: 104 }; // room for a value, right of it
const ROW = 34; // least distance of two wires into one gate
const PAD = 12;
const TITLE = 22;
const MARGIN = 18;

interface Box {
  node: Node | null;
  frame: Frame | null;
  inner: Inner | null;
  width: number;
  height: number;
  /** The height of the wire that leaves, and of those that enter, by their sources. */
  plug: number;
  ports: Map<number, number>;
}

interface Inner {
  nodes: Node[];
  wires: Wire[];
}

/** Lay the circuit out, with some of its stages closed. */
export function laidOut(
  data: Data,
  closed: ReadonlySet<number>,
  isArray: (v: number) => boolean,
): Layout {
  const builder = new Builder(data, closed, isArray);
  return builder.build();
}

class Builder {
  private readonly boxes = new Map<string, Box>();

  constructor(
    private readonly data: Data,
    private readonly closed: ReadonlySet<number>,
    private readonly isArray: (v: number) => boolean,
  ) {}

  build(): Layout {
    const { vertices, groups } = this.data;
    vertices.forEach((vertex, v) => {
      if (vertex.group === null) this.boxes.set(`v${v}`, this.single(this.node(v, null)));
    });
    groups.forEach((group, g) => {
      const result = group.vertices.at(-1)!;
      const box = this.closed.has(g)
        ? this.single(this.node(result, g))
        : group.vertices.length === 1 && group.name === ""
          ? this.single(this.node(result, null))
          : this.stage(g);
      this.boxes.set(`g${g}`, box);
    });
    return this.whole();
  }

  private key(v: number): string {
    const group = this.data.vertices[v]!.group;
    return group === null ? `v${v}` : `g${group}`;
  }

  // One thing.

  private node(v: number, closed: number | null): Node {
    const vertex = this.data.vertices[v]!;
    const label = closed === null ? vertex.label : this.data.groups[closed]!.name || vertex.label;
    const text = closed === null ? label : label.slice(0, 28);
    const sources = closed === null ? vertex.leads.length : this.sources(closed).length;
    const isInput = vertex.group === null;
    const wide = text.length * CHARACTER + (isInput ? 18 : 20);
    const bodyWidth = Math.max(isInput ? 26 : 34, wide);
    const bodyHeight = closed === null ? 34 : 44;
    const before = sources > 1 ? LOCAL : sources === 1 ? BEFORE : 0;
    const below = sources === 1 && closed === null ? 30 : 8;
    const height = Math.max(58, sources * ROW, bodyHeight + below);
    return {
      vertex: v,
      closed,
      x: 0,
      y: 0,
      width: before + bodyWidth + (this.isArray(v) ? VALUE.array : VALUE.number),
      height,
      body: before + bodyWidth / 2,
      bodyWidth,
      bodyHeight,
      label: text,
      sockets: [],
    };
  }

  private single(node: Node): Box {
    const box: Box = {
      node,
      frame: null,
      inner: null,
      width: node.width,
      height: node.height,
      plug: node.height / 2,
      ports: new Map(),
    };
    return box;
  }

  private sources(g: number): number[] {
    const group = this.data.groups[g]!;
    const inside = new Set(group.vertices);
    const found = group.vertices.flatMap((v) => this.data.vertices[v]!.leads.map((l) => l.source));
    return [...new Set(found)].filter((v) => !inside.has(v));
  }

  // A stage that is open.

  private stage(g: number): Box {
    const group = this.data.groups[g]!;
    const sources = this.sources(g);
    const graph = new dagre.graphlib.Graph({ multigraph: true });
    graph.setGraph({ rankdir: "LR", nodesep: 10, ranksep: 16, marginx: 0, marginy: 0 });
    graph.setDefaultEdgeLabel(() => ({}));
    for (const v of sources) graph.setNode(`p${v}`, { width: 1, height: 12 });
    const nodes = new Map<number, Node>();
    for (const v of group.vertices) {
      const node = this.node(v, null);
      nodes.set(v, node);
      graph.setNode(`v${v}`, { width: node.width, height: node.height });
    }
    for (const v of group.vertices) {
      this.data.vertices[v]!.leads.forEach((lead, k) => {
        const from = nodes.has(lead.source) ? `v${lead.source}` : `p${lead.source}`;
        graph.setEdge(from, `v${v}`, {}, String(k));
      });
    }
    dagre.layout(graph);
    const size = graph.graph() as { width: number; height: number };
    const title = (group.name.length + 5) * CHARACTER;
    const width = Math.max(size.width + 2 * PAD, title + 2 * PAD);
    for (const [v, node] of nodes) {
      const at = graph.node(`v${v}`) as Point;
      node.x = at.x - node.width / 2 + PAD;
      node.y = at.y - node.height / 2 + TITLE;
    }
    const ports = new Map<number, number>();
    for (const v of sources) ports.set(v, (graph.node(`p${v}`) as Point).y + TITLE);
    const columns = new Columns([...nodes.values()]);
    const wires: Wire[] = [];
    const starts = (source: number): Point => {
      const node = nodes.get(source);
      return node === undefined
        ? { x: 0, y: ports.get(source)! }
        : { x: node.x + node.width, y: node.y + node.height / 2 };
    };
    for (const v of group.vertices) {
      this.data.vertices[v]!.leads.forEach((lead, k) => {
        const from = nodes.has(lead.source) ? `v${lead.source}` : `p${lead.source}`;
        const edge = graph.edge({ v: from, w: `v${v}`, name: String(k) }) as { points: Point[] };
        const between = edge.points.map((p) => ({ x: p.x + PAD, y: p.y + TITLE }));
        const points = [starts(lead.source), ...columns.through(between)];
        wires.push({ source: lead.source, target: v, lead: k, points });
      });
    }
    plugIn(nodes, wires);
    const last = nodes.get(group.vertices.at(-1)!)!;
    const plug = last.y + last.height / 2;
    const out = { x: last.x + last.width, y: plug };
    wires.push({ source: last.vertex, target: -1, lead: -1, points: [out, { x: width, y: plug }] });
    const height = size.height + TITLE + PAD - 4;
    return {
      node: null,
      frame: { group: g, x: 0, y: 0, width, height },
      inner: { nodes: [...nodes.values()], wires },
      width,
      height,
      plug,
      ports,
    };
  }

  // The whole.

  private whole(): Layout {
    const graph = new dagre.graphlib.Graph({ multigraph: true });
    graph.setGraph({ rankdir: "LR", nodesep: 16, ranksep: 34, marginx: MARGIN, marginy: MARGIN });
    graph.setDefaultEdgeLabel(() => ({}));
    for (const [key, box] of this.boxes)
      graph.setNode(key, { width: box.width, height: box.height });
    const links: { from: number; to: string; target: number; lead: number }[] = [];
    this.data.vertices.forEach((vertex, v) => {
      if (vertex.group === null) return;
      const to = this.key(v);
      vertex.leads.forEach((lead, k) => {
        if (this.key(lead.source) === to) return;
        const known = links.some((l) => l.from === lead.source && l.to === to);
        const box = this.boxes.get(to)!;
        if (box.node !== null && box.node.closed === null) {
          links.push({ from: lead.source, to, target: v, lead: k });
        } else if (!known) {
          links.push({ from: lead.source, to, target: box.node ? box.node.vertex : -1, lead: -1 });
        }
      });
    });
    links.forEach((link, k) => {
      graph.setEdge(this.key(link.from), link.to, {}, String(k));
    });
    dagre.layout(graph);
    const ends = this.data.vertices.flatMap((vertex, v) =>
      vertex.group === null ? [(graph.node(`v${v}`) as Point).y] : [],
    );
    if (descends(ends)) mirror(graph);
    for (const box of this.boxes.values()) {
      const order = [...box.ports].sort((a, b) => a[1] - b[1]);
      if (descends(order.map(([v]) => (graph.node(this.key(v)) as Point).y))) turn(box);
    }
    const nodes: Node[] = [];
    const wires: Wire[] = [];
    const frames: Frame[] = [];
    const singles = new Map<number, Node>();
    const corner = (key: string): Point => {
      const at = graph.node(key) as Point;
      const box = this.boxes.get(key)!;
      return { x: at.x - box.width / 2, y: at.y - box.height / 2 };
    };
    const extents: { x: number; width: number }[] = [];
    for (const [key, box] of this.boxes) {
      const { x, y } = corner(key);
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
    const columns = new Columns(extents);
    const outer: Wire[] = links.map((link, k) => {
      const name = { v: this.key(link.from), w: link.to, name: String(k) };
      const edge = graph.edge(name) as { points: Point[] };
      const from = this.boxes.get(this.key(link.from))!;
      const start = corner(this.key(link.from));
      const points = [
        { x: start.x + from.width, y: start.y + from.plug },
        ...columns.through(edge.points),
      ];
      const box = this.boxes.get(link.to)!;
      if (box.node === null) {
        const at = corner(link.to);
        points.push({ x: at.x, y: at.y + box.ports.get(link.from)! });
      }
      return { source: link.from, target: link.target, lead: link.lead, points };
    });
    plugIn(
      singles,
      outer.filter((w) => w.target >= 0),
    );
    wires.push(...outer);
    const size = graph.graph() as { width: number; height: number };
    return { nodes, wires, frames, width: size.width, height: size.height };
  }
}

/** Whether most heights come in the wrong order. */
function descends(heights: readonly number[]): boolean {
  let balance = 0;
  heights.forEach((a, k) => {
    for (const b of heights.slice(k + 1)) balance += Math.sign(a - b);
  });
  return balance > 0;
}

/** Turn a layout upside down. */
function mirror(graph: InstanceType<typeof dagre.graphlib.Graph>): void {
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

/** End wires at the sockets of their gates, which are in the order in which the wires come. */
function plugIn(nodes: ReadonlyMap<number, Node>, wires: readonly Wire[]): void {
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
class Columns {
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
