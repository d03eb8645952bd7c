// The circuit: gates, wires and stages, with what flows along them.

import { untracked, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { brief } from "./format";
import type { Frame, Node, Point, Tag, Wire } from "./layout";
import { SmallMap } from "./map";
import { type Held, heldText } from "./model";
import { curve } from "./routes";
import {
  current,
  data,
  failed,
  hasArrays,
  hovered,
  isArray,
  layout,
  mapped,
  model,
  nameOf,
  reached,
  selected,
  soFar,
  text,
  toggle,
} from "./state";
import { begin, pane, reveal, view, zoomBy } from "./view";
import { alarms } from "./warnings";

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

export function Graph() {
  const element = useRef<SVGSVGElement>(null);
  const [fingers] = useState(() => new Map<number, Point>());
  const place = (event: MouseEvent): Point => {
    const box = element.current!.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  useEffect(() => {
    pane.element = element.current;
    const observer = new ResizeObserver(begin);
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);
  useSignalEffect(() => {
    layout.value;
    untracked(begin);
  });
  useSignalEffect(() => {
    const step = current.value;
    if (step !== null) untracked(() => reveal(step.vertex));
  });
  const printed = useSignal(false);
  useEffect(() => {
    const begins = () => {
      printed.value = true;
    };
    const ends = () => {
      printed.value = false;
    };
    addEventListener("beforeprint", begins);
    addEventListener("afterprint", ends);
    return () => {
      removeEventListener("beforeprint", begins);
      removeEventListener("afterprint", ends);
    };
  }, []);
  const transform = useComputed(() =>
    printed.value
      ? "scale(1)"
      : `translate(${view.value.x} ${view.value.y}) scale(${view.value.zoom})`,
  );
  const whole = useComputed(() =>
    printed.value ? `0 0 ${layout.value.width} ${layout.value.height}` : undefined,
  );
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const at = place(event);
    if (event.ctrlKey || event.metaKey || event.deltaMode !== 0 || Math.abs(event.deltaY) >= 40) {
      zoomBy(Math.exp(-event.deltaY * 0.0015), at);
    } else {
      const { x, y, zoom } = view.value;
      view.value = { x: x - event.deltaX, y: y - event.deltaY, zoom };
    }
  };
  return (
    <svg
      ref={element}
      class="graph"
      viewBox={whole}
      aria-label={text.value.circuit}
      onWheel={wheel}
      onPointerDown={(event) => {
        if (event.button === 0) fingers.set(event.pointerId, place(event));
      }}
      onPointerMove={(event) => {
        const from = fingers.get(event.pointerId);
        if (from === undefined) return;
        element.current!.setPointerCapture(event.pointerId);
        const to = place(event);
        fingers.set(event.pointerId, to);
        const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
        if (other === undefined) {
          const { x, y, zoom } = view.value;
          view.value = { x: x + to.x - from.x, y: y + to.y - from.y, zoom };
        } else {
          zoomBy(distance(to, other) / Math.max(1, distance(from, other)), other);
        }
      }}
      onPointerUp={(event) => fingers.delete(event.pointerId)}
      onPointerCancel={(event) => fingers.delete(event.pointerId)}
    >
      <g transform={transform}>
        <Content />
      </g>
    </svg>
  );
}

function Content() {
  const { nodes, wires, frames, tags } = layout.value;
  return (
    <>
      {frames.map((frame) => (
        <FrameBox key={`f${frame.group}`} frame={frame} />
      ))}
      {wires.map((wire) => (
        <WirePath
          key={`${wire.source}-${wire.target}-${wire.lead}-${wire.points[0]?.x}`}
          wire={wire}
        />
      ))}
      {tags.map((tag) => (
        <TagText key={`${tag.source}-${tag.x}-${tag.y}`} tag={tag} />
      ))}
      {nodes.map((node) => (
        <NodeBox key={`${node.vertex}-${node.closed}`} node={node} />
      ))}
    </>
  );
}

/** The name of what a wire that is cut comes from. */
function TagText({ tag }: { tag: Tag }) {
  const lit = useComputed(() => (hovered.value === tag.source ? "tag lit" : "tag"));
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keyboard gets there by the gate itself
    <text
      class={lit}
      x={tag.x + 6}
      y={tag.y + 14}
      onClick={() => reveal(tag.source)}
      onPointerEnter={() => {
        hovered.value = tag.source;
      }}
      onPointerLeave={() => {
        hovered.value = null;
      }}
    >
      {tag.label}
    </text>
  );
}

function pressed(action: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };
}

