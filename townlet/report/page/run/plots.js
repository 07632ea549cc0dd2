// Plots of a run over the span that is selected, of who is followed or of all.

import * as bars from "#page/charts/bars.js";
import { figure } from "#page/charts/figure.js";
import * as gantt from "#page/charts/gantt.js";
import * as heat from "#page/charts/heat.js";
import * as histogram from "#page/charts/histogram.js";
import * as line from "#page/charts/line.js";
import { el, replace } from "#page/dom.js";
import * as numbers from "#page/run/numbers.js";
import { drawScatter } from "#page/run/scatter.js";

const MOST_LINES = 16;

/** The plots, which are drawn when they come into sight, and again when the span or who is followed changes. */
export function makePlots(model, clock) {
  const plots = [cumulative, byTerm, actions, where, waiting, objects, meetings];
  if (model.network) plots.push(critic, certainty);
  const cells = plots.map((make) => makeCell(model, clock, make));
  const grid = el(
    "div",
    { class: "plots" },
    cells.map((cell) => cell.element),
  );
  // On paper all are in sight.
  window.addEventListener("beforeprint", () => cells.forEach((cell) => cell.print()));
  const changed = () => cells.forEach((cell) => cell.changed());
  clock.on("span life", changed);
  // Their cursors are part of large pictures: while it plays, ten times a second are enough.
  let last = 0;
  clock.on("tick playing", () => {
    if (clock.playing && performance.now() - last < 100) return;
    last = performance.now();
    cells.forEach((cell) => cell.cursor(clock.tick));
  });
  return grid;
}

function makeCell(model, clock, make) {
  const element = el("div", { class: "panel plot" });
  let [chart, seen, stale, waits] = [null, false, true, false];
  const drawNow = () => {
    if (!stale) return;
    stale = false;
    const made = make(model, clock, clock.chosen, clock.life);
    replace(element, made.element);
    chart = made.chart?.cursor ? made.chart : null;
    chart?.cursor(clock.tick);
  };
  const draw = () => {
    waits = false;
    if (seen) drawNow();
  };
  const ask = () => {
    if (!waits) requestAnimationFrame(draw);
    waits = true;
  };
  new IntersectionObserver((entries) => {
    seen = entries.at(-1).isIntersecting;
    if (seen && stale) ask();
    if (seen) chart?.cursor(clock.tick);
  }).observe(element);
  return {
    element,
    changed: () => {
      stale = true;
      ask();
    },
    print: drawNow,
    cursor: (tick) => seen && chart?.cursor(tick),
  };
}

function whose(model, life) {
  return life > 0 ? model.name(life) : "all agents";
}

/** Who has a line: the one that is followed, and as many others as can be told apart. */
function lined(model, low, high, life) {
  const lives = model.lives
    .map((_, i) => i + 1)
    .filter((one) => numbers.cumulativeReward(model, low, high, one) !== null);
  return [life, ...lives.filter((one) => one !== life)]
    .filter((one) => lives.includes(one))
    .slice(0, MOST_LINES);
}

function cumulative(model, clock, [low, high], life) {
  const lives = lined(model, low, high, life);
  const series = lives.map((one) => {
    const { first, values } = numbers.cumulativeReward(model, low, high, one);
    const padded = new Float64Array(high - low + 1).fill(NaN);
    padded.set(values, first - low);
    return { name: model.name(one), values: padded, colour: one - 1 };
  });
  return figure(
    line.draw,
    { x: null, first: low, series },
    {
      title: "Reward so far",
      note: lives.length < model.lives.length ? `${lives.length} of ${model.lives.length} lives` : undefined,
      xLabel: "tick",
      cursor: clock.tick,
      onCursor: (tick) => clock.go(tick),
      legend: series.map(({ name, colour }) => ({ name, colour })),
      table: () => ({
        caption: "Reward so far, at the end of the span",
        columns: [{ name: "agent" }, { name: "reward", numeric: true }],
        rows: series.map(({ name, values }) => [name, values.findLast((value) => !Number.isNaN(value))]),
      }),
    },
  );
}

function byTerm(model, clock, [low, high], life) {
  const sums = numbers.rewardByTerm(model, low, high, life);
  const used = model.run.terms.map((_, k) => k).filter((k) => sums[k] !== 0);
  const data = {
    categories: used.map((k) => model.run.terms[k]),
    series: [{ name: "reward", values: used.map((k) => sums[k]) }],
  };
  return figure(bars.draw, data, {
    title: `Reward by term, ${whose(model, life)}`,
    numbers: true,
    table: () => ({
      caption: "Reward by term",
      columns: [{ name: "term" }, { name: "sum", numeric: true }],
      rows: model.run.terms.map((term, k) => [term, sums[k]]),
    }),
  });
}

