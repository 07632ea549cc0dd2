// Bars for named things: beside one another, or stacked, what is negative to the other side.

import { add, axisBelow, begin, colour, label, mount } from "#page/charts/frame.js";
import { formatNumber, linear } from "#page/charts/scale.js";

const BAR = 14; // pixels, a bar
const GAP = 8; // between categories

/**
 * Where each bar begins and ends.
 * @param data {categories: [C] names, series: [{name, values: [C]}]}
 * @param {"stacked" | "grouped"} mode
 * @returns {{from, to, category, series, lane}[]} `lane`: which of the bars of its category, from above
 */
export function layout(data, mode = "stacked") {
  const bars = [];
  for (let c = 0; c < data.categories.length; c += 1) {
    let [below, above] = [0, 0];
    for (const [s, { values }] of data.series.entries()) {
      const value = Number.isFinite(values[c]) ? values[c] : 0;
      if (mode === "grouped") {
        bars.push({ from: 0, to: value, category: c, series: s, lane: s });
      } else if (value < 0) {
        bars.push({ from: below, to: (below += value), category: c, series: s, lane: 0 });
      } else if (value > 0) {
        bars.push({ from: above, to: (above += value), category: c, series: s, lane: 0 });
      }
    }
  }
  return bars;
}

/**
 * @param svg an empty <svg>
 * @param data see `layout`; a series may have a `colour` (index), and `colours` [C] of its own bars
 * @param options {name, mode: "stacked", width, format, range: [low, high], numbers: true (for one series)}
 * @returns {{update(data, options)}}
 */
export function draw(svg, data, options = {}) {
  const state = { data, options };
  const again = mount(svg, (width) => paintBars(svg, width, state.data, state.options), options.width);
  return {
    update: (changed, other = {}) => {
      state.data = changed ?? state.data;
      state.options = { ...state.options, ...other };
      again();
    },
  };
}

function paintBars(svg, width, data, options) {
  const mode = options.mode ?? "stacked";
  const lanes = mode === "grouped" ? Math.max(1, data.series.length) : 1;
  const thick = mode === "grouped" ? Math.max(6, BAR - 2 * lanes) : BAR;
  const each = lanes * thick + GAP;
  const bars = layout(data, mode);
  const format = options.format ?? formatNumber;
  const height = data.categories.length * each + 30;
  const letters = Math.min(
    24,
    Math.max(4, ...data.categories.map((name) => Array.from(String(name)).length)),
  );
  const left = Math.min(Math.round(letters * 6.2 + 12), Math.round(width * 0.4));
  const numbered = options.numbers ?? data.series.length === 1;
  const box = { left, right: width - (numbered ? 62 : 14), top: 4, bottom: height - 24 };
  const ends = bars.flatMap(({ from, to }) => [from, to]);
  const range = options.range ?? [Math.min(0, ...ends), Math.max(0, ...ends)];
  const sx = linear(range[0] === range[1] ? [0, 1] : range, [box.left, box.right]);
  begin(svg, width, height, options.name ?? "bars");
  axisBelow(svg, sx, box, { format: options.format });
  const zero = Math.round(sx(0)) + 0.5;
  add(svg, "path", { d: `M${zero} ${box.top}V${box.bottom}`, stroke: "currentColor", opacity: 0.6 });
  for (const [c, name] of data.categories.entries()) {
    const middle = box.top + c * each + (each - GAP) / 2 + 4;
    label(svg, name, { x: left - 6, y: middle + 3.5, "text-anchor": "end" }, Math.ceil((left - 12) / 6.2));
  }
  for (const bar of bars) {
    const { name, values, colours, colour: own } = data.series[bar.series];
    const [from, to] = [sx(bar.from), sx(bar.to)].sort((a, b) => a - b);
    const top = box.top + bar.category * each + bar.lane * thick + 4;
    const rect = add(svg, "rect", {
      x: from,
      y: top,
      width: Math.max(bar.from === bar.to ? 0 : 0.5, to - from),
      height: thick - 1,
      fill: colour(colours?.[bar.category] ?? own ?? bar.series),
    });
    const value = format(values[bar.category]);
    add(
      rect,
      "title",
      {},
      `${data.categories[bar.category]}: ${data.series.length > 1 ? `${name} ` : ""}${value}`,
    );
    if (numbered) label(svg, value, { x: Math.max(to, zero) + 4, y: top + thick - 4 });
  }
}
