// Two runs, or two data sets: what differs in numbers, and two replays by one clock.

import { bindAddress } from "#page/address.js";
import { Clock } from "#page/clock.js";
import { linkedClock } from "#page/comparison/linked.js";
import { makeMetrics, makeTerms } from "#page/comparison/metrics.js";
import { makeRewards } from "#page/comparison/rewards.js";
import { button, el, name, panel, replace } from "#page/dom.js";
import { bindKeys } from "#page/keys.js";
import { makeAgent } from "#page/replay/agent.js";
import { makePlayer } from "#page/replay/player.js";
import { makeReplay } from "#page/replay/replay.js";
import { makeHead, writeFoot } from "#page/run/head.js";
import { RunModel } from "#page/run/model.js";
import { keysOf, movesOf } from "#page/run/view.js";
import { makeTimeline } from "#page/timeline/timeline.js";

const SIDES = ["A", "B"];

export function show(root, data) {
  const { comparison, runs } = data;
  const top = document.getElementById("top");
  const models = runs.map((run) => new RunModel(run));
  const clock = runs.length === 2 ? commonClock(models) : null;
  const jump = (tick, agent) => {
    clock.pause();
    clock.go(tick);
    if (agent) clock.follow(models[0].number(agent));
    document.getElementById("replay")?.scrollIntoView({ block: "start" });
  };
  replace(
    top,
    el("h1", { text: titleOf(runs) }),
    difference(comparison, clock && jump),
    runs.length === 2 && commonText(models, clock),
    el(
      "div",
      { class: "sides" },
      runs.map((run, k) => el("div", { class: "panel" }, makeHead(run, data.version, jump, SIDES[k]))),
    ),
  );
  const replays = clock && sideBySide(models, clock, comparison);
  const numbers = [makeTerms(comparison, SIDES), makeMetrics(comparison, SIDES)];
  // Of many pairs of runs the numbers say more, of two runs the runs themselves.
  replace(root, comparison.paired_by === "agent" ? [replays, numbers] : [numbers.reverse(), replays]);
  if (runs.length > 0) writeFoot(document.getElementById("foot"), data);
  return clock ? { model: models[0], clock, models } : undefined;
}

function titleOf(runs) {
  const names = [...new Set(runs.map((run) => run.head.scenario))];
  return names.length > 0 ? `${names.join(" and ")}: two runs compared` : "Two data sets compared";
}

/** The ticks that both runs show. */
function commonClock(models) {
  const first = Math.max(...models.map((model) => model.first));
  const last = Math.min(...models.map((model) => model.last));
  if (first > last) return null;
  const clock = new Clock(first, last, matchMedia("(prefers-reduced-motion: reduce)").matches);
  if (last - first > 400) clock.setSpeed(64);
  return clock;
}

/** Which ticks are shown, where one run has more of them than the other. */
export function commonText(models, clock) {
  if (clock === null)
    return el("p", { class: "notice", text: "The runs have no tick in common: none is shown." });
  if (models.every(({ first, last }) => first === clock.first && last === clock.last)) return null;
  const text = `Ticks ${clock.first} to ${clock.last}, which both runs have, are shown.`;
  return el("p", { class: "notice", text });
}

function difference({ first_difference: tick, what }, jump) {
  const line_ = el("p", { class: "verdict" });
  if (tick === null || tick === undefined) return replace(line_, name(what || "No tick differs."));
  const where = jump
    ? button(`tick ${tick}`, () => jump(tick), { class: "link first-difference" })
    : `tick ${tick}`;
  return replace(line_, "The first difference is at ", where, what ? ": " : ".", what && name(what));
}

function sideBySide(models, clock, comparison) {
  const [left, right] = models;
  const clocks = [clock, linkedClock(clock, left, right)];
  const moves = movesOf(left, clock);
  const help = bindKeys(keysOf(clock, moves));
  const mark = comparison.first_difference;
  bindAddress(clock, left);
  return [
    makePlayer(left, clock, { ...moves, help }),
    el(
      "div",
      { class: "sides", id: "replay" },
      models.map((model, k) =>
        panel(`Replay ${SIDES[k]}`, null, makeReplay(model, clocks[k], `Map of run ${SIDES[k]}`)),
      ),
      models.map((model, k) => makeAgent(model, clocks[k])),
    ),
    models.map((model, k) => makeTimeline(model, clocks[k], `Timeline ${SIDES[k]}`, mark)),
    el("div", { class: "plots" }, makeRewards(models, clocks, SIDES)),
  ];
}
