// Small multiples over many runs: a median with the band from a low to a high share of the runs.

import { draw as drawLines } from "#page/charts/line.js";

/**
 * @param svg an empty <svg>
 * @param data {x or first, series: [{name, median, low, high, colour}]}: [T] each; NaN where no run is left
 * @param options as for lines
 */
export function draw(svg, data, options = {}) {
  const handle = drawLines(svg, asLines(data), options);
  return { ...handle, update: (changed, other) => handle.update(changed && asLines(changed), other) };
}

function asLines(data) {
  return { ...data, series: data.series.map(({ median, ...rest }) => ({ ...rest, values: median })) };
}
