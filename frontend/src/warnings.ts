// What goes wrong at the inputs as they are now, in the words of `chainrule.explain`.

import { computed } from "@preact/signals";
import type { Alarm } from "./data";
import { precise } from "./format";
import type { Held } from "./model";
import { data, model, nameOf, text } from "./state";

export interface Warning {
  vertex: number | null;
  message: string;
}

/** What is the matter now. */
export const warnings = computed<Warning[]>(() => {
  model.version.value;
  const broken = notFinite();
  const said = data.alarms
    .filter((alarm) => numberOf(alarm.when) === 1)
    .map((alarm) => ({ vertex: alarm.vertex, message: messageOf(alarm) }));
  return [...broken, ...said];
});

/** The vertices at which something is the matter. */
export const alarms = computed<ReadonlySet<number>>(
  () =>
    new Set(warnings.value.flatMap((warning) => (warning.vertex === null ? [] : [warning.vertex]))),
);

function numberOf(value: number): number {
  return model.held(value)?.numbers[0] ?? Number.NaN;
}

/** Put names and numbers into the text of an alarm. */
function messageOf(alarm: Alarm): string {
  const w = text.value;
  const filled = (w.alarms[alarm.text] ?? data.texts[alarm.text]!).replace(/{(\w+)}/g, (_, key) => {
    if (key in alarm.numbers) return precise(numberOf(alarm.numbers[key]!));
    if (key in alarm.shares) return percent(numberOf(alarm.shares[key]!));
    const name = alarm.names[key]!;
    return key === "kind" ? (w.kinds[name] ?? String(name)) : String(name);
  });
  return filled.charAt(0).toUpperCase() + filled.slice(1);
}

function notFinite(): Warning[] {
  const w = text.value;
  const what = (held: Held | null): string | null => {
    if (held === null) return null;
    if (held.numbers.some(Number.isNaN)) return "nan";
    return held.numbers.some((x) => !Number.isFinite(x)) ? "inf" : null;
  };
  for (let v = 0; v < data.vertices.length; v++) {
    const found = what(model.value(v));
    if (found !== null) return [{ vertex: v, message: w.notFinite(nameOf(v), found) }];
  }
  for (let v = data.vertices.length - 1; v >= 0; v--) {
    const found = what(model.gradient(v));
    if (found !== null) return [{ vertex: v, message: w.gradientNotFinite(nameOf(v), found) }];
  }
  return [];
}

function percent(share: number): string {
  const x = 100 * share;
  return `${x >= 1 || x === 0 ? x.toFixed(0) : x.toPrecision(2)}%`;
}
