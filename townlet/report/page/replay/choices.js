// What an agent may do at a tick (its mask), and what its features are.

import { el, name, replace, say } from "#page/dom.js";
import { number } from "#page/format.js";

export function makeMask(model) {
  const chips = model.run.actions.map((action) => el("li", {}, name(action)));
  const text = el("p", { class: "muted" });
  const element = el("div", {}, text, el("ul", { class: "actions" }, chips));
  const write = (facts) => {
    let legal = 0;
    chips.forEach((chip, id) => {
      const may = model.legal(facts.row, facts.tick, id);
      legal += may;
      const state = `${may ? "legal" : "masked"}${id === facts.action ? " chosen" : ""}`;
      if (chip.className === state) return;
      chip.className = state;
      chip.title = `action ${id}: ${state}`;
    });
    say(
      text,
      `${legal} of ${chips.length} actions were legal to attempt; the one that was chosen has a frame.`,
    );
  };
  return { element, write };
}

export function makeFeatures(model, clock) {
  const all = el("input", { type: "checkbox" });
  const filter = el("input", {
    type: "search",
    "aria-label": "Features whose name has",
    placeholder: "name",
  });
  const body = el("tbody");
  const text = el("p", { class: "muted" });
  const element = el(
    "div",
    {},
    el("div", { class: "row" }, el("label", { class: "field" }, all, "all, not only what changed"), filter),
    text,
    el(
      "div",
      { class: "scroll features", tabindex: "0", role: "region", "aria-label": "Features" },
      el(
        "table",
        {},
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            ["feature", "before", "now"].map((title, k) =>
              el("th", { scope: "col", class: k > 0 && "right", text: title }),
            ),
          ),
        ),
        body,
      ),
    ),
  );
  let facts;
  const write = (now) => {
    facts = now;
    if (clock.playing && clock.speed > 16) {
      say(text, "Paused features are shown; this is too fast to read.");
      return;
    }
    const changes = model.features.changes(now.row, now.tick);
    const wanted = filter.value.trim().toLowerCase();
    const rows = (all.checked ? everything(model, now, changes) : changes).filter(([i]) =>
      model.run.features[i].toLowerCase().includes(wanted),
    );
    say(text, changesText(model, now, changes));
    replace(
      body,
      rows.map(([i, before, value]) => featureRow(model.run.features[i], before, value)),
    );
  };
  for (const [input, kind] of [
    [all, "change"],
    [filter, "input"],
  ]) {
    input.addEventListener(kind, () => facts && write(facts));
  }
  clock.on("playing", () => !element.hidden && facts && !clock.playing && write(facts));
  return { element, write };
}

/** What the list of changes is: it has all features where there is no tick before to compare with. */
export function changesText(model, { row, tick }, changes) {
  if (model.features.goesOn(row, tick))
    return `${changes.length} of ${model.run.features.length} features changed since the tick before.`;
  const life = model.life(model.who(row, tick));
  const first = life?.born === tick ? "the first tick of this life" : "the first tick shown";
  return `All features, as they are at ${first}.`;
}

function everything(model, facts, changes) {
  const before = new Map(changes.map(([i, old]) => [i, old]));
  return [...model.features.at(facts.row, facts.tick)].map((value, i) => [
    i,
    before.has(i) ? before.get(i) : value,
    value,
  ]);
}

function featureRow(title, before, value) {
  return el(
    "tr",
    { class: before !== value && "changed" },
    el("td", {}, name(title)),
    el("td", { class: "right muted", text: before === undefined ? "" : number(before, 4) }),
    el("td", { class: "right", text: number(value, 4) }),
  );
}
