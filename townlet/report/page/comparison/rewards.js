// The reward so far in two runs: of who is followed, or the mean of all.

import { figure } from "#page/charts/figure.js";
import * as line from "#page/charts/line.js";
import { el, replace } from "#page/dom.js";
import { cumulativeReward } from "#page/run/numbers.js";

export function makeRewards(models, clocks, sides) {
  const box = el("div", { class: "panel plot" });
  const [clock] = clocks;
  let [chart, waits] = [null, false];
  const draw = () => {
    waits = false;
    const [low, high] = clock.chosen;
    const lives = clocks.map(({ life }) => life);
    const series = rewardSeries(models, lives, low, high).map((one) => ({ ...one, name: sides[one.colour] }));
    const made = figure(
      line.draw,
      { x: null, first: low, series },
      {
        title: titleOf(models, lives),
        xLabel: "tick",
        span: [low, Math.max(high, low + 1)],
        cursor: clock.tick,
        onCursor: (tick) => clock.go(tick),
        legend: series,
      },
    );
    chart = made.chart;
    replace(box, made.element);
  };
  // Who is followed in both is told by both clocks.
  const ask = () => {
    if (!waits) requestAnimationFrame(draw);
    waits = true;
  };
  draw();
  clock.on("span", ask);
  clocks.forEach((one) => one.on("life", ask));
  clock.on("tick", () => chart.cursor(clock.tick));
  return box;
}

/** Whom the lines are of; followed in one run alone, somebody has a line in that one alone. */
export function titleOf(models, lives) {
  const k = lives.findIndex((life) => life > 0);
  return k < 0 ? "Reward so far, mean of all lives" : `Reward so far, ${models[k].name(lives[k])}`;
}

/**
 * A line for each run, but for one in which who is followed (in either) does not live in the ticks low..high.
 * @param lives [run] the life that is followed, 0 = nobody
 * @returns {{values, colour}[]} `colour` is the run's number
 */
export function rewardSeries(models, lives, low, high) {
  const followed = lives.some((life) => life > 0);
  return models
    .map((model, k) => {
      const own = followed ? [lives[k]].filter((life) => life > 0) : model.lives.map((_, i) => i + 1);
      return { values: rewardOf(model, low, high, own), colour: k };
    })
    .filter(({ values }) => values !== null);
}

/** The mean over lives of the reward so far, one that ended keeps its own; null where none of them lives. */
function rewardOf(model, low, high, lives) {
  const sums = new Float64Array(high - low + 1);
  let known = 0;
  for (const one of lives) {
    const found = cumulativeReward(model, low, high, one);
    if (found === null) continue;
    known += 1;
    const { first, values } = found;
    for (let i = first - low; i < sums.length; i += 1)
      sums[i] += values[Math.min(values.length - 1, i - (first - low))];
  }
  return known > 0 ? sums.map((sum) => sum / lives.length) : null;
}