function actions(model, clock, [low, high], life) {
  const counts = numbers.actionCounts(model, low, high, life);
  const used = model.run.actions.map((_, id) => id).filter((id) => counts.chosen[id] > 0);
  used.sort((one, other) => counts.chosen[other] - counts.chosen[one]);
  const data = {
    categories: used.map((id) => model.run.actions[id]),
    series: [
      { name: "went through", values: used.map((id) => counts.chosen[id] - counts.refused[id]), colour: 0 },
      { name: "refused", values: used.map((id) => counts.refused[id]), colour: 1 },
    ],
  };
  return figure(bars.draw, data, {
    title: `Actions chosen, ${whose(model, life)}`,
    legend: data.series.map(({ name, colour }) => ({ name, colour })),
    table: () => ({
      caption: "Actions",
      columns: ["action", "chosen", "legal", "refused"].map((name, k) => ({ name, numeric: k > 0 })),
      rows: model.run.actions.map((name, id) => [
        name,
        counts.chosen[id],
        counts.legal[id],
        counts.refused[id],
      ]),
    }),
  });
}

function where(model, clock, [low, high], life) {
  const { width, height, walls } = model.town;
  const flags = walls.flatMap((row) => [...row].map((letter) => letter === "#"));
  const values = numbers.occupancy(model, low, high, life);
  return figure(
    heat.draw,
    { width, height, values, walls: flags },
    {
      title: `Where ${life > 0 ? model.name(life) : "everybody"} was`,
      unit: "ticks",
      canvas: true,
    },
  );
}

function waiting(model, clock, [low, high], life) {
  const found = numbers.waits(model, low, high, life);
  if (found.length === 0) return nothing("Waiting times", "Nobody waited in a queue.");
  return figure(
    histogram.draw,
    { values: found },
    {
      title: `Waiting times, ${whose(model, life)}`,
      xLabel: "ticks in a queue",
      yLabel: "waits",
    },
  );
}

function objects(model, clock, [low, high], life) {
  const lanes = numbers.uses(model, low, high).map(({ name, spans }) => ({
    name,
    spans: spans
      .filter((span) => life === 0 || span.life === life)
      .map(({ from, to, life: by }) => ({ from, to, colour: by - 1, text: model.name(by) })),
  }));
  const used = lanes.filter(({ spans }) => spans.length > 0);
  if (used.length === 0) return nothing("Use of objects", "No object was used.");
  return figure(
    gantt.draw,
    { lanes: used },
    {
      title: `Use of objects, ${whose(model, life)}`,
      span: [low, high + 1],
      xLabel: "tick",
      cursor: clock.tick,
      onCursor: (tick) => clock.go(tick),
      table: () => ({
        caption: "Use of objects",
        columns: [
          { name: "object" },
          { name: "by" },
          { name: "from", numeric: true },
          { name: "until", numeric: true },
        ],
        rows: used.flatMap(({ name, spans }) =>
          spans.map(({ from, to, text }) => [name, text, from, to - 1]),
        ),
      }),
    },
  );
}

function meetings(model, clock, [low, high]) {
  const rows = numbers.lifeRows(model, low, high).filter(({ chats, refused }) => chats + refused > 0);
  if (rows.length === 0) return nothing("Chats and conflicts", "Nobody chatted, and nothing was refused.");
  const data = {
    categories: rows.map(({ life }) => model.name(life)),
    series: [
      { name: "chats", values: rows.map(({ chats }) => chats), colour: 2 },
      { name: "refusals", values: rows.map(({ refused }) => refused), colour: 1 },
    ],
  };
  return figure(bars.draw, data, {
    title: "Chats and conflicts",
    mode: "grouped",
    legend: data.series.map(({ name, colour }) => ({ name, colour })),
    table: () => ({
      caption: "Chats and conflicts",
      columns: ["agent", "chats", "refusals", "highest rivalry"].map((name, k) => ({ name, numeric: k > 0 })),
      rows: rows.map(({ life, chats, refused, rivalry }) => [model.name(life), chats, refused, rivalry]),
    }),
  });
}

function critic(model, clock, [low, high], life) {
  const [x, y] = numbers.pairs(model, low, high, life, "value", "return_to_go");
  return figure(
    drawScatter,
    { x, y },
    {
      title: `Value against return to go, ${whose(model, life)}`,
      xLabel: "value",
      yLabel: "return",
      canvas: true,
    },
  );
}

function certainty(model, clock, [low, high], life) {
  const [values] = numbers.pairs(model, low, high, life, "log_prob", "entropy");
  return figure(
    histogram.draw,
    { values },
    {
      title: `Log-probs of the actions taken, ${whose(model, life)}`,
      xLabel: "log-prob",
      yLabel: "ticks",
    },
  );
}

function nothing(title, text) {
  return {
    element: el(
      "figure",
      { class: "chart" },
      el("figcaption", { text: title }),
      el("p", { class: "muted", text }),
    ),
  };
}
