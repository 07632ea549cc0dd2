// What the samples' columns are, where layouts differ, and the range of each feature.

import { formatNumber } from "#page/charts/scale.js";
import { el, name, panel } from "#page/dom.js";
import { table } from "#page/table.js";

export function makeLayouts({ layouts }) {
  const note = el("span", {
    class: "muted",
    text:
      layouts.length === 1
        ? "All samples have one layout."
        : "Samples of several layouts cannot stand in one batch; remapped() brings them together by name.",
  });
  const entries = layouts.map(({ text, scenarios, extra, missing }) =>
    el(
      "li",
      {},
      el("b", { text }),
      ": ",
      list(scenarios),
      extra.length ? [el("br"), "not in all others: ", list(extra)] : null,
      missing.length ? [el("br"), "lacks: ", list(missing)] : null,
    ),
  );
  return panel("Layouts", note, el("ul", {}, entries));
}

function list(names) {
  return names.map((each, k) => [k ? ", " : "", name(each)]);
}

export function makeFeatures({ features, scenarios }) {
  const constant = features.filter((each) => each.constant).length;
  const text = `Of the runs that were read. ${constant} of ${features.length} are constant.`;
  const columns = [
    { name: "feature" },
    { name: "lowest", numeric: true, format: formatNumber },
    { name: "mean", numeric: true, format: formatNumber },
    { name: "highest", numeric: true, format: formatNumber },
    { name: "varies" },
    { name: "scenarios", numeric: true, title: "that have it" },
  ];
  return panel(
    "Features",
    el("span", { class: "muted", text }),
    table({
      caption: `Ranges of the features of ${scenarios.length} scenarios`,
      columns,
      rows: features.map((each) => [
        each.name,
        each.low,
        each.mean,
        each.high,
        each.constant ? "constant" : "yes",
        each.scenarios,
      ]),
    }),
  );
}
