// Where gates, stages and wires go: stages are laid out by themselves, then as boxes.

import dagre from "@dagrejs/dagre";
import type { Data } from "./data";
import { shapeText } from "./format";
import { Columns, plugIn } from "./routes";
import { inRows, type Link } from "./rows";

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

/** The name of a variable, in the place of a wire that would come from afar. */
export interface Tag {
  source: number;
  x: number;
  y: number;
  width: number;
  label: string;
}

export interface Layout {
  nodes: Node[];
  tags: Tag[];
  wires: Wire[];
  frames: Frame[];
  width: number;
  height: number;
}

export const CHARACTER = 8.4;
const LABEL = 9.7; // the width of a character in a gate
const LOCAL = 50; // room for local gradients, left of a gate of several operands
const BEFORE = 16; // left of a gate of one, which has its own below
const VALUE = { number: 70, array: 104 }; // room for a value, right of it
const MAPPED = 86; // the height of what has a map above its value and one below its gradient
const ROW = 34; // least distance of two wires into one gate
export const PAD = 12;
export const TITLE = 22;

export interface Box {
  node: Node | null;
  frame: Frame | null;
  inner: Inner | null;
  width: number;
  height: number;
  /** The height of the wire that leaves, and of those that enter, by their sources. */
  plug: number;
  ports: Map<number, number>;
}

export interface Inner {
  nodes: Node[];
  wires: Wire[];
}

/** Lay the circuit out, with some of its stages closed, and with room for maps of arrays. */
export function laidOut(
  data: Data,
  closed: ReadonlySet<number>,
  shapeOf: (v: number) => readonly number[],
  mapped: boolean,
): Layout {
  const builder = new Builder(data, closed, shapeOf, mapped);
  return builder.build();
}

class Builder {
  private readonly boxes = new Map<string, Box>();

  constructor(
    private readonly data: Data,
    private readonly closed: ReadonlySet<number>,
    private readonly shapeOf: (v: number) => readonly number[],
    private readonly mapped: boolean,
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
    return inRows(this.data, this.boxes, this.links());
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
    const wide = text.length * LABEL + (isInput ? 16 : 18);
    const bodyWidth = Math.max(isInput ? 26 : 34, wide);
    const bodyHeight = closed === null ? 34 : 44;
    const before = sources > 1 ? LOCAL : sources === 1 ? BEFORE : 0;
    const below = sources === 1 && closed === null ? 30 : 8;
    const shape = this.shapeOf(v);
    const longer = Math.max(0, shapeText(shape).length - 4) * CHARACTER;
    const room = shape.length > 0 ? VALUE.array + longer : VALUE.number;
    const maps = this.mapped && shape.length > 0 ? MAPPED : 58;
    const height = Math.max(maps, sources * ROW, bodyHeight + below);
    return {
      vertex: v,
      closed,
      x: 0,
      y: 0,
      width: before + bodyWidth + room,
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

  /** The wires between boxes. */
  private links(): Link[] {
    const links: Link[] = [];
    const joined = new Set<string>();
    this.data.vertices.forEach((vertex, v) => {
      if (vertex.group === null) return;
      const to = this.key(v);
      vertex.leads.forEach((lead, k) => {
        const from = this.key(lead.source);
        if (from === to) return;
        const pair = `${lead.source}-${to}`;
        const known = joined.has(pair);
        joined.add(pair);
        const { node } = this.boxes.get(to)!;
        const whole = { source: lead.source, from, to };
        if (node !== null && node.closed === null) links.push({ ...whole, target: v, lead: k });
        else if (!known) links.push({ ...whole, target: node ? node.vertex : -1, lead: -1 });
      });
    });
    return links;
  }
}
