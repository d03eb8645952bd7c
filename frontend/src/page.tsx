// The page.

import { useComputed, useSignal } from "@preact/signals";
import { render } from "preact";
import { Code } from "./code";
import { Controls } from "./controls";
import { Details } from "./details";
import { Graph, Legend } from "./graph";
import { Inputs } from "./inputs";
import { save } from "./picture";
import { hasExercise } from "./practise";
import {
  areClosed,
  closeOrOpenAll,
  data,
  hasArrays,
  hovered,
  isWide,
  language,
  layout,
  mapped,
  model,
  nameOf,
  practising,
  selected,
  speak,
  store,
  text,
  theme,
} from "./state";
import { fit, reveal, zoomBy } from "./view";
import { warnings } from "./warnings";
import { type Language, words } from "./words";
import "./page.css";

function App() {
  return (
    <>
      <Head />
      <main class={isWide.value ? "wide" : ""}>
        <div class="stage" style={`--ratio:${layout.value.height / layout.value.width}`}>
          <div class="bar">
            <Legend />
            <Tools />
          </div>
          <Graph />
        </div>
        <div class="side">
          <Controls />
          <Inputs />
          <Details />
        </div>
        <div class="listing">
          {data.about?.text[language.value]?.map((paragraph) => (
            <p key={paragraph} class="about">
              {paragraph}
            </p>
          ))}
          <Notices />
          <Code />
        </div>
      </main>
    </>
  );
}

function Head() {
  const w = text.value;
  const other: Language = language.value === "en" ? "ru" : "en";
  const dark = theme.value === "dark";
  const { about } = data;
  return (
    <header class="head">
      <h1>
        {about ? (
          <>
            <span class="title">{about.title[language.value]}</span> <small>{data.title}</small>
          </>
        ) : (
          data.title
        )}
      </h1>
      {about && (
        <nav aria-label={w.pages}>
          {about.previous && <a href={about.previous}>← {w.previousPage}</a>}
          {about.home && <a href={about.home}>{w.allPages}</a>}
          {about.next && <a href={about.next}>{w.nextPage} →</a>}
        </nav>
      )}
      <div class="choices">
        {hasExercise && model.live && (
          <button
            type="button"
            class="primary"
            aria-pressed={practising.value}
            onClick={() => {
              practising.value = !practising.value;
            }}
          >
            {practising.value ? w.study : w.practise}
          </button>
        )}
        <button type="button" lang={other} onClick={() => speak(other)}>
          {words[other].languageName}
        </button>
        <button
          type="button"
          onClick={() => {
            theme.value = dark ? "light" : "dark";
            store("theme", theme.value);
          }}
        >
          {dark ? w.light : w.dark}
        </button>
      </div>
    </header>
  );
}

function Tools() {
  const w = text.value;
  const query = useSignal("");
  const found = useComputed(() => {
    const wanted = query.value.trim().toLowerCase();
    if (wanted === "") return null;
    return data.vertices.flatMap((_, v) => (nameOf(v).toLowerCase().includes(wanted) ? [v] : []));
  });
  const many = data.groups.length > 12;
  return (
    <div class="tools">
      {many && (
        <input
          type="search"
          placeholder={w.search}
          aria-label={w.search}
          value={query.value}
          onInput={(event) => {
            query.value = event.currentTarget.value;
            const at = found.value?.[0];
            if (at !== undefined) {
              hovered.value = at;
              reveal(at);
            }
          }}
        />
      )}
      {found.value !== null && <output>{w.found(found.value.length)}</output>}
      <button type="button" aria-label={w.zoomIn} title={w.zoomIn} onClick={() => zoomBy(1.25)}>
        +
      </button>
      <button type="button" aria-label={w.zoomOut} title={w.zoomOut} onClick={() => zoomBy(0.8)}>
        −
      </button>
      <button type="button" onClick={fit}>
        {w.fit}
      </button>
      {data.groups.some((group) => group.name !== "" && !group.loop) && (
        <button type="button" onClick={closeOrOpenAll}>
          {areClosed() ? w.openAll : w.closeAll}
        </button>
      )}
      {hasArrays && (
        <button
          type="button"
          aria-pressed={mapped.value}
          onClick={() => {
            mapped.value = !mapped.value;
          }}
        >
          {w.maps}
        </button>
      )}
      <button type="button" onClick={() => save("svg")}>
        {w.saveSvg}
      </button>
      <button type="button" onClick={() => save("png")}>
        {w.savePng}
      </button>
    </div>
  );
}

function Notices() {
  const w = text.value;
  const branches = useComputed(() => {
    model.version.value;
    return model.otherBranches().map((k) => data.guards[k]!);
  });
  const stale = useComputed(() => model.moved.value && data.missing.length > 0);
  return (
    <div class="notices" role="status">
      {branches.value.map((guard) => (
        <p key={`${guard.line}-${guard.text}`} class="alarm">
          {w.otherBranch(guard.line, guard.text)}
        </p>
      ))}
      {data.error !== null && <p class="alarm error">{w.raised}</p>}
      {stale.value && <p class="note">{w.stale(data.missing.join(", "))}</p>}
      {warnings.value.map((alarm) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard gets there by the gate itself
        <p
          key={alarm.message}
          class="alarm"
          onClick={() => {
            selected.value = alarm.vertex;
            if (alarm.vertex !== null) reveal(alarm.vertex);
          }}
        >
          {alarm.message}
        </p>
      ))}
    </div>
  );
}

render(<App />, document.getElementById("page")!);
