// Who lives at the tick and what each does: shown while nobody is followed.

import { colour } from "#page/charts/frame.js";
import { button, el, name, replace, say } from "#page/dom.js";
import { signed } from "#page/format.js";

const MOST = 60; // rows; who else lives is in the timeline

export function makeEverybody(model, clock) {
  const rows = new Map(); // by life
  const body = el("tbody");
  const more = el("p", { class: "muted" });
  const heads = ["agent", "does", "reward"].map((text, k) =>
    el("th", { scope: "col", class: k === 2 && "right", text }),
  );
  const element = el(
    "div",
    { class: "scroll everybody", tabindex: "0", role: "region", "aria-label": "Everybody at the tick" },
    el("table", {}, el("thead", {}, el("tr", {}, heads)), body),
    more,
  );
  let there = "";
  const write = () => {
    const living = [];
    for (let row = 0; row < model.rows; row += 1)
      if (model.who(row, clock.tick) > 0) living.push(model.who(row, clock.tick));
    const listed = living.slice(0, MOST);
    if (listed.join() !== there) {
      there = listed.join();
      replace(
        body,
        listed.map((life) => rowOf(life).line),
      );
      say(more, living.length > MOST ? `and ${living.length - MOST} others` : "");
    }
    for (const life of listed) writeRow(rowOf(life), model.facts(clock.tick, life));
  };
  const rowOf = (life) => {
    if (!rows.has(life)) rows.set(life, makeRow(model, clock, life));
    return rows.get(life);
  };
  const writeRow = ({ does, reward }, facts) => {
    say(does, doesText(model, facts));
    does.classList.toggle("bad", facts.refusal > 0);
    say(reward, signed(facts.reward));
  };
  return { element, write };
}

function makeRow(model, clock, life) {
  const follow = button("", () => clock.follow(life), {
    class: "jump",
    "aria-label": `Follow ${model.name(life)}`,
  });
  const dot = el("span", { class: "swatch", "aria-hidden": "true" });
  dot.style.setProperty("--mark", colour(life - 1));
  follow.append(name(model.name(life)));
  const [does, reward] = [el("td"), el("td", { class: "right" })];
  return { line: el("tr", {}, el("td", {}, dot, follow), does, reward), does, reward };
}

/** What it is busy with, or the action that was refused. */
function doesText(model, facts) {
  if (facts.refusal > 0) return `${model.run.actions[facts.action]}: refused`;
  const doing = model.doing(facts.doing);
  return facts.queuedAt >= 0 && facts.place > 0
    ? `${doing}, number ${facts.place} at ${model.object(facts.queuedAt).id}`
    : doing;
}
