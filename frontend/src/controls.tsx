// Step by step: the buttons, the keys, and the sentence of each step.

import { useComputed, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { brief } from "./format";
import { type Held, heldText, isNumber } from "./model";
import {
  closeOrOpenAll,
  current,
  data,
  failed,
  goTo,
  isNamed,
  model,
  move,
  nameOf,
  playing,
  soFar,
  step,
  steps,
  text,
} from "./state";
import { added, type Step } from "./steps";
import { fit, zoomBy } from "./view";

const PACE = 1100; // milliseconds that each step stays

function gradientName(v: number): string {
  return isNamed(v) ? `d${nameOf(v)}` : `d(${nameOf(v)})`;
}

function shown(held: Held | null): string {
  return held === null ? "–" : heldText(held, brief);
}

/** Say what happens in a step. */
export function sentence(one: Step): string {
  const w = text.value;
  const vertex = data.vertices[one.vertex]!;
  const group = data.groups[vertex.group!]!;
  if (one.vertex === failed) return w.fails(group.text, data.error!);
  if (one.forward) {
    const value = shown(model.value(one.vertex));
    if (one.closed !== null || (group.vertices.length === 1 && group.text !== "")) {
      return w.givesForward(group.text.split("\n")[0]!, value);
    }
    const operands = vertex.leads.map((lead) => shown(model.value(lead.source))).join(", ");
    const name = isNamed(one.vertex) ? `, ${group.name}` : "";
    return w.gateForward(`${vertex.label}${name}`, operands, value);
  }
  const target = gradientName(one.source!);
  const part = added(model, one);
  const total = soFar.value?.get(one.source!) ?? null;
  const after = one.first ? w.firstPath : w.furtherPath(shown(total));
  const begins =
    one.vertex === data.vertices.length - 1 && one.first ? ` (${w.seed(data.output)})` : "";
  const [path] = one.paths;
  const upstream = path && model.gradient(path.gate);
  if (one.paths.length === 1 && path?.lead.local !== undefined && upstream && isNumber(upstream)) {
    const local = model.local(path.gate, path.lead);
    const said = w.adds(local === null ? "–" : brief(local), shown(upstream), shown(part), target);
    return `${said}; ${after}${begins}`;
  }
  return `${w.addsArray(shown(part), target)}; ${after}${begins}`;
}

export function Controls() {
  const w = text.value;
  const last = steps.value.length - 1;
  const said = useComputed(() => {
    model.version.value;
    const one = current.value;
    return one === null ? text.value.hint : sentence(one);
  });
  const pass = useComputed(() => {
    const one = current.value;
    if (one === null) return "";
    return one.forward ? text.value.forward : text.value.backward;
  });
  const place = useComputed(() =>
    step.value === null ? "" : text.value.stepOf(step.value + 1, steps.value.length),
  );
  useSignalEffect(() => {
    if (!playing.value) return;
    const at = step.value;
    const timer = setTimeout(
      () => {
        if (at !== null && at >= steps.value.length - 1) playing.value = false;
        else move(1);
      },
      at === null ? 0 : PACE,
    );
    return () => clearTimeout(timer);
  });
  useEffect(() => {
    addEventListener("keydown", keyed);
    return () => removeEventListener("keydown", keyed);
  }, []);
  const at = step.value;
  return (
    <section
      class={current.value?.forward === false ? "controls backwards" : "controls"}
      title={w.keys}
    >
      <div class="buttons">
        <Button name={w.first} sign="first" off={at === 0} act={() => goTo(0)} />
        <Button name={w.back} sign="back" off={at === null || at === 0} act={() => move(-1)} />
        <Button
          name={playing.value ? w.pause : w.play}
          sign={playing.value ? "pause" : "play"}
          primary
          act={play}
        />
        <Button name={w.next} sign="next" off={at === last} act={() => move(1)} />
        <Button name={w.last} sign="last" off={at === last} act={() => goTo(last)} />
        <Button name={w.whole} sign="whole" off={at === null} act={() => goTo(null)} />
      </div>
      <p class="sentence" aria-live="polite">
        <b>{pass}</b> {said} <small>{place}</small>
      </p>
      <progress max={last + 1} value={at === null ? 0 : at + 1} aria-hidden="true" />
    </section>
  );
}

const ICONS = {
  first: "M6 5h2v14H6zM19 5v14l-10-7z",
  back: "M17 5v14L7 12z",
  play: "M7 4v16l13-8z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  next: "M7 5v14l10-7z",
  last: "M16 5h2v14h-2zM5 5v14l10-7z",
  whole: "M4 4h7v2H6v5H4zM13 4h7v7h-2V6h-5zM4 13h2v5h5v2H4zM18 13h2v7h-7v-2h5z",
};

interface ButtonProps {
  name: string;
  sign: keyof typeof ICONS;
  act: () => void;
  off?: boolean;
  primary?: boolean;
}

function Button({ name, sign, act, off = false, primary = false }: ButtonProps) {
  return (
    <button
      type="button"
      class={primary ? "round primary" : "round"}
      aria-label={name}
      title={name}
      disabled={off}
      onClick={() => {
        if (!primary) playing.value = false;
        act();
      }}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={ICONS[sign]} />
      </svg>
    </button>
  );
}

function play(): void {
  if (!playing.value && step.value !== null && step.value >= steps.value.length - 1) goTo(0);
  playing.value = !playing.value;
}

function keyed(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    target.closest("input, textarea, select, canvas")
  )
    return;
  const actions: Record<string, () => void> = {
    ArrowRight: () => move(1),
    ArrowLeft: () => move(-1),
    Home: () => goTo(0),
    End: () => goTo(steps.value.length - 1),
    Escape: () => goTo(null),
    " ": play,
    "+": () => zoomBy(1.25),
    "=": () => zoomBy(1.25),
    "-": () => zoomBy(0.8),
    "0": fit,
    o: closeOrOpenAll,
  };
  if (event.key.startsWith("Arrow") && target.scrollWidth > target.clientWidth + 1) {
    if (target.matches(".code, .table")) return; // which scroll sideways
  }
  if (event.key === " " && target.closest("button, [role=button]")) return;
  const action = actions[event.key];
  if (action === undefined) return;
  event.preventDefault();
  if (event.key !== " ") playing.value = false;
  action();
}
