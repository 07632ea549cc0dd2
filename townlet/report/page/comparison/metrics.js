// What differs in numbers: metrics, paired; reward by term; golden figures.

import * as bars from "#page/charts/bars.js";
import { figure } from "#page/charts/figure.js";
import { el, panel } from "#page/dom.js";
import { number, signed } from "#page/format.js";
import { table } from "#page/table.js";

/** Rows of [name, left, right, difference, standard error, effect size]; what is not known is null. */
export function makeMetrics({ metrics, paired_by: by, golden }, sides) {
  if (!metrics || metrics.length === 0) return null;
  const plain = { numeric: true, format: (value) => number(value) };
  const columns = [
    { name: "metric" },
    { name: sides[0], ...plain },
    { name: sides[1], ...plain },
    { name: `${sides[1]} − ${sides[0]}`, numeric: true, format: (value) => signed(value) },
    { name: "standard error", ...plain },
    {
      name: "effect size",
      numeric: true,
      format: (value) => signed(value, 2),
      title: "Cohen's d of the paired differences, from three pairs on",
    },
  ];
  const note = by && el("span", { class: "muted", text: `Paired by ${by}` });
  return panel(
    "Metrics",
    note,
    table({ columns, rows: metrics.map(withEffect) }),
    golden && goldenTable(golden),
  );
}

/**
 * A row whose effect size is left out where it is one of two pairs, which says little. How many pairs there are follows
 * from the row: the standard error is sd / sqrt(n), the effect size difference / sd.
 */
export function withEffect(row) {
  const [, , , difference, error, effect] = row;
  const pairs = Math.round((difference / (effect * error)) ** 2);
  return pairs < 3 ? row.with(5, null) : row;
}

/** Rows of [metric, expected, low, high, left, right]. */
function goldenTable(golden) {
  const names = ["metric", "golden", "at least", "at most", "A", "B"];
  const columns = names.map((name, k) => ({
    name,
    numeric: k > 0,
    format: k > 0 ? (value) => number(value) : undefined,
  }));
  return el("div", {}, el("h3", { text: "Golden figures" }), table({ columns, rows: golden }));
}

/** Reward by term: rows of [term, left, right]. */
export function makeTerms({ terms }, sides) {
  const used = (terms ?? []).filter(([, left, right]) => left !== 0 || right !== 0);
  if (used.length === 0) return null;
  const data = {
    categories: used.map(([term]) => term),
    series: [1, 2].map((k) => ({ name: sides[k - 1], values: used.map((row) => row[k]), colour: k - 1 })),
  };
  const plain = { numeric: true, format: (value) => number(value) };
  const made = figure(bars.draw, data, {
    title: "Reward by term",
    mode: "grouped",
    legend: data.series,
    table: () => ({
      caption: "Reward by term",
      columns: [
        { name: "term" },
        { name: sides[0], ...plain },
        { name: sides[1], ...plain },
        { name: "difference", numeric: true, format: (value) => signed(value) },
      ],
      rows: terms.map(([term, left, right]) => [term, left, right, right - left]),
    }),
  });
  return el("section", { class: "panel", "aria-label": "Reward by term" }, made.element);
}
