// The staged code, with the numbers of its lines.

import { useComputed, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { contributionOf, localOf } from "./contributions";
import type { Line } from "./data";
import { precise } from "./format";
import { type Held, heldText, isNumber } from "./model";
import { Practice, practisable, Score } from "./practise";
import {
  current,
  data,
  hovered,
  isNamed,
  model,
  practising,
  reached,
  soFar,
  step,
  steps,
  text,
} from "./state";
import { endsOf } from "./turns";
import { alarms } from "./warnings";

function shown(held: Held | null): string {
  return heldText(held, precise);
}

function lineText(line: Line): string {
  model.version.value;
  const series = data.series[line.series ?? -1];
  if (series !== undefined && step.value === null) return endsOf(series);
  if (line.loop !== undefined || line.vertex === null || line.vertex === undefined) return "";
  if (!line.backward) {
    if (reached.value !== null && !reached.value.has(line.vertex)) return "";
    return shown(model.value(line.vertex));
  }
  if (step.value !== null && !isDone(line)) return "";
  const part = contributionOf(line);
  if (part === null) return "";
  if (!isNumber(part)) return shown(part);
  const upstream = model.gradient(line.vertex);
  const local = localOf(line);
  if (local === null || upstream === null || !isNumber(upstream)) return shown(part);
  return `${precise(local)} × ${precise(upstream.numbers[0]!)} = ${shown(part)}`;
}

/** Whether the steps so far have come to a backward line. */
function isDone(line: Line): boolean {
  const at = step.value;
  if (at === null || soFar.value === null) return true;
  const group = data.vertices[line.vertex!]!.group;
  const mine = steps.value.flatMap((one, k) =>
    !one.forward && one.source === line.of && data.vertices[one.vertex]!.group === group ? [k] : [],
  );
  const last = mine.at(-1);
  return last !== undefined && last <= at;
}

function isCurrent(line: Line): boolean {
  const one = current.value;
  if (one === null || line.vertex === null || line.vertex === undefined) return false;
  if (data.vertices[one.vertex]!.group !== data.vertices[line.vertex]!.group) return false;
  if (one.forward) return !line.backward;
  if (line.backward !== true) return false;
  // Inside of a stage gradients flow from gate to gate: its lines are all being worked on.
  return one.source === line.of || !isNamed(one.source!);
}

function isLit(line: Line): boolean {
  const at = hovered.value;
  if (at === null || line.vertex === null || line.vertex === undefined) return false;
  const { group } = data.vertices[at]!;
  if (group === null) return line.of === at;
  return data.vertices[line.vertex]!.group === group || (line.of === at && isNamed(at));
}

/** The code without the second of two empty lines. */
const LINES = data.lines.filter((line, k) => line.text !== "" || data.lines[k - 1]?.text !== "");

export function Code() {
  const w = text.value;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by the keyboard, too
    <section class="code" aria-label={w.code} tabIndex={0}>
      {practising.value && <Score />}
      <ol>
        {LINES.map((line, k) =>
          practising.value && practisable(line) ? (
            <Practice key={k} line={line} />
          ) : (
            <CodeLine key={k} line={line} />
          ),
        )}
      </ol>
    </section>
  );
}

function CodeLine({ line }: { line: Line }) {
  const element = useRef<HTMLLIElement>(null);
  const number = useComputed(() => lineText(line));
  const state = useComputed(() => {
    let found = line.backward ? "line backward" : "line";
    if (line.fails) found += " failing";
    if (isCurrent(line)) found += current.value?.forward ? " forwards" : " backwards";
    else if (isLit(line)) found += " lit";
    if (
      !line.backward &&
      line.vertex !== null &&
      line.vertex !== undefined &&
      alarms.value.has(line.vertex)
    ) {
      found += " alarming";
    }
    return found;
  });
  useSignalEffect(() => {
    if (isCurrent(line)) element.current?.scrollIntoView({ block: "nearest" });
  });
  const about = line.backward ? line.of : line.vertex;
  return (
    <li
      ref={element}
      class={state}
      onPointerEnter={() => {
        hovered.value = about ?? line.vertex ?? null;
      }}
      onPointerLeave={() => {
        hovered.value = null;
      }}
    >
      <code>{tokens(line.text)}</code>
      <span class={line.backward ? "gradient" : "value"}>{number}</span>
      {line.fails && <strong>{data.error}</strong>}
    </li>
  );
}

/** Let comments and keywords stand back. */
function tokens(line: string) {
  const at = line.indexOf("#");
  const code = at < 0 ? line : line.slice(0, at).trimEnd();
  const isAside = code !== "";
  const words = code.split(/\b(def|return|import|as|for|in|assert|if|else|reversed|range)\b/);
  return (
    <>
      {words.map((word, k) => (k % 2 === 1 ? <i key={k}>{word}</i> : word))}
      {at >= 0 && <em class={isAside ? "aside" : ""}>{line.slice(code.length)}</em>}
    </>
  );
}
