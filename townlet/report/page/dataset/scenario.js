// The runs of one scenario: as bands over their ticks, as a box, as curves of survival, and each by itself.

import * as bands from "#page/charts/bands.js";
import * as bars from "#page/charts/bars.js";
import * as box from "#page/charts/box.js";
import { figure, folded } from "#page/charts/figure.js";
import * as line from "#page/charts/line.js";
import { formatNumber, formatShare } from "#page/charts/scale.js";
import { el, name } from "#page/dom.js";
import { table } from "#page/table.js";

const [SEED, CONTENT, TICKS, STEPS, RETURN, ENDED, REFUSED, CLIPPED] = [0, 1, 2, 3, 4, 5, 6, 7];
const OPEN = 8; // scenarios that are open at first

export function makeScenario(scenario, k, dataset) {
  const open = dataset.scenarios.length <= OPEN;
  const heading = el("h2", {}, name(scenario.name));
  const note = el("span", { class: "muted", text: words(scenario) });
  const panel = el("section", { class: "panel", id: `scenario-${k}`, "aria-label": scenario.name });
  panel.append(
    el("div", { class: "title" }, heading, note),
    el("p", {}, name(scenario.description)),
    makeReplays(scenario),
    folded("How its runs go", () => makeCharts(scenario, k, dataset.arrays), open),
    ...(scenario.runs > 1
      ? [
          folded(`Each run that was read, by its seed (${scenario.read.length})`, () =>
            makeEach(scenario, k, dataset.arrays),
          ),
          folded("All runs as a table", () => makeRuns(scenario)),
        ]
      : []),
  );
  return panel;
}

function words({ runs, distinct, read, seeds }) {
  const some = read.length < distinct ? `; ${read.length} of them were read, evenly chosen` : "";
  const copies =
    distinct < runs
      ? `, ${distinct === 1 ? "all the same" : `${formatNumber(distinct, 9)} different contents`}`
      : "";
  return `${formatNumber(runs, 9)} ${runs === 1 ? "run" : "runs"} (seeds ${seeds})${copies}${some}`;
}

function makeReplays({ replays }) {
  const entries = replays.map(({ what, seed, return: value, file, run, problem }) => {
    const text = `${replays.length === 1 ? "the" : `the ${what}`} run: seed ${seed}, return ${formatNumber(value)}`;
    if (problem) return el("li", {}, `No replay of ${text}: `, name(problem));
    return el("li", {}, el("a", { href: file ?? `#run=${run}`, text: `Replay of ${text}` }));
  });
  return el("ul", { class: "replays" }, entries);
}

function rows(array, first, last) {
  const length = array.shape.at(-1);
  return Array.from({ length: last - first }, (_, k) =>
    array.subarray((first + k) * length, (first + k + 1) * length),
  );
}

function makeCharts(scenario, k, arrays) {
  const x = Float64Array.from({ length: arrays[`reward_${k}`].shape.at(-1) }, (_, b) => b * scenario.bin);
  const several = scenario.read.length > 1;
  const what = several ? " (median, and 10 to 90 % of the runs)" : "";
  const band = (title, array, names, options = {}) => {
    const series = names.map((each, n) => {
      const [low, median, high] = rows(array, 3 * n, 3 * n + 3);
      return { name: each, low: several ? low : undefined, median, high: several ? high : undefined };
    });
    const legend = names.length > 1 ? names.map((each, n) => ({ name: each, colour: n })) : undefined;
    const listed = () => ({
      caption: title,
      columns: [
        { name: "tick", numeric: true },
        ...names.map((each) => ({ name: each, numeric: true, format: formatNumber })),
      ],
      rows: Array.from(x, (tick, b) => [tick, ...series.map(({ median }) => median[b])]),
    });
    return figure(
      bands.draw,
      { x, series },
      {
        title: `${title}${what}`,
        xLabel: "tick",
        legend,
        table: listed,
        readout: true,
        step: scenario.bin,
        ...options,
      },
    ).element;
  };
  const grid = el(
    "div",
    { class: "plots" },
    band("Reward of an agent and tick", arrays[`reward_${k}`], ["reward"]),
    band("Needs of those alive", arrays[`need_${k}`], scenario.needs, { yRange: [0, 1] }),
    scenario.ended > 0 ? makeSurvival(scenario) : null,
    scenario.ended > 0 ? band("Agents alive", arrays[`alive_${k}`], ["alive"]) : null,
    scenario.runs > 1 ? makeBox(scenario) : null,
    makeActions(scenario),
  );
  columns(grid, 420);
  return grid;
}

