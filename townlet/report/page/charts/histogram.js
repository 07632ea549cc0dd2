// How often which values occur.

import { add, axisBelow, axisLeft, begin, colour, mount } from "#page/charts/frame.js";
import { binned, formatNumber, linear } from "#page/charts/scale.js";

/**
 * @param svg an empty <svg>
 * @param data {values: numbers} or {edges: [B + 1], counts: [B]}
 * @param options {name, bins: 30, height: 160, width, xLabel, yLabel, colour: 0}
 * @returns {{update(data, options)}}
 */
export function draw(svg, data, options = {}) {
  const state = { data, options };
  const again = mount(svg, (width) => paintBins(svg, width, state.data, state.options), options.width);
  return {
    update: (changed, other = {}) => {
      state.data = changed ?? state.data;
      state.options = { ...state.options, ...other };
      again();
    },
  };
}

function paintBins(svg, width, data, options) {
  const height = options.height ?? 160;
  const { edges, counts } = data.counts ? data : binned(data.values, options.bins ?? 30);
  const box = {
    left: 52,
    right: width - 10,
    top: options.yLabel ? 18 : 8,
    bottom: height - (options.xLabel ? 34 : 22),
  };
  const sx = linear([edges[0], edges.at(-1)], [box.left, box.right]);
  const sy = linear([0, Math.max(1, ...counts)], [box.bottom, box.top]);
  begin(svg, width, height, options.name ?? "histogram");
  axisLeft(svg, sy, box, { integer: true, label: options.yLabel });
  axisBelow(svg, sx, box, { label: options.xLabel });
  for (const [k, count] of counts.entries()) {
    if (count === 0) continue;
    const [from, to] = [sx(edges[k]), sx(edges[k + 1])];
    const bar = add(svg, "rect", {
      x: from,
      y: Math.min(sy(count), box.bottom - 1),
      width: Math.max(0.5, to - from - 1),
      height: Math.max(1, box.bottom - sy(count)),
      fill: colour(options.colour ?? 0),
    });
    add(
      bar,
      "title",
      {},
      `${formatNumber(edges[k])} to ${formatNumber(edges[k + 1])}: ${formatNumber(count)}`,
    );
  }
}
