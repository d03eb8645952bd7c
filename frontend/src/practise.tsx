// Your turn: the reader writes the backward lines, and each is judged at once.

import { computed, signal, useComputed, useSignal } from "@preact/signals";
import type { Line } from "./data";
import { shapeText } from "./format";
import { judge } from "./judge";
import { data, hovered, model, nameOf, store, stored, text } from "./state";

const HINTS = 3;
const lines = data.lines.filter(practisable);

interface Answer {
  written: string;
  hints: number;
}

/** What was written so far, by the numbers of the lines; kept where the browser keeps something. */
const answers = signal<readonly Answer[]>(remembered());

function remembered(): Answer[] {
  const empty = lines.map(() => ({ written: "", hints: 0 }));
  try {
    const found: unknown = JSON.parse(stored(`exercise.${data.exercise}`) ?? "[]");
    if (!Array.isArray(found) || found.length !== lines.length) return empty;
    return found.map((one) => ({
      written: String(one.written ?? ""),
      hints: Number(one.hints) || 0,
    }));
  } catch {
    return empty;
  }
}

function change(k: number, answer: Partial<Answer>): void {
  answers.value = answers.value.map((old, j) => (j === k ? { ...old, ...answer } : old));
  store(`exercise.${data.exercise}`, JSON.stringify(answers.value));
}

export function practisable(line: Line): boolean {
  return line.exercise === true;
}

const rights = computed(() =>
  answers.value.map(({ written }, k) => written.trim() !== "" && judge(lines[k]!, written).right),
);

export function Practice({ line }: { line: Line }) {
  const k = lines.indexOf(line);
  const w = text.value;
  const answer = useComputed(() => answers.value[k]!);
  const verdict = useComputed(() => {
    const { written } = answer.value;
    return written.trim() === "" ? null : judge(line, written);
  });
  const indent = line.text.length - line.text.trimStart().length;
  const state = verdict.value === null ? "" : verdict.value.right ? " right" : " wrong";
  return (
    <li class={`line practice${state}`} style={`--indent:${indent}ch`}>
      <label>
        <code>
          {line.target} {line.operator}{" "}
        </code>
        <input
          type="text"
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          aria-label={w.lineFor(line.target!)}
          aria-invalid={verdict.value?.right === false}
          value={answer.value.written}
          onInput={(event) => change(k, { written: event.currentTarget.value })}
          onFocus={() => {
            hovered.value = line.of ?? null;
          }}
          onBlur={() => {
            hovered.value = null;
          }}
        />
      </label>
      <button
        type="button"
        disabled={answer.value.hints >= HINTS}
        onClick={() => change(k, { hints: answer.value.hints + 1 })}
      >
        {w.hintButton(Math.min(HINTS, answer.value.hints + 1))}
      </button>
      <output aria-live="polite">{verdict.value?.message}</output>
      {answer.value.hints > 0 && (
        <ul class="hints">
          {hints(line)
            .slice(0, answer.value.hints)
            .map((hint) => (
              <li key={hint}>{hint}</li>
            ))}
        </ul>
      )}
    </li>
  );
}

/** Three hints: what shape it has, where to look, and how it is made up. */
function hints(line: Line): string[] {
  const w = text.value;
  const gradient = model.gradient(line.of!);
  const shape = gradient === null || gradient.shape.length === 0 ? "()" : shapeText(gradient.shape);
  const { group } = data.vertices[line.vertex!]!;
  const stage = data.groups[group!]!.text;
  const made =
    line.local && line.upstream
      ? w.hintFactors(line.local, line.upstream)
      : w.hintAnswer(`${line.target} ${line.operator} ${line.expression}`);
  return [w.hintShape(line.target!, shape), w.hintRule(stage, nameOf(line.of!)), made];
}

/** How many lines are right, and the code that says so. */
export function Score() {
  const w = text.value;
  const copied = useSignal(false);
  const right = useComputed(() => rights.value.filter(Boolean).length);
  const code = useComputed(() => resultCode(rights.value));
  return (
    <div class="score">
      <p>{w.practiseIntro}</p>
      <p>
        <meter min={0} max={lines.length} value={right.value} aria-hidden="true" />{" "}
        <b aria-live="polite">{w.score(right.value, lines.length)}</b>
        <button type="button" onClick={() => startAgain()}>
          {w.startAgain}
        </button>
      </p>
      <label>
        {w.result}{" "}
        <input
          type="text"
          readOnly
          class={copied.value ? "code copied" : "code"}
          value={code}
          onFocus={(event) => event.currentTarget.select()}
        />
      </label>
      <small>{w.resultHelp}</small>
    </div>
  );
}

function startAgain(): void {
  answers.value = lines.map(() => ({ written: "", hints: 0 }));
  store(`exercise.${data.exercise}`, "[]");
}

/** The result as `chainrule exercise --read` takes it: see `chainrule/page/exercise.py`. */
function resultCode(right: readonly boolean[]): string {
  const bits = right.map((one) => (one ? "1" : "0")).join("");
  const taken = answers.value.reduce((total, answer) => total + answer.hints, 0);
  const text = `cr1-${data.exercise}-${bits}-${taken}`;
  return `${text}-${checksum(text)}`;
}

/** CRC-32, as in zip files. */
function checksum(text: string): string {
  let crc = 0xffffffff;
  for (const character of text) {
    crc ^= character.charCodeAt(0);
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (~crc >>> 0).toString(16).padStart(8, "0");
}
