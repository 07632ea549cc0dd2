// A data set: what it holds, how the runs of each scenario go, which to look at, and what its columns hold.

import { formatNumber, formatShare, quantile } from "#page/charts/scale.js";
import { makeFeatures, makeLayouts } from "#page/dataset/columns.js";
import { showRun } from "#page/dataset/embedded.js";
import { makeScenario } from "#page/dataset/scenario.js";
import { el, name, panel, replace } from "#page/dom.js";
import { table } from "#page/table.js";

export function show(root, data) {
  const embedded = showRun(root, data, "Back to the data set");
  if (embedded) return embedded;
  const { dataset } = data;
  document.getElementById("top").replaceChildren(...makeHead(dataset));
  replace(
    root,
    panel("Scenarios", null, scenarioTable(dataset)),
    dataset.scenarios.map((scenario, k) => makeScenario(scenario, k, dataset)),
    makeLayouts(dataset),
    makeFeatures(dataset),
  );
  document
    .getElementById("foot")
    .replaceChildren(el("p", { class: "muted", text: `Townlet ${data.version}` }));
  return undefined;
}

function makeHead(dataset) {
  const facts = [
    [dataset.runs, "runs"],
    [dataset.scenarios.length, dataset.scenarios.length === 1 ? "scenario" : "scenarios"],
    [dataset.samples, "samples"],
    [dataset.frames, "timesteps"],
    [dataset.size, "bytes"],
  ];
  const title = dataset.suites.length
    ? dataset.suites.join(", ")
    : dataset.scenarios.map((each) => each.name).join(", ");
  return [
    el("h1", {}, "Data set: ", name(title)),
    el(
      "p",
      { class: "facts" },
      facts.map(([value, what]) => el("span", {}, el("b", { text: formatNumber(value, 12) }), ` ${what}`)),
    ),
    el("p", { class: "verdict", text: verdict(dataset) }),
    dataset.notices.map((text) => el("p", { class: "notice" }, name(text))),
  ].flat();
}

/** In words what the runs came to: of the scenarios that are shown. */
function verdict({ scenarios }) {
  const sum = (of) => scenarios.reduce((total, each) => total + of(each), 0);
  const lives = sum((each) => each.lives);
  const steps = sum((each) => each.frames);
  const share = (key) => sum((each) => (each[key] ?? 0) * each.frames) / steps;
  const clipped = share("clipped");
  return [
    `${formatNumber(lives, 12)} lives, ${formatNumber(
      sum((each) => each.ended),
      12,
    )} of them ended early`,
    `${formatShare(share("refused"))} of the actions did not succeed`,
    clipped > 0 ? `the reward of ${formatShare(clipped)} of the timesteps was clipped` : "no reward clipped",
  ].join("; ");
}

function scenarioTable(dataset) {
  return table({
    caption: "All scenarios; a row's name leads to how its runs go",
    columns: [
      { name: "scenario", link: (row) => `#scenario-${row.at(-1)}` },
      { name: "runs", numeric: true, format: (value) => formatNumber(value, 9) },
      {
        name: "contents",
        numeric: true,
        title: "different ones; runs that only their seed tells apart count once",
      },
      {
        name: "lowest return",
        numeric: true,
        format: formatNumber,
        title: "undiscounted reward of an agent in a run",
      },
      { name: "median", numeric: true, format: formatNumber },
      { name: "highest", numeric: true, format: formatNumber },
      { name: "lives", numeric: true },
      { name: "ended", numeric: true, title: "lives that ended before the last tick: fainted or evicted" },
      { name: "refused", numeric: true, format: formatShare, title: "share of actions that did not succeed" },
      {
        name: "clipped",
        numeric: true,
        format: formatShare,
        title: "share of timesteps whose reward was clipped",
      },
      {
        name: "masked",
        numeric: true,
        format: formatShare,
        title: "share of the actions that were not legal",
      },
    ],
    rows: dataset.scenarios.map((each, k) => {
      const returns = each.rows.map((row) => row[4]).sort((a, b) => a - b);
      const spread = [returns[0], quantile(returns, 0.5), returns.at(-1)];
      return [
        each.name, each.runs, each.distinct, ...spread, each.lives, each.ended, each.refused, each.clipped, each.masked, k,
      ]; // prettier-ignore
    }),
  });
}