function FrameBox({ frame }: { frame: Frame }) {
  const group = data.groups[frame.group]!;
  const alarming = useComputed(() => (alarms.value.has(group.vertices.at(-1)!) ? " alarming" : ""));
  const lit = useComputed(() => {
    const at = hovered.value;
    return at !== null && data.vertices[at]!.group === frame.group ? " lit" : "";
  });
  const open = () => toggle(frame.group);
  return (
    <g class={`frame${alarming.value}${lit.value}`}>
      <rect x={frame.x} y={frame.y} width={frame.width} height={frame.height} rx="10">
        <title>{group.text}</title>
      </rect>
      {/* biome-ignore lint/a11y/useSemanticElements: there are no buttons in SVG */}
      <g
        class="handle"
        role="button"
        tabindex={0}
        aria-label={text.value.closeStage(group.name)}
        onClick={open}
        onKeyDown={pressed(open)}
        onPointerDown={(event) => event.stopPropagation()}
      >
        <rect class="hit" x={frame.x} y={frame.y} width={frame.width} height="20" rx="10" />
        <text x={frame.x + 10} y={frame.y + 16}>
          <tspan class="mark">▾ </tspan>
          {group.name}
        </text>
      </g>
    </g>
  );
}

function WirePath({ wire }: { wire: Wire }) {
  const state = useComputed(() => {
    const step = current.value;
    if (step !== null) {
      if (step.forward && step.vertex === wire.target) return " forwards";
      const back =
        !step.forward &&
        step.source === wire.source &&
        (wire.target < 0 ||
          step.vertex === wire.target ||
          step.paths.some(
            (path) =>
              path.gate === wire.target &&
              (wire.lead < 0 || data.vertices[path.gate]!.leads[wire.lead] === path.lead),
          ));
      if (back && (wire.target >= 0 || leadsOn(wire, step.vertex))) return " backwards";
    }
    const at = hovered.value;
    return at !== null && (at === wire.target || at === wire.source) ? " lit" : "";
  });
  return <path class={`wire${state.value}`} d={curve(wire.points)} />;
}

/** Whether a wire to or from a stage's frame is on the way to a gate in it. */
function leadsOn(wire: Wire, gate: number): boolean {
  return wire.lead < 0 && data.vertices[gate]!.leads.some((lead) => lead.source === wire.source);
}

/** The value of a vertex, as far as one has stepped. */
function valueSoFar(v: number): Held | null {
  model.version.value;
  return reached.value === null || reached.value.has(v) ? model.value(v) : null;
}

/** The gradient that has flowed to a vertex so far. */
function gradientSoFar(v: number): Held | null {
  model.version.value;
  const partial = soFar.value;
  return partial === null ? model.gradient(v) : (partial.get(v) ?? null);
}

