// The inputs: a slider and a field for each number, a map of colours for each array.

import { useComputed, useSignal } from "@preact/signals";
import type { Input } from "./data";
import { summaryOf } from "./details";
import { norm, parsed, precise, shapeText } from "./format";
import { Heat } from "./heat";
import { indexText, recordedOf } from "./model";
import { data, failed, hovered, model, text } from "./state";

const hasArrays = data.inputs.some((input) => input.floating && input.shape.length > 0);

export function Inputs() {
  const w = text.value;
  const shown = data.inputs.map((input, k) => ({ input, k }));
  return (
    <section class="inputs" aria-label={w.inputs}>
      <header>
        <h2>{w.inputs}</h2>
        {model.live && hasArrays && <small>{w.chooseEntry}</small>}
        <button type="button" disabled={!model.moved.value} onClick={() => model.reset()}>
          {w.reset}
        </button>
        <Update />
      </header>
      {!model.live && <p class="note">{w.notLive}</p>}
      <div class="fields">
        {shown.map(({ input, k }) => (
          <div
            key={k}
            class="field"
            onPointerEnter={() => {
              hovered.value = input.vertex;
            }}
            onPointerLeave={() => {
              hovered.value = null;
            }}
          >
            <Field input={input} k={k} />
          </div>
        ))}
      </div>
    </section>
  );
}

function Field({ input, k }: { input: Input; k: number }) {
  const w = text.value;
  if (!input.floating) {
    const shown =
      input.text ??
      (input.shape.length === 0 ? precise(model.inputs[k]![0] ?? 0) : shapeText(input.shape));
    return (
      <p class="fixed" title={w.flag}>
        <b>{input.name}</b> = <span class="value">{shown}</span> <small>{w.constant}</small>
      </p>
    );
  }
  if (input.shape.length === 0) return <Slider name={input.name} k={k} entry={0} />;
  return <ArrayField input={input} k={k} />;
}

function ArrayField({ input, k }: { input: Input; k: number }) {
  const at = useSignal<number | null>(null);
  const chosen = useSignal<number | null>(null);
  const numbers = model.inputs[k]!;
  const tooLarge = input.data === undefined;
  const sample = tooLarge ? recordedOf(input) : null;
  const read = () => {
    model.version.value;
    return sample ?? { numbers, shape: input.shape, live: true };
  };
  const said = useComputed(() => {
    model.version.value;
    const entry = at.value ?? chosen.value;
    const held = read();
    if (entry === null) return `${input.name}  ${summaryOf(held)}`;
    return text.value.entry(input.name, indexText(entry, held), precise(held.numbers[entry]!));
  });
  if (tooLarge && sample === null) {
    return (
      <p class="fixed">
        <b>{input.name}</b> {shapeText(input.shape)}
      </p>
    );
  }
  return (
    <div class="array">
      <p class="caption">{said}</p>
      <Heat name={input.name} read={read} at={at} {...(tooLarge ? {} : { chosen })} cell={18} />
      {chosen.value !== null && (
        <Slider
          name={`${input.name}[${indexText(chosen.value, read())}]`}
          k={k}
          entry={chosen.value}
        />
      )}
    </div>
  );
}

/** A round number not below x. */
function round(x: number): number {
  const power = 10 ** Math.floor(Math.log10(x));
  return [1, 2, 3, 4, 5, 6, 8, 10].map((k) => k * power).find((k) => k >= x * 0.999) ?? 10 * power;
}

function Slider({ name, k, entry }: { name: string; k: number; entry: number }) {
  const numbers = model.inputs[k]!;
  const start = model.initial[k]![entry]!;
  const span = Number.isFinite(start) ? round(Math.max(2, 2 * Math.abs(start))) : 10;
  const fault = useSignal("");
  const typed = useSignal<string | null>(null);
  const value = useComputed(() => {
    model.version.value;
    return numbers[entry]!;
  });
  const shown = useComputed(() => typed.value ?? precise(value.value));
  const given = (content: string) => {
    typed.value = content;
    const x = parsed(content);
    fault.value = x === null ? text.value.notNumber(content) : "";
    if (x !== null) model.set(k, entry, x);
  };
  return (
    <div class="slider">
      <label>
        <b>{name}</b>
        <input
          type="range"
          min={-span}
          max={span}
          step={span / 200}
          value={Number.isFinite(value.value) ? value.value : start}
          disabled={!model.live}
          aria-valuetext={shown}
          onInput={(event) => {
            typed.value = null;
            fault.value = "";
            model.set(k, entry, Number(Number(event.currentTarget.value).toPrecision(10)));
          }}
        />
      </label>
      <input
        type="text"
        inputMode="decimal"
        aria-label={name}
        aria-invalid={fault.value !== ""}
        value={shown}
        disabled={!model.live}
        onInput={(event) => given(event.currentTarget.value)}
        onBlur={() => {
          typed.value = null;
          fault.value = "";
        }}
      />
      {fault.value !== "" && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}

/** A step of gradient descent on all inputs that gradients are taken by. */
function Update() {
  const w = text.value;
  const rate = useSignal(0.1);
  const said = useSignal<readonly string[]>([]);
  const last = data.vertices.length - 1;
  const moving = data.inputs.flatMap((input, k) => (input.wanted ? [k] : []));
  /** The result and the inputs that are moved, as text: of arrays the norms. */
  const state = () => [
    precise(model.value(last)?.numbers[0] ?? Number.NaN),
    ...moving.map((k) => {
      const numbers = model.inputs[k]!;
      return data.inputs[k]!.shape.length === 0
        ? precise(numbers[0]!)
        : `‖${precise(norm(numbers))}‖`;
    }),
  ];
  const names = [data.output, ...moving.map((k) => data.inputs[k]!.name)];
  if (!model.live || last < 0 || failed !== null) return null;
  const take = () => {
    const before = state();
    const gradients = data.inputs.map((input) =>
      input.wanted && input.vertex !== null
        ? model.gradient(input.vertex)?.numbers.slice()
        : undefined,
    );
    model.inputs.forEach((x, k) => {
      gradients[k]?.forEach((g, i) => {
        x[i] = x[i]! - rate.value * g;
      });
    });
    model.run();
    const after = state();
    said.value = names.map((name, k) => `${name}: ${w.updated(before[k]!, after[k]!)}`);
  };
  return (
    <span class="update">
      <label>
        {w.rate}
        <input
          type="text"
          inputMode="decimal"
          size={5}
          value={String(rate.value)}
          onChange={(event) => {
            const x = parsed(event.currentTarget.value);
            if (x !== null && Number.isFinite(x)) rate.value = x;
            else event.currentTarget.value = String(rate.value);
          }}
        />
      </label>
      <button type="button" class="primary" onClick={take}>
        {w.update}
      </button>
      <output>
        {said.value.map((line) => (
          <span key={line}>{line}</span>
        ))}
      </output>
    </span>
  );
}
