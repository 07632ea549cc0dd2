// What is used when, and by whom: a lane a thing, a bar a stretch of ticks.

import { add, axisBelow, begin, colour, cursor, inside, label, mount } from "#page/charts/frame.js";
import { extent, formatNumber, linear } from "#page/charts/scale.js";

/**
 * Stretches of equal values in a row over ticks.
 * @param values [T] codes
 * @param {number} none the code that is no stretch
 * @param {number} first the tick of values[0]
 * @returns {{from, to, code}[]} `to` excluded
 */
export function stretches(values, none = 0, first = 0) {
  const found = [];
  let from = 0;
  for (let t = 1; t <= values.length; t += 1) {
    if (t < values.length && values[t] === values[from]) continue;
    if (values[from] !== none) found.push({ from: first + from, to: first + t, code: values[from] });
    from = t;
  }
  return found;
}

/**
 * @param svg an empty <svg>
 * @param data {lanes: [{name, spans: [{from, to (excluded), colour (index, or one of style.css), text}]}]}
 * @param options {name, laneHeight: 18, width, xLabel, span: [from, to], formatX, cursor, onCursor(x)}
 * @returns {{cursor(x), update(data, options), at(x): [{name, text}]}}
 */
export function draw(svg, data, options = {}) {
  const state = { data, options, place: null };
  let pointer = null;
  const paint = (width) => {
    state.place = paintLanes(svg, width, state.data, state.options);
    pointer?.repaint();
  };
  const again = mount(svg, paint, options.width);
  const at = (x) => textsAt(state.data, x);
  if (options.onCursor || options.cursor !== undefined) {
    pointer = cursor(svg, () => state.place, {
      onCursor: (x) => state.options.onCursor?.(x),
      describe: (x) => {
        const said = at(x).map(({ name, text }) => `${name}: ${text}`);
        return [`tick ${formatNumber(x)}`, ...(said.length ? said : ["nothing is used"])].join(", ");
      },
    });
    pointer.repaint();
    if (options.cursor !== undefined) pointer.show(options.cursor);
  }
  return {
    cursor: (x) => pointer?.show(x),
    at,
    update: (changed, other = {}) => {
      state.data = changed ?? state.data;
      state.options = { ...state.options, ...other };
      again();
    },
  };
}

function textsAt(data, x) {
  return data.lanes.flatMap(({ name, spans }) =>
    spans.filter(({ from, to }) => x >= from && x < to).map(({ text }) => ({ name, text: text ?? "in use" })),
  );
}

function paintLanes(svg, width, data, options) {
  const lane = options.laneHeight ?? 18;
  const height = data.lanes.length * lane + (options.xLabel ? 42 : 30);
  const letters = Math.min(24, Math.max(4, ...data.lanes.map(({ name }) => Array.from(String(name)).length)));
  const left = options.left ?? Math.min(Math.round(letters * 6.2 + 12), Math.round(width * 0.35));
  const box = { left, right: width - 10, top: 4, bottom: height - (options.xLabel ? 36 : 24) };
  const ends = data.lanes.flatMap(({ spans }) => spans.flatMap(({ from, to }) => [from, to]));
  const sx = linear(options.span ?? extent([ends]), [box.left, box.right]);
  begin(svg, width, height, options.name ?? "use over time");
  axisBelow(svg, sx, box, { integer: true, format: options.formatX, label: options.xLabel });
  const plot = inside(svg, box);
  for (const [k, { name, spans }] of data.lanes.entries()) {
    const top = box.top + k * lane;
    label(
      svg,
      name,
      { x: left - 6, y: top + lane / 2 + 3.5, "text-anchor": "end" },
      Math.ceil((left - 12) / 6.2),
    );
    if (k > 0)
      add(svg, "path", { d: `M${left} ${top + 0.5}H${box.right}`, stroke: "currentColor", opacity: 0.1 });
    for (const [fill, d] of paths(spans, sx, top + 2, lane - 4)) {
      add(plot, "path", { d, fill: colour(fill) });
    }
  }
  return { ...box, sx, width };
}

/** One path a colour: thousands of stretches stay a few elements. Neighbours that no pixel parts are one. */
function paths(spans, sx, top, height) {
  const found = new Map();
  const [low, high] = sx.domain;
  for (const { from, to, colour: index } of spans) {
    if (to < low || from > high) continue;
    const list = found.get(index) ?? [];
    const [left, right] = [sx(from), Math.max(sx(to), sx(from) + 0.5)];
    const last = list.at(-1);
    if (last && left - last[1] < 0.25) last[1] = right;
    else list.push([left, right]);
    found.set(index, list);
  }
  const bar = ([left, right]) =>
    `M${left.toFixed(1)} ${top}H${right.toFixed(1)}v${height}H${left.toFixed(1)}Z`;
  return [...found].map(([index, list]) => [index, list.map(bar).join("")]);
}