function NodeBox({ node }: { node: Node }) {
  const v = node.vertex;
  const vertex = data.vertices[v]!;
  const isInput = vertex.group === null;
  const value = useComputed(() => heldText(valueSoFar(v), brief));
  const gradient = useComputed(() => heldText(gradientSoFar(v), brief));
  const stale = useComputed(() => {
    model.version.value;
    return {
      value: model.isStale(vertex.value) ? " stale" : "",
      gradient: model.isStale(vertex.gradient) ? " stale" : "",
    };
  });
  const state = useComputed(() => {
    const step = current.value;
    let found = v === failed ? " failed" : "";
    if (alarms.value.has(v)) found += " alarming";
    if (step !== null && step.vertex === v) found += step.forward ? " forwards" : " backwards";
    if (step !== null && step.source === v) found += " target";
    if (hovered.value === v) found += " lit";
    if (selected.value === v) found += " selected";
    return found;
  });
  const middle = node.height / 2;
  const left = node.body - node.bodyWidth / 2;
  const right = node.body + node.bodyWidth / 2;
  const kind = isInput ? "input" : node.closed === null ? "gate" : "closed";
  const isLoop = vertex.group !== null && data.groups[vertex.group]!.loop;
  const recorded = !isInput && model.isRecorded(v);
  const spoken = useComputed(() => {
    const w = text.value;
    const name = nameOf(v);
    const named = name === node.label ? name : `${name}, ${node.label}`;
    if (v === failed) return w.fails(data.groups[vertex.group!]!.text, data.error!);
    const kept = recorded ? ` (${w.recorded})` : "";
    return `${named}: ${w.value} ${value.value}${kept}, ${w.gradient} ${gradient.value || "–"}`;
  });
  const act = () => {
    selected.value = selected.value === v ? null : v;
  };
  return (
    <g
      class={`node ${kind}${recorded ? " recorded" : ""}${state.value}`}
      transform={`translate(${node.x} ${node.y})`}
    >
      {node.sockets.map((y, k) => (
        <path key={k} class="wire in" d={stub(y, left, middle, node.bodyHeight)} />
      ))}
      <path class="wire out" d={`M${right} ${middle}H${node.width}`} />
      {/* biome-ignore lint/a11y/useSemanticElements: there are no buttons in SVG */}
      <g
        class="hitbox"
        role="button"
        tabindex={0}
        aria-label={spoken}
        onClick={act}
        onDblClick={() => node.closed !== null && !isLoop && toggle(node.closed)}
        onKeyDown={pressed(() => (node.closed === null || isLoop ? act() : toggle(node.closed)))}
        onPointerEnter={() => {
          hovered.value = v;
        }}
        onPointerLeave={() => {
          if (hovered.value === v) hovered.value = null;
        }}
        onFocus={() => {
          hovered.value = v;
        }}
        onBlur={() => {
          if (hovered.value === v) hovered.value = null;
        }}
      >
        <rect
          class="body"
          x={left}
          y={middle - node.bodyHeight / 2}
          width={node.bodyWidth}
          height={node.bodyHeight}
          rx={node.closed === null ? node.bodyHeight / 2 : 9}
        >
          <title>{vertex.group === null ? vertex.label : data.groups[vertex.group]!.text}</title>
        </rect>
        <text class="label" x={node.body} y={middle + 5.5}>
          {node.label}
        </text>
      </g>
      {node.closed !== null && !isLoop && (
        // biome-ignore lint/a11y/useSemanticElements: there are no buttons in SVG
        <g
          class="handle"
          role="button"
          tabindex={0}
          aria-label={text.value.openStage(node.label)}
          onClick={() => toggle(node.closed!)}
          onKeyDown={pressed(() => toggle(node.closed!))}
        >
          <circle cx={right - 3} cy={middle - node.bodyHeight / 2 + 3} r="8" />
          <text class="mark" x={right - 3} y={middle - node.bodyHeight / 2 + 7}>
            +
          </text>
        </g>
      )}
      {node.closed === null && <Locals node={node} />}
      {recorded && (
        <text class="recorded" x={node.body} y={middle - node.bodyHeight / 2 - 4}>
          {text.value.recorded}
        </text>
      )}
      <text class={`value${stale.value.value}`} x={right + 7} y={middle - 7}>
        {value}
      </text>
      <text class={`gradient${stale.value.gradient}`} x={right + 7} y={middle + 18}>
        {gradient}
      </text>
      {mapped.value && isArray(v) && (
        <>
          <SmallMap kind="value" read={() => valueSoFar(v)} x={right + 7} y={middle - 21} above />
          <SmallMap kind="gradient" read={() => gradientSoFar(v)} x={right + 7} y={middle + 24} />
        </>
      )}
    </g>
  );
}

function stub(y: number, left: number, middle: number, height: number): string {
  const end = middle + Math.max(-height * 0.32, Math.min(height * 0.32, y - middle));
  const inset = Math.abs(end - middle) > 4 ? 3 : 0;
  if (Math.abs(end - y) < 0.5) return `M0 ${y}H${left + inset}`;
  return `M0 ${y}H${left - 14}C${left - 4} ${y} ${left - 8} ${end} ${left + inset} ${end}`;
}

/** The local gradients at the sockets of a gate. */
function Locals({ node }: { node: Node }) {
  const order = layout.value.wires
    .filter((wire) => wire.target === node.vertex && wire.lead >= 0)
    .sort((a, b) => a.points.at(-1)!.y - b.points.at(-1)!.y);
  return (
    <>
      {order.map((wire) => (
        <Local
          key={wire.lead}
          gate={node.vertex}
          lead={wire.lead}
          {...(order.length === 1
            ? { x: node.body, y: node.height / 2 + node.bodyHeight / 2 + 14, below: true }
            : { x: 1, y: wire.points.at(-1)!.y - node.y - 5, below: false })}
        />
      ))}
    </>
  );
}

interface LocalProps {
  gate: number;
  lead: number;
  x: number;
  y: number;
  below: boolean;
}

function Local({ gate, lead, x, y, below }: LocalProps) {
  const content = useComputed(() => {
    model.version.value;
    const one = data.vertices[gate]!.leads[lead]!;
    if (soFar.value !== null && !soFar.value.has(gate)) return "";
    const local = model.local(gate, one);
    return local === null ? "" : `×${brief(local)}`;
  });
  const active = useComputed(() => {
    const step = current.value;
    const one = data.vertices[gate]!.leads[lead]!;
    return step?.paths.some((path) => path.gate === gate && path.lead === one) ? " active" : "";
  });
  return (
    <text class={`local${active.value}${below ? " below" : ""}`} x={x} y={y}>
      {content}
    </text>
  );
}

/** What the colours mean. */
export function Legend() {
  const w = text.value;
  return (
    <p class="legend">
      <span class="value">{w.value}</span>
      {failed === null && <span class="gradient">{w.gradient}</span>}
      {failed === null && <span class="local">{w.local}</span>}
      {hasArrays && <span class="dim">{w.localOfArrays}</span>}
    </p>
  );
}
