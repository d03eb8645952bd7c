// The turns of a loop: the first of them, and more on demand.

import { useComputed, useSignal } from "@preact/signals";
import { decoded, type Series } from "./data";
import { precise } from "./format";
import { heldText } from "./model";
import { data, model, text } from "./state";

const FIRST = 20; // turns that are shown, and come with each "more"

const recorded = new Map<Series["values"] | Series["gradients"], ArrayLike<number>>();

function textAt(series: Series, what: "values" | "gradients", turn: number): string {
  const given = series[what];
  if (typeof given !== "string") return heldText(model.held(given[turn]), precise) || "–";
  if (!recorded.has(given)) recorded.set(given, decoded(given));
  const x = recorded.get(given)![turn]!;
  if (what === "gradients" && Number.isNaN(x)) return "–";
  return series.arrays ? `‖${precise(x)}‖` : precise(x);
}

/** What a line of a loop gives: in the first turn and in the last. */
export function endsOf(series: Series): string {
  const last = series.turns.length - 1;
  return `${textAt(series, "values", 0)} … ${textAt(series, "values", last)}`;
}

/** The variables of the loop that a vertex stands for. */
export function seriesOf(v: number): Series[] {
  return data.series.filter((series) => series.vertex === v);
}

export function Turns({ v }: { v: number }) {
  const w = text.value;
  const byLength = new Map<number, Series[]>();
  for (const series of seriesOf(v)) {
    const known = byLength.get(series.turns.length);
    if (known === undefined) byLength.set(series.turns.length, [series]);
    else known.push(series);
  }
  return (
    <section class="details" aria-label={w.details}>
      <h2>
        <code>{data.vertices[v]!.label}</code>
      </h2>
      {[...byLength.values()].map((group) => (
        <Table key={group[0]!.name} series={group} />
      ))}
    </section>
  );
}

function Table({ series }: { series: readonly Series[] }) {
  const w = text.value;
  const { turns, counter } = series[0]!;
  const count = useSignal(Math.min(FIRST, turns.length));
  const rows = useComputed(() => {
    model.version.value;
    return turns.slice(0, count.value).map((turn, k) => (
      <tr key={k}>
        <th scope="row">{turn}</th>
        {series.map((one) => [
          <td key={one.name} class="value">
            {textAt(one, "values", k)}
          </td>,
          <td key={`d${one.name}`} class="gradient">
            {textAt(one, "gradients", k)}
          </td>,
        ])}
      </tr>
    ));
  });
  return (
    <>
      <p class="turns">
        {w.turnsOf(count.value, turns.length)}{" "}
        {count.value < turns.length && (
          <>
            <button
              type="button"
              onClick={() => {
                count.value = Math.min(turns.length, count.value + FIRST);
              }}
            >
              {w.more}
            </button>{" "}
            <button
              type="button"
              onClick={() => {
                count.value = turns.length;
              }}
            >
              {w.all}
            </button>
          </>
        )}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by the keyboard, too */}
      <section class="table" aria-label={w.turns} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{counter || w.turn}</th>
              {series.map((one) => [
                <th key={one.name} scope="col" class="value">
                  {one.name}
                </th>,
                <th key={`d${one.name}`} scope="col" class="gradient">
                  d{one.name}
                </th>,
              ])}
            </tr>
          </thead>
          <tbody>{rows}</tbody>
        </table>
      </section>
    </>
  );
}
