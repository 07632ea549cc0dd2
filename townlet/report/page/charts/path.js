// Paths of SVG for long rows of numbers: what falls onto one column of pixels is drawn as its lowest and highest.

const round = (place) => Math.round(place * 10) / 10;

/** Places along x: `x` itself, or first, first + 1, ... for rows of neighbouring ticks. */
export function along(x, count, first = 0) {
  return x ?? { length: count, first };
}

function at(x, k) {
  return x.first === undefined ? x[k] : x.first + k;
}

/**
 * The part of a row that a domain shows, with one neighbour more on each side.
 * @returns {[number, number]} indices, the second one excluded
 */
export function shownPart(x, count, [low, high]) {
  const before = (value) => {
    let [from, to] = [0, count];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (at(x, middle) < value) from = middle + 1;
      else to = middle;
    }
    return from;
  };
  return [Math.max(0, before(low) - 1), Math.min(count, before(high) + 2)];
}

/**
 * A line through (x, values); gaps where a value is not finite.
 * @param x from `along`
 * @param values [T] numbers
 * @param sx, sy scales
 * @param {boolean} step hold each value until the next, as things that change at ticks do
 */
export function linePath(x, values, sx, sy, step = false) {
  const [from, to] = shownPart(x, values.length, sx.domain);
  const width = Math.abs(sx.range[1] - sx.range[0]);
  if (to - from > 4 * width) return densePath(x, values, sx, sy, from, to);
  const parts = [];
  let down = false;
  for (let k = from; k < to; k += 1) {
    const value = values[k];
    if (!Number.isFinite(value)) {
      down = false;
      continue;
    }
    const [left, top] = [round(sx(at(x, k))), round(sy(value))];
    if (!down) parts.push(`M${left} ${top}`);
    else parts.push(step ? `H${left}V${top}` : `L${left} ${top}`);
    down = true;
  }
  return parts.join("");
}

function densePath(x, values, sx, sy, from, to) {
  const parts = [];
  let [column, low, high, down] = [NaN, Infinity, -Infinity, false];
  const flush = () => {
    if (low > high) return;
    parts.push(`${down ? "L" : "M"}${column} ${round(sy(high))}V${round(sy(low))}`);
    [low, high, down] = [Infinity, -Infinity, true];
  };
  for (let k = from; k < to; k += 1) {
    const place = Math.round(sx(at(x, k)));
    if (place !== column) {
      flush();
      column = place;
    }
    const value = values[k];
    if (!Number.isFinite(value)) {
      flush();
      down = false;
      continue;
    }
    if (value < low) low = value;
    if (value > high) high = value;
  }
  flush();
  return parts.join("");
}

/** The area between two rows; parts where one of them is not finite are left out. */
export function areaPath(x, low, high, sx, sy) {
  const [from, to] = shownPart(x, low.length, sx.domain);
  const stride = Math.max(1, Math.floor((to - from) / (4 * Math.abs(sx.range[1] - sx.range[0]))));
  const parts = [];
  let run = [];
  const close = () => {
    if (run.length > 1) {
      const above = run.map((k) => `${round(sx(at(x, k)))} ${round(sy(high[k]))}`);
      const below = run.reverse().map((k) => `${round(sx(at(x, k)))} ${round(sy(low[k]))}`);
      parts.push(`M${above.join("L")}L${below.join("L")}Z`);
    }
    run = [];
  };
  for (let k = from; k < to; k += stride) {
    if (Number.isFinite(low[k]) && Number.isFinite(high[k])) run.push(k);
    else close();
  }
  close();
  return parts.join("");
}

/** The index of the row's place that is next to `value`. */
export function nearest(x, count, value) {
  const [from, to] = shownPart(x, count, [value, value]);
  let best = from;
  for (let k = from; k < to; k += 1) {
    if (Math.abs(at(x, k) - value) < Math.abs(at(x, best) - value)) best = k;
  }
  return best;
}
