// A long run in short: reward, needs and what was done most, of all its ticks in bins, where only a part is shown tick by tick.

import { figure } from "#page/charts/figure.js";
import * as gantt from "#page/charts/gantt.js";
import * as line from "#page/charts/line.js";
import { doingName } from "#page/colours.js";
import { el, panel } from "#page/dom.js";
import { count, number } from "#page/format.js";
import { inOrder } from "#page/timeline/lanes.js";

const NOBODY = -32768; // no code of what is done

/** [bins] over rows: the sum of what is finite, or its mean. NaN where nothing is. */
export function overRows(array, rows, bins, at, mean) {
  const found = new Float64Array(bins).fill(NaN);
  for (let b = 0; b < bins; b += 1) {
    let [sum, known] = [0, 0];
    for (let row = 0; row < rows; row += 1) {
      const value = array[at(row) + b];
      if (Number.isNaN(value)) continue;
      sum += value;
      known += 1;
    }
    if (known > 0) found[b] = mean ? sum / known : sum;
  }
  return found;
}

/**
 * What was done most, a lane a row: [{name, spans: [{from, to (excluded), code}]}]. A lane bears the names of all who
 * lived on it; bins in which nobody did are left out.
 */
export function mostDone(model) {
  const { bin_doing: doing, bin_need: need } = model.arrays;
  const [rows, bins] = doing.shape;
  const kinds = model.run.needs.length;
  const { ticks } = model.run.bins;
  const end = Math.max(model.head.ticks, 1);
  return Array.from({ length: rows }, (_, row) => {
    const codes = Array.from({ length: bins }, (_, b) =>
      Number.isNaN(need[row * kinds * bins + b]) ? NOBODY : doing[row * bins + b],
    );
    const spans = gantt.stretches(codes, NOBODY).map(({ from, to, code }) => ({
      from: from * ticks,
      to: Math.min(end, to * ticks),
      code,
    }));
    const names = model.lives.filter((life) => life.row === row).map((life) => life.name);
    return { name: names.join(", "), spans };
  }).filter(({ spans }) => spans.length > 0);
}

function doneChart(model) {
  const lanes = mostDone(model);
  const codes = inOrder(new Set(lanes.flatMap(({ spans }) => spans.map(({ code }) => code))));
  const data = lanes.map(({ name, spans }) => ({
    name,
    spans: spans.map((span) => ({ ...span, colour: doingName(span.code), text: model.doing(span.code) })),
  }));
  const columns = [
    { name: "agents" },
    { name: "from", numeric: true },
    { name: "until", numeric: true },
    { name: "most" },
  ];
  return figure(
    gantt.draw,
    { lanes: data },
    {
      title: "What each agent did most",
      xLabel: "tick",
      span: [0, model.head.ticks],
      legend: codes.map((code) => ({ name: model.doing(code), colour: doingName(code) })),
      table: () => ({
        caption: "What each agent did most",
        columns,
        rows: data.flatMap(({ name, spans }) =>
          spans.map(({ from, to, text }) => [name, from, to - 1, text]),
        ),
      }),
    },
  );
}

/** The panel; null where all ticks are shown. */
export function makeWhole(model) {
  const { bins, needs } = model.run;
  if (!bins) return null;
  const { bin_reward: reward, bin_need: need } = model.arrays;
  const [rows, length] = reward.shape;
  const x = Float64Array.from({ length }, (_, b) => (b + 0.5) * bins.ticks);
  const rewards = overRows(reward, rows, length, (row) => row * length, false).map((sum) => sum / bins.ticks);
  const options = { xLabel: "tick" };
  const charts = [
    figure(
      line.draw,
      { x, series: [{ name: "reward", values: rewards, colour: 0 }] },
      { ...options, title: "Reward a tick, all agents together" },
    ),
    figure(
      line.draw,
      {
        x,
        series: needs.map((name, n) => {
          const at = (row) => (row * needs.length + n) * length;
          return { name, values: overRows(need, rows, length, at, true), colour: n };
        }),
      },
      {
        ...options,
        title: "Needs, mean of all agents",
        yRange: [0, 1],
        legend: needs.map((name, n) => ({ name, colour: n })),
      },
    ),
  ];
  const text = `Bins of ${count(bins.ticks, "tick")}; ticks ${number(model.first)} to ${number(model.last)} are shown in full in all other parts of this page.`;
  return panel(
    "The whole run",
    el("span", { class: "muted", text }),
    el(
      "div",
      { class: "plots" },
      charts.map((chart) => el("div", { class: "plot" }, chart.element)),
    ),
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "What each agent did most" },
      doneChart(model).element,
    ),
  );
}
