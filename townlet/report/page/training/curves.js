// Curves of a training over agent-steps.

import { figure } from "#page/charts/figure.js";
import * as line from "#page/charts/line.js";
import { formatNumber } from "#page/charts/scale.js";
import { el, panel } from "#page/dom.js";

export function makeCurves({ curves, arrays }) {
  const grid = el("div", { class: "plots" });
  grid.style.cssText =
    "display: grid; gap: 16px 24px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr))";
  for (const curve of curves) grid.append(makeCurve(curve, arrays));
  return panel("Curves", el("span", { class: "muted", text: "over agent-steps" }), grid);
}

function makeCurve({ title, series }, arrays) {
  const lines = series.map((each, k) => {
    const [x, values] = [arrays[each.x], arrays[each.array]];
    const error = each.error ? arrays[each.error] : null;
    return {
      name: each.name,
      x,
      values,
      colour: k,
      low: error?.map((value, at) => values[at] - value),
      high: error?.map((value, at) => values[at] + value),
      dots: k > 0,
    };
  });
  const columns = [
    { name: "what" },
    { name: "agent-steps", numeric: true, format: (value) => formatNumber(value, 12) },
    { name: "value", numeric: true, format: formatNumber },
  ];
  return figure(
    line.draw,
    { series: lines },
    {
      title,
      note: series.some((each) => each.error) ? "The band is the standard error over runs." : undefined,
      xLabel: "agent-steps",
      formatX: (value) => formatNumber(value, 12),
      readout: true,
      step: 1,
      legend: series.length > 1 ? series.map((each, k) => ({ name: each.name, colour: k })) : undefined,
      table: () => ({
        columns,
        rows: lines.flatMap(({ name, x, values }) => Array.from(x, (steps, k) => [name, steps, values[k]])),
      }),
    },
  ).element;
}
