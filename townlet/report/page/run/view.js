// A run: its head, the replay with the agent that is followed, the timeline, numbers, plots and events.

import { bindAddress } from "#page/address.js";
import { Clock } from "#page/clock.js";
import { el, panel, replace } from "#page/dom.js";
import { bindKeys } from "#page/keys.js";
import { followNext, makeAgent } from "#page/replay/agent.js";
import { makeEvents, nearestEvent } from "#page/run/events.js";
import { makeHead, writeFoot } from "#page/run/head.js";
import { RunModel } from "#page/run/model.js";
import { makePlayer } from "#page/replay/player.js";
import { makePlots } from "#page/run/plots.js";
import { makeReplay } from "#page/replay/replay.js";
import { makeSpan } from "#page/run/span.js";
import { makeWhole } from "#page/run/whole.js";
import { makeTimeline } from "#page/timeline/timeline.js";

export function show(root, data) {
  const run = data.runs[0];
  const model = new RunModel(run);
  const clock = new Clock(model.first, model.last, matchMedia("(prefers-reduced-motion: reduce)").matches);
  if (model.ticks > 400) clock.setSpeed(64);
  const moves = movesOf(model, clock);
  const help = bindKeys(keysOf(clock, moves));
  const jump = (tick, agent) => {
    clock.pause();
    clock.go(tick);
    if (agent) clock.follow(model.number(agent));
    document.getElementById("replay").scrollIntoView({ block: "start" });
  };
  document.getElementById("top").replaceChildren(makeHead(run, data.version, jump));
  replace(
    root,
    makePlayer(model, clock, { ...moves, help }),
    el(
      "div",
      { class: "stage", id: "replay" },
      panel("Replay", null, makeReplay(model, clock)),
      makeAgent(model, clock),
    ),
    makeTimeline(model, clock),
    makeWhole(model),
    makeSpan(model, clock),
    el("h2", { class: "unseen", text: "Plots" }),
    makePlots(model, clock),
    makeEvents(model, clock),
  );
  writeFoot(document.getElementById("foot"), data);
  bindAddress(clock, model);
  return { model, clock };
}

/** Steps from event to event, and from agent to agent. */
export function movesOf(model, clock) {
  const toEvent = (by) => {
    clock.pause();
    const tick = nearestEvent(model, clock.tick, by, clock.life);
    if (tick !== undefined) clock.go(tick);
  };
  return {
    next: () => toEvent(1),
    previous: () => toEvent(-1),
    follow: (by) => followNext(model, clock, by),
  };
}

export function keysOf(clock, { next, previous, follow }) {
  const page = Math.max(2, Math.round((clock.last - clock.first) / 20));
  return [
    { keys: [" "], name: "Space", says: "play or pause", does: () => clock.toggle() },
    { keys: ["ArrowRight"], name: "→", says: "one tick on", does: () => clock.step(1) },
    { keys: ["ArrowLeft"], name: "←", says: "one tick back", does: () => clock.step(-1) },
    { keys: [">", "."], name: ".", says: `${page} ticks on`, does: () => clock.step(page) },
    { keys: ["<", ","], name: ",", says: `${page} ticks back`, does: () => clock.step(-page) },
    { keys: ["n"], name: "n", says: "next event (of who is followed)", does: next },
    { keys: ["p"], name: "p", says: "previous event", does: previous },
    { keys: ["f"], name: "f", says: "follow the next agent", does: () => follow(1) },
    { keys: ["F"], name: "Shift + f", says: "follow the previous agent", does: () => follow(-1) },
    { keys: ["u"], name: "u", says: "follow nobody", does: () => clock.follow(0) },
    { keys: ["*"], name: "*", says: "faster", does: () => clock.faster(1) },
    { keys: ["/"], name: "/", says: "slower", does: () => clock.faster(-1) },
    { keys: ["+", "="], name: "+", says: "zoom in", does: () => clock.scale(0.5) },
    { keys: ["-"], name: "−", says: "zoom out", does: () => clock.scale(2) },
    { keys: ["["], name: "[", says: "begin a span here", does: () => clock.beginSpan() },
    { keys: ["]"], name: "]", says: "end the span here", does: () => clock.endSpan() },
    { keys: ["0", "Escape"], name: "0", says: "whole run", does: () => clock.whole() },
  ];
}
