// Box plots: the middle half as a box with the median in it, whiskers to the ends, and what is far away as dots.

import { add, axisBelow, begin, colour, label, mount } from "#page/charts/frame.js";
import { extent, formatNumber, linear, quantile } from "#page/charts/scale.js";

const ROW = 26; // pixels

/**
 * Whiskers go to the last value within 1.5 times the box beyond it, as Tukey has it; what lies farther is an outlier.
 * @param values numbers; what is not finite is left out
 * @returns {{count, low, first, median, third, high, mean, outliers}}
 */
export function summary(values) {
  const sorted = Array.from(values)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const [first, median, third] = [0.25, 0.5, 0.75].map((part) => quantile(sorted, part));
  const far = 1.5 * (third - first);
  const near = sorted.filter((value) => value >= first - far && value <= third + far);
  return {
    count: sorted.length,
    low: near[0] ?? NaN,
    first,
    median,
    third,
    high: near.at(-1) ?? NaN,
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    outliers: sorted.filter((value) => value < first - far || value > third + far),
  };
}

/**
 * @param svg an empty <svg>
 * @param data {groups: [{name, values, colour}]}
 * @param options {name, width, xLabel, format}
 * @returns {{update(data, options)}}
 */
export function draw(svg, data, options = {}) {
  const state = { data, options };
  const again = mount(svg, (width) => paintBoxes(svg, width, state.data, state.options), options.width);
  return {
    update: (changed, other = {}) => {
      state.data = changed ?? state.data;
      state.options = { ...state.options, ...other };
      again();
    },
  };
}

function paintBoxes(svg, width, data, options) {
  const height = data.groups.length * ROW + (options.xLabel ? 42 : 30);
  const letters = Math.min(
    28,
    Math.max(4, ...data.groups.map(({ name }) => Array.from(String(name)).length)),
  );
  const left = Math.min(Math.round(letters * 6.2 + 12), Math.round(width * 0.4));
  const box = { left, right: width - 14, top: 4, bottom: height - (options.xLabel ? 36 : 24) };
  const sx = linear(wider(extent(data.groups.map(({ values }) => values))), [box.left, box.right]);
  begin(svg, width, height, options.name ?? "box plots");
  axisBelow(svg, sx, box, { format: options.format, label: options.xLabel });
  for (const [k, { name, values, colour: own }] of data.groups.entries()) {
    const middle = box.top + k * ROW + ROW / 2;
    label(svg, name, { x: left - 6, y: middle + 3.5, "text-anchor": "end" }, Math.ceil((left - 12) / 6.2));
    const found = summary(values);
    if (found.count === 0) continue;
    const group = add(svg, "g", { color: colour(own ?? k) });
    const { low, first, median, third, high } = found;
    const line = { stroke: "currentColor", "stroke-width": 1.5 };
    add(group, "path", {
      d: `M${sx(low)} ${middle}H${sx(first)}M${sx(third)} ${middle}H${sx(high)}`,
      ...line,
    });
    add(group, "path", { d: `M${sx(low)} ${middle - 4}v8M${sx(high)} ${middle - 4}v8`, ...line });
    const wide = Math.max(1, sx(third) - sx(first));
    add(group, "rect", {
      x: sx(first),
      y: middle - 8,
      width: wide,
      height: 16,
      fill: "currentColor",
      "fill-opacity": 0.3,
      ...line,
    });
    add(group, "path", { d: `M${sx(median)} ${middle - 8}v16`, stroke: "currentColor", "stroke-width": 3 });
    for (const value of found.outliers) {
      add(group, "circle", { cx: sx(value), cy: middle, r: 2.5, fill: "none", ...line });
    }
    add(group, "title", {}, `${name}: ${inWords(found, options.format ?? formatNumber)}`);
  }
}

function wider([low, high]) {
  const room = (high - low) * 0.04;
  return [low - room, high + room];
}

function inWords({ count, low, first, median, third, high }, format) {
  const [from, to, least, most] = [first, third, low, high].map((value) => format(value));
  return `${count} values, median ${format(median)}, middle half ${from} to ${to}, whiskers ${least} to ${most}`;
}