function columns(grid, width) {
  grid.style.cssText = `display: grid; gap: 16px 24px; grid-template-columns: repeat(auto-fill, minmax(min(100%, ${width}px), 1fr))`;
}

function makeSurvival({ survival, lives }) {
  const data = {
    x: survival.ticks,
    series: [{ name: "alive", values: survival.share, step: true, colour: 2 }],
  };
  const columns = [
    { name: "ticks lived", numeric: true },
    { name: "share", numeric: true, format: formatShare },
  ];
  return figure(line.draw, data, {
    title: `Share of ${formatNumber(lives, 9)} lives that last so long (Kaplan and Meier)`,
    xLabel: "ticks lived",
    readout: true,
    yRange: [0, 1],
    table: () => ({ columns, rows: survival.ticks.map((tick, at) => [tick, survival.share[at]]) }),
  }).element;
}

function makeBox(scenario) {
  const values = scenario.rows.map((row) => row[RETURN]);
  const ends = scenario.rows.map((row) => row[TICKS]);
  const found = box.summary(values);
  const columns = ["runs", "lowest", "first quarter", "median", "third quarter", "highest", "mean"].map(
    (each) => ({
      name: each,
      numeric: true,
      format: formatNumber,
    }),
  );
  const row = [
    found.count,
    Math.min(...values),
    found.first,
    found.median,
    found.third,
    Math.max(...values),
    found.mean,
  ];
  const many = new Set(ends).size > 1;
  return figure(
    box.draw,
    { groups: [{ name: "all runs", values, colour: 0 }] },
    {
      title: "Returns of the runs",
      note: many ? "Runs have different lengths: their returns are not alike." : undefined,
      xLabel: "return of an agent",
      table: () => ({ columns, rows: [row] }),
    },
  ).element;
}

function makeActions(scenario) {
  const chosen = scenario.actions;
  const note = `${formatShare(scenario.masked)} of the actions were not legal on average${
    scenario.off_mask ? `; ${formatShare(scenario.off_mask)} of those taken were not` : ""
  }.`;
  const data = {
    categories: chosen.map(([kind]) => kind),
    series: [{ name: "share", values: chosen.map(([, share]) => share) }],
  };
  return figure(bars.draw, data, {
    title: "Actions chosen, by kind",
    note,
    format: formatShare,
    table: () => ({
      columns: [{ name: "kind" }, { name: "share", numeric: true, format: formatShare }],
      rows: chosen,
    }),
  }).element;
}

/** Small multiples: the reward of each run that was read, all with one scale. */
function makeEach(scenario, k, arrays) {
  const each = rows(arrays[`each_${k}`], 0, scenario.read.length);
  const finite = each.flatMap((values) => Array.from(values).filter(Number.isFinite));
  const range = finite.length
    ? [finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))]
    : [0, 1];
  const x = Float64Array.from({ length: each[0].length }, (_, b) => b * scenario.bin);
  const returns = new Map(scenario.rows.map((row) => [row[SEED], row[RETURN]]));
  const grid = el("div", { class: "plots" });
  columns(grid, 200);
  for (const [r, seed] of scenario.read.entries()) {
    const value = returns.has(seed) ? `, return ${formatNumber(returns.get(seed))}` : "";
    const options = { title: `Seed ${seed}${value}`, yRange: range, height: 90 };
    grid.append(figure(line.draw, { x, series: [{ name: "reward", values: each[r] }] }, options).element);
  }
  return el("div", {}, el("p", { class: "muted", text: "Reward of an agent and tick." }), grid);
}

function makeRuns(scenario) {
  const cut =
    scenario.rows.length < scenario.runs
      ? `; ${scenario.rows.length} of ${scenario.runs}, evenly chosen`
      : "";
  const whole = (value) => formatNumber(value, 12);
  return table({
    caption: `Runs of ${scenario.name}${cut}`,
    columns: [
      { name: "seed" },
      { name: "content", numeric: true, title: "runs with the same number hold the same samples" },
      { name: "ticks", numeric: true, format: whole },
      { name: "timesteps", numeric: true, format: whole },
      { name: "return", numeric: true, format: formatNumber },
      { name: "ended", numeric: true },
      { name: "refused", numeric: true, format: formatShare },
      { name: "clipped", numeric: true, format: formatShare },
    ],
    rows: scenario.rows.map((row) => [
      row[SEED],
      row[CONTENT] + 1,
      row[TICKS],
      row[STEPS],
      row[RETURN],
      row[ENDED],
      row[REFUSED],
      row[CLIPPED],
    ]),
    sorted: { column: 4, descending: true },
  });
}
