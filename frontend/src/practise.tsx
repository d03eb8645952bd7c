// Your turn: the reader writes the backward lines, or the local gradients in them, judged at once.

import { computed, type Signal, signal, useComputed } from "@preact/signals";
import { contributionOf, localOf } from "./contributions";
import type { Line, Task } from "./data";
import { precise, shapeText } from "./format";
import { judge } from "./judge";
import { data, hovered, model, nameOf, store, stored, text } from "./state";

const HINTS = 3;
const TASKS: readonly Task[] = ["lines", "local"];
const asked: Record<Task, readonly Line[]> = {
  lines: data.lines.filter((line) => line.exercise === true),
  local: data.lines.filter((line) => line.local_exercise === true),
};

/** What the reader writes. */
export const task = signal<Task>(data.practise ?? "lines");

interface Answer {
  written: string;
  hints: number;
}

/** What was written so far, line by line; kept where the browser keeps something. */
const answers: Record<Task, Signal<readonly Answer[]>> = {
  lines: signal(remembered("lines")),
  local: signal(remembered("local")),
};

function key(of: Task): string {
  return `exercise.${data.exercises[of]}`;
}

function remembered(of: Task): Answer[] {
  const empty = asked[of].map(() => ({ written: "", hints: 0 }));
  try {
    const found: unknown = JSON.parse(stored(key(of)) ?? "[]");
    if (!Array.isArray(found) || found.length !== empty.length) return empty;
    return found.map((one) => ({
      written: String(one.written ?? ""),
      hints: Number(one.hints) || 0,
    }));
  } catch {
    return empty;
  }
}

// The same page may be open twice: what is written in one is there in the other.
addEventListener("storage", () => {
  for (const of of TASKS) answers[of].value = remembered(of);
});

function change(of: Task, k: number, answer: Partial<Answer>): void {
  answers[of].value = answers[of].value.map((old, j) => (j === k ? { ...old, ...answer } : old));
  store(key(of), JSON.stringify(answers[of].value));
}

/** Whether a line is left to the reader now. */
export function practisable(line: Line): boolean {
  return asked[task.value].includes(line);
}

/** Whether there is anything to write. */
export const hasExercise = asked.lines.length > 0;

const rights = computed(() =>
  answers[task.value].value.map(
    ({ written }, k) =>
      written.trim() !== "" && judge(asked[task.value][k]!, task.value, written).right,
  ),
);

export function Practice({ line }: { line: Line }) {
  return <Field key={task.value} line={line} of={task.value} />;
}

function Field({ line, of }: { line: Line; of: Task }) {
  const k = asked[of].indexOf(line);
  const w = text.value;
  const answer = useComputed(() => answers[of].value[k]!);
  const verdict = useComputed(() => {
    const { written } = answer.value;
    return written.trim() === "" ? null : judge(line, of, written);
  });
  const [stage, variable] = [nameOf(line.vertex!), nameOf(line.of!)];
  const indent = line.text.length - line.text.trimStart().length;
  const state = verdict.value === null ? "" : verdict.value.right ? " right" : " wrong";
  return (
    <li class={`line practice${state}`} style={`--indent:${indent}ch`}>
      <label>
        <code>
          {of === "lines" ? `${line.target} ${line.operator} ` : `∂${stage}/∂${variable} = `}
        </code>
        <input
          type="text"
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          aria-label={of === "lines" ? w.lineFor(line.target!) : w.localFor(stage, variable)}
          aria-invalid={verdict.value?.right === false}
          value={answer.value.written}
          onInput={(event) => change(of, k, { written: event.currentTarget.value })}
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
        onClick={() => change(of, k, { hints: answer.value.hints + 1 })}
      >
        {w.hintButton(Math.min(HINTS, answer.value.hints + 1))}
      </button>
      <output aria-live="polite">{verdict.value?.message}</output>
      {answer.value.hints > 0 && (
        <ul class="hints">
          {(of === "lines" ? hints(line) : localHints(line))
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

/** Three hints to a local gradient: where to look, what it is here, and how it can be written. */
function localHints(line: Line): string[] {
  const w = text.value;
  const stage = data.groups[data.vertices[line.vertex!]!.group!]!.text;
  const local = localOf(line) ?? entryOf(line);
  const here = local === null ? "–" : precise(local);
  const made = line.local ?? line.expression!;
  return [w.hintRule(stage, nameOf(line.of!)), w.hintNumber(here), w.hintAnswer(made)];
}

/** The local gradient at the first entry that anything comes back to. */
function entryOf(line: Line): number | null {
  const part = contributionOf(line)?.numbers;
  const upstream = model.gradient(line.vertex!)?.numbers;
  const k = upstream?.findIndex((x) => x !== 0) ?? -1;
  return part === undefined || k < 0 ? null : part[k]! / upstream![k]!;
}

/** How many lines are right, and the code that says so. */
export function Score() {
  const w = text.value;
  const right = useComputed(() => rights.value.filter(Boolean).length);
  const code = useComputed(() => resultCode(rights.value));
  return (
    <div class="score">
      {asked.local.length > 0 && <Choice />}
      <p>{task.value === "lines" ? w.practiseIntro : w.localIntro}</p>
      <p>
        <meter min={0} max={rights.value.length} value={right.value} aria-hidden="true" />{" "}
        <b aria-live="polite">{w.score(right.value, rights.value.length)}</b>
        <button type="button" onClick={() => startAgain()}>
          {w.startAgain}
        </button>
      </p>
      <label>
        {w.result}{" "}
        <input
          type="text"
          readOnly
          class="code"
          value={code}
          onFocus={(event) => event.currentTarget.select()}
        />
      </label>
      <small>{w.resultHelp}</small>
    </div>
  );
}

/** Whole lines, or the local gradients in them. */
function Choice() {
  const w = text.value;
  const said: Record<Task, string> = { lines: w.wholeLines, local: w.localAlone };
  return (
    <fieldset>
      <legend>{w.task}</legend>
      {TASKS.map((one) => (
        <label key={one}>
          <input
            type="radio"
            name="task"
            checked={task.value === one}
            onChange={() => {
              task.value = one;
            }}
          />
          {said[one]}
        </label>
      ))}
    </fieldset>
  );
}

function startAgain(): void {
  answers[task.value].value = asked[task.value].map(() => ({ written: "", hints: 0 }));
  store(key(task.value), "[]");
}

/** The result as `chainrule exercise --read` takes it: see `chainrule/page/exercise.py`. */
function resultCode(right: readonly boolean[]): string {
  const bits = right.map((one) => (one ? "1" : "0")).join("");
  const taken = answers[task.value].value.reduce((total, answer) => total + answer.hints, 0);
  const text = `cr1-${data.exercises[task.value]}-${bits}-${taken}`;
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
