// One vertex in detail: what it is made of, its value and gradient, and where that comes from.

import { type Signal, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { fedBackward, fedForward } from "./feeds";
import { precise, shapeText } from "./format";
import { Heat } from "./heat";
import { type Held, indexText, isNumber } from "./model";
import { current, data, hovered, model, nameOf, selected, text } from "./state";
import { seriesOf, Turns } from "./turns";

export function Details() {
  const shown = useComputed(() => selected.value ?? current.value?.vertex ?? hovered.value);
  const v = shown.value;
  if (v === null) return null;
  const vertex = data.vertices[v]!;
  if (seriesOf(v).length > 0) return <Turns key={v} v={v} />;
  const held = model.value(v);
  if (held === null || isNumber(held)) return null;
  return <ArrayDetails key={v} v={v} group={vertex.group} />;
}

function ArrayDetails({ v, group }: { v: number; group: number | null }) {
  const w = text.value;
  const element = useRef<HTMLElement>(null);
  useSignalEffect(() => {
    if (selected.value === v) element.current?.scrollIntoView({ block: "nearest" });
  });
  const at = useSignal<number | null>(null);
  const back = useSignal<number | null>(null);
  const vertex = data.vertices[v]!;
  const users = data.vertices.flatMap((user, u) =>
    user.leads.some((lead) => lead.source === v) && user.gradient !== null ? [u] : [],
  );
  const code = group === null ? vertex.label : data.groups[group]!.text.split("\n")[0]!;
  return (
    <section ref={element} class="details" aria-label={w.details}>
      <h2>
        {nameOf(v)} <code>{code}</code>
      </h2>
      <div class="maps">
        <Chart
          kind="value"
          name={nameOf(v)}
          title={w.value}
          read={() => read(() => model.value(v))}
          at={at}
        />
        <Chart
          kind="gradient"
          name={`d${nameOf(v)}`}
          title={w.gradient}
          read={() => read(() => model.gradient(v))}
          at={back}
        />
      </div>
      <div class="maps small">
        {vertex.leads.map((lead, k) => (
          <Chart
            key={`${lead.source}-${k}`}
            kind="value"
            name={nameOf(lead.source)}
            read={() => read(() => model.value(lead.source))}
            lit={() => fedForward(v, k, at.value)}
          />
        ))}
        {users.map((u) => (
          <Chart
            key={u}
            kind="gradient"
            name={`d${nameOf(u)}`}
            read={() => read(() => model.gradient(u))}
            lit={() => fedBackward(v, u, back.value)}
          />
        ))}
      </div>
    </section>
  );
}

function read(look: () => Held | null): Held | null {
  model.version.value;
  return look();
}

/** The shape; of a sample what is true of the whole. */
export function summaryOf(held: Held): string {
  const { whole } = held;
  if (whole === undefined) return shapeText(held.shape);
  const [mean, least, most] = [whole.mean, whole.least, whole.most].map(precise);
  const size = whole.norm === null ? "–" : precise(whole.norm);
  return text.value.sampled(shapeText(whole.shape), size, mean!, least!, most!);
}

interface ChartProps {
  kind: "value" | "gradient";
  name: string;
  title?: string;
  read: () => Held | null;
  at?: Signal<number | null>;
  lit?: () => ReadonlySet<number>;
}

function Chart({ kind, name, title, read, at, lit }: ChartProps) {
  const own = useSignal<number | null>(null);
  const entry = at ?? own;
  const said = useComputed(() => {
    const held = read();
    const k = entry.value;
    if (held === null) return `${name} –`;
    if (isNumber(held)) return `${name} = ${precise(held.numbers[0]!)}`;
    if (k === null || k >= held.numbers.length) return `${name}  ${summaryOf(held)}`;
    return text.value.entry(name, indexText(k, held), precise(held.numbers[k]!));
  });
  const held = read();
  return (
    <figure class={kind}>
      <figcaption>
        {title && <b>{title} </b>}
        {said}
      </figcaption>
      {held !== null && !isNumber(held) && (
        <Heat name={name} read={read} at={entry} cell={at ? 24 : 17} {...(lit ? { lit } : {})} />
      )}
    </figure>
  );
}
