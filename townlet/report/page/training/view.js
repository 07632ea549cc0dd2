// A training: its curves, how good its policies are, and the best one to watch.

import { el, name, panel, replace } from "#page/dom.js";
import { showRun } from "#page/dataset/embedded.js";
import { makeCurves } from "#page/training/curves.js";
import { makeEvaluation } from "#page/training/evaluation.js";
import { formatNumber } from "#page/charts/scale.js";
import { table } from "#page/table.js";

export function show(root, data) {
  const embedded = showRun(root, data, "Back to the training");
  if (embedded) return embedded;
  const { training } = data;
  document.getElementById("top").replaceChildren(...makeHead(training));
  replace(
    root,
    makeReplays(training),
    training.evaluation.map(makeEvaluation),
    makeCurves(training),
    panel("Every iteration", null, iterations(training.table)),
    panel("Settings", null, settings(training)),
  );
  document
    .getElementById("foot")
    .replaceChildren(el("p", { class: "muted", text: `Townlet ${data.version}` }));
  return undefined;
}

function makeHead(training) {
  const { best } = training;
  const verdict = best
    ? `The best policy is that of iteration ${best.iteration}: return ${formatNumber(best.return)} with the seeds that choose.`
    : "No policy was chosen yet.";
  return [
    el("h1", {}, "Training: ", name(training.name)),
    el(
      "p",
      { class: "facts" },
      el("span", {}, el("b", { text: formatNumber(training.iterations, 12) }), " iterations"),
      el("span", {}, el("b", { text: formatNumber(training.steps, 12) }), " agent-steps"),
      el(
        "span",
        {},
        "towns: ",
        training.towns.map((town, k) => [k ? ", " : "", el("b", {}, name(town))]),
      ),
    ),
    el("p", { class: "verdict", text: verdict }),
    ...training.notices.map((text) => el("p", { class: "notice" }, name(text))),
  ];
}

function makeReplays({ replays }) {
  if (replays.length === 0) return null;
  const entries = replays.map(({ town, policy, seed, file, run, problem }) => {
    const what = [`${policy[0].toUpperCase()}${policy.slice(1)} in `, name(town), `, seed ${seed}`];
    if (problem) return el("li", {}, what, ": no replay: ", name(problem));
    return el("li", {}, el("a", { href: file ?? `#run=${run}` }, what));
  });
  return panel(
    "Replays",
    el("span", { class: "muted", text: "the same town, the same seed" }),
    el("ul", {}, entries),
  );
}

function iterations({ columns, rows }) {
  return table({
    caption: "Figures of every iteration, as metrics.jsonl has them",
    columns: columns.map((each) => ({
      name: each,
      numeric: true,
      format: (value) => formatNumber(value, 7),
    })),
    rows,
  });
}

function settings(training) {
  return table({
    caption: "What the training was told",
    columns: [{ name: "setting" }, { name: "value" }],
    rows: training.settings,
  });
}
