// The controls of the replay, which stay in sight while one scrolls.

import { SPEEDS } from "#page/clock.js";
import { button, choice, el, say } from "#page/dom.js";

const SETTLED = 400; // milliseconds after which a tick is told to those who listen

/** "Tick 70: alice, start use_shower, refused". */
function tickText(model, clock) {
  const facts = model.facts(clock.tick, clock.life);
  if (facts === undefined) return `Tick ${clock.tick}`;
  const end = facts.refusal > 0 ? ", refused" : "";
  return `Tick ${clock.tick}: ${model.name(clock.life)}, ${model.run.actions[facts.action]}${end}`;
}

export function makePlayer(model, clock, { next, previous, help }) {
  const play = button("Play", () => clock.toggle(), { class: "play", "aria-keyshortcuts": "Space" });
  const tick = el("input", {
    type: "number",
    class: "tick number",
    min: clock.first,
    max: clock.last,
    step: 1,
    value: clock.tick,
    "aria-label": "Tick",
  });
  tick.addEventListener("change", () => {
    clock.pause();
    if (tick.value.trim() !== "") clock.go(Number(tick.value));
    tick.value = clock.tick;
  });
  const speed = choice(
    "Speed",
    SPEEDS.map((ticks) => [ticks, `${ticks}×`]),
    clock.speed,
    (value) => clock.setSpeed(Number(value)),
  );
  speed.list.title = "1× is a tick a second";
  const names = model.lives.map((life, i) => [i + 1, `${model.labels[i]} · ${life.name}`]);
  const follow = choice("Follow", [[0, "nobody"], ...names], clock.life, (value) =>
    clock.follow(Number(value)),
  );
  const live = el("p", { class: "unseen", "aria-live": "polite" });

  const write = () => {
    say(play, clock.playing ? "Pause" : "Play");
    play.setAttribute("aria-pressed", String(clock.playing));
  };
  clock.on("playing", () => {
    write();
    say(live, clock.playing ? "Plays" : `Paused at tick ${clock.tick}`);
  });
  let waiting;
  clock.on("tick", () => {
    clearTimeout(waiting);
    if (!clock.playing) waiting = setTimeout(() => say(live, tickText(model, clock)), SETTLED);
    if (document.activeElement !== tick || clock.playing) tick.value = clock.tick;
  });
  clock.on("speed", () => (speed.list.value = clock.speed));
  clock.on("life", () => (follow.list.value = clock.life));
  write();
  return el(
    "div",
    { class: "player", role: "group", "aria-label": "Replay" },
    play,
    button("◂", () => clock.step(-1), { "aria-label": "One tick back", title: "One tick back (←)" }),
    button("▸", () => clock.step(1), { "aria-label": "One tick on", title: "One tick on (→)" }),
    button("« event", previous, { "aria-label": "Previous event", title: "Previous event (p)" }),
    button("event »", next, { "aria-label": "Next event", title: "Next event (n)" }),
    el(
      "label",
      { class: "field" },
      "Tick ",
      tick,
      el("span", { class: "muted number", text: `of ${clock.last}` }),
    ),
    speed.field,
    follow.field,
    button("Keys", help, { title: "What the keys do (?)", "aria-keyshortcuts": "?" }),
    live,
  );
}
