// The table of events, filtered by agent, kind and words, inside the span.

import { choice, el, panel, replace, say } from "#page/dom.js";
import { count } from "#page/format.js";
import { table } from "#page/table.js";

/** The events that a filter lets through: {life: 0, kind: "", words: "", low, high}. */
export function filtered(model, { life, kind, words, low, high }) {
  const wanted = words.trim().toLowerCase();
  return model.run.events.filter(([tick, who, what, text, then, refused]) => {
    if (tick < low || tick > high) return false;
    if (life > 0 && who !== life) return false;
    if (kind === "refused" ? !refused : kind !== "" && what !== kind) return false;
    return wanted === "" || `${model.name(who)} ${text} ${then}`.toLowerCase().includes(wanted);
  });
}

export function makeEvents(model, clock) {
  const asked = { life: 0, kind: "", words: "" };
  const holder = el("div");
  const sum = el("span", { class: "muted number" });
  const kinds = [...new Set(model.run.events.map((event) => event[2]))]
    .filter((kind) => kind !== "refused")
    .sort();
  const set = (key) => (value) => {
    asked[key] = key === "life" ? Number(value) : value;
    write();
  };
  const who = choice(
    "Agent",
    [[0, "all"], ...model.lives.map((life, i) => [i + 1, life.name])],
    0,
    set("life"),
  );
  const what = choice(
    "Kind",
    [["", "all"], ["refused", "refused"], ...kinds.map((kind) => [kind, kind])],
    "",
    set("kind"),
  );
  const words = el("input", {
    type: "search",
    placeholder: "words",
    "aria-label": "Events that have the words",
    on: { input: (event) => set("words")(event.target.value) },
  });
  const write = () => {
    const [low, high] = clock.chosen;
    const found = filtered(model, { ...asked, low, high });
    say(sum, `${count(found.length, "event")} of ${model.run.events.length}`);
    replace(
      holder,
      table({
        columns: [{ name: "tick", numeric: true }, { name: "agent" }, { name: "what" }, { name: "then" }],
        rows: found.map(([tick, life, , text, then]) => [tick, life > 0 ? model.name(life) : "", text, then]),
        rowName: (row) => `Tick ${row[0]}: go there`,
        onRow: ([tick, name]) => {
          clock.pause();
          clock.go(tick);
          if (name !== "") clock.follow(model.number(name));
        },
      }),
    );
  };
  clock.on("span", write);
  write();
  return panel("Events", sum, el("div", { class: "row filters" }, who.field, what.field, words), holder);
}

/** The nearest event after (by = 1) or before (-1) the tick: of who is followed, else of all; walking is none. */
export function nearestEvent(model, tick, by, life) {
  let found;
  for (const [at, who, kind, , , refused] of model.run.events) {
    if (life > 0 && who !== life) continue;
    if ((kind === "move" || kind === "wait") && !refused) continue;
    if ((at - tick) * by <= 0 || at < model.first || at > model.last) continue;
    if (found === undefined || (found - at) * by > 0) found = at;
  }
  return found;
}
