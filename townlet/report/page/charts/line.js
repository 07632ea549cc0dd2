// Lines over ticks: one axis along x that many charts share, thresholds and a cursor.

import { add, axisBelow, axisLeft, begin, colour, cursor, inside, label, mount } from "#page/charts/frame.js";
import { along, areaPath, linePath, nearest } from "#page/charts/path.js";
import { extent, formatNumber, linear } from "#page/charts/scale.js";

/**
 * @param svg an empty <svg>
 * @param data {x: numbers or null, first: 0 (x = first, first + 1, ... where x is null),
 *   series: [{name, values, colour (index), dashed, step, dots, x (of its own), low, high (a band
 *   around it)}]}
 * @param options {name, height: 160, width, xLabel, yLabel, integer: true (x), yRange: [low, high],
 *   thresholds: [{value, text}], span: [from, to], format (of y), formatX, step (of the cursor),
 *   cursor, onCursor(x), hover}
 * @returns {{cursor(x), update(data, options), at(x): [{name, value}], describe(x): text, x(pixel)}}
 */
export function draw(svg, data, options = {}) {
  const state = { data, options, place: null };
  let pointer = null;
  const paint = (width) => {
    state.place = paintLines(svg, width, state.data, state.options);
    pointer?.repaint();
  };
  const again = mount(svg, paint, options.width);
  const at = (x) => valuesAt(state.data, x);
  if (options.onCursor || options.cursor !== undefined) {
    pointer = cursor(svg, () => state.place, {
      step: options.step,
      hover: options.hover,
      onCursor: (x) => state.options.onCursor?.(x),
      describe: (x) => described(state, x, at(x)),
    });
    pointer.repaint();
    if (options.cursor !== undefined) pointer.show(options.cursor);
  }
  return {
    cursor: (x) => pointer?.show(x),
    at,
    describe: (x) => described(state, x, at(x)),
    x: (pixel) => state.place.sx.invert(pixel),
    update: (changed, other = {}) => {
      state.data = changed ?? state.data;
      state.options = { ...state.options, ...other };
      again();
    },
  };
}

function rows(data) {
  return data.series.filter((row) => row.values.length > 0);
}

function described({ options }, x, values) {
  const format = options.format ?? formatNumber;
  const said = values.map(({ name, value }) => `${name} ${format(value)}`);
  return [`${options.xLabel ?? "x"} ${(options.formatX ?? formatNumber)(x)}`, ...said].join(", ");
}

function valuesAt(data, x) {
  return rows(data).map((row) => ({
    name: row.name,
    value: row.values[nearest(placesOf(data, row), row.values.length, x)],
  }));
}

function placesOf(data, row) {
  return along(row.x ?? data.x, row.values.length, data.first);
}

function paintLines(svg, width, data, options) {
  const height = options.height ?? 160;
  const shown = rows(data);
  const thresholds = options.thresholds ?? [];
  const values = shown.flatMap(({ values, low, high }) => [values, low ?? [], high ?? []]);
  const yDomain = options.yRange ?? padded(extent([...values, thresholds.map(({ value }) => value)]));
  const x = (row) => placesOf(data, row);
  const ends = shown.map((row) => {
    const places = x(row);
    return places.first === undefined ? extent([places]) : [places.first, places.first + places.length - 1];
  });
  const box = {
    left: options.left ?? 52,
    right: width - 10,
    top: options.yLabel ? 18 : 8,
    bottom: height - (options.xLabel ? 34 : 22),
  };
  const sx = linear(options.span ?? extent(ends), [box.left, box.right]);
  const sy = linear(yDomain, [box.bottom, box.top]);
  begin(svg, width, height, options.name ?? "lines");
  axisLeft(svg, sy, box, { format: options.format, label: options.yLabel });
  axisBelow(svg, sx, box, {
    integer: options.integer ?? true,
    format: options.formatX,
    label: options.xLabel,
  });
  const plot = inside(svg, box);
  for (const { value, text } of thresholds) {
    add(plot, "path", {
      d: `M${box.left} ${sy(value)}H${box.right}`,
      stroke: "currentColor",
      "stroke-dasharray": "2 4",
      opacity: 0.7,
    });
    if (text) label(plot, text, { x: box.right - 4, y: sy(value) - 3, "text-anchor": "end", opacity: 0.8 });
  }
  for (const [k, row] of shown.entries()) {
    if (row.low && row.high) {
      add(plot, "path", {
        d: areaPath(x(row), row.low, row.high, sx, sy),
        fill: colour(row.colour ?? k),
        opacity: 0.22,
      });
    }
  }
  for (const [k, row] of shown.entries()) {
    const d = linePath(x(row), row.values, sx, sy, row.step);
    const dash = row.dashed ? "6 3" : undefined;
    add(plot, "path", {
      d,
      fill: "none",
      stroke: colour(row.colour ?? k),
      "stroke-width": row.width ?? 1.5,
      "stroke-dasharray": dash,
      "stroke-linejoin": "round",
    });
    if (row.dots || row.values.length === 1)
      addDots(plot, x(row), row.values, sx, sy, colour(row.colour ?? k));
  }
  return { ...box, sx, sy, width };
}

function addDots(plot, x, values, sx, sy, fill) {
  for (let k = 0; k < values.length; k += 1) {
    if (!Number.isFinite(values[k])) continue;
    add(plot, "circle", {
      cx: sx(x.first === undefined ? x[k] : x.first + k),
      cy: sy(values[k]),
      r: 3,
      fill,
    });
  }
}

function padded([low, high]) {
  const room = (high - low) * 0.05;
  return [low - (low < 0 || low - room > 0 ? room : 0), high + room];
}
