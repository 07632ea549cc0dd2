// Numbers to places and back, round marks for an axis, and numbers as text. No document is needed here.

const NICE = [1, 2, 5, 10];

/**
 * A straight line from a domain to a range.
 * @param {[number, number]} domain where an empty one is widened, so that nothing is divided by zero
 * @param {[number, number]} range in pixels
 * @returns a function with `domain`, `range` and `invert`
 */
export function linear(domain, range) {
  let [low, high] = domain;
  if (!(high > low)) {
    const half = Math.abs(low) * 0.05 || 0.5;
    [low, high] = [low - half, low + half];
  }
  const slope = (range[1] - range[0]) / (high - low);
  const scale = (value) => range[0] + (value - low) * slope;
  scale.domain = [low, high];
  scale.range = range;
  scale.invert = (place) => low + (place - range[0]) / slope;
  return scale;
}

/** Round numbers inside [low, high], at most about `most` of them; `integer`: whole ones only. */
export function ticks(low, high, most = 6, integer = false) {
  if (!(high > low) || !Number.isFinite(high - low)) return [low];
  const step = niceStep((high - low) / Math.max(1, most), integer);
  const marks = [];
  // The small part of a step forgives what division leaves behind the last digit.
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  for (let k = first; k <= last; k += 1) marks.push(cleaned(k * step, step));
  return marks;
}

/** The smallest of 1, 2, 5, 10, 20, ... (or tenths, ...) that is at least `step`. */
export function niceStep(step, integer = false) {
  const power = 10 ** Math.floor(Math.log10(step));
  const nice = NICE.find((part) => part * power >= step * (1 - 1e-9)) * power;
  return integer ? Math.max(1, Math.round(nice)) : nice;
}

function cleaned(value, step) {
  const digits = Math.min(20, Math.max(0, -Math.floor(Math.log10(step)) + 1));
  return Number(value.toFixed(digits)) + 0; // never a negative zero
}

/** The lowest and highest of many lists, what is not finite left out; [0, 1] where nothing is left. */
export function extent(lists) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (let k = 0; k < list.length; k += 1) {
      const value = list[k];
      if (value < low && value > -Infinity) low = value;
      if (value > high && value < Infinity) high = value;
    }
  }
  return low <= high ? [low, high] : [0, 1];
}

/** A number for people, the same in every country: "12,345", "0.0312", "1.2e-7"; "–" for what is not known. */
export function formatNumber(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(Number(value))) return "–";
  const number = Number(value);
  if (!Number.isFinite(number)) return number > 0 ? "∞" : "−∞";
  if (number === 0) return "0";
  const size = Math.abs(number);
  if (size >= 1e9 || size < 1e-4) return trimmed(number.toExponential(digits - 2));
  const behind = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const [whole, part] = trimmed(number.toFixed(Math.min(20, behind))).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return part === undefined ? grouped : `${grouped}.${part}`;
}

function trimmed(text) {
  const [number, power] = text.split("e");
  const short = number.includes(".") ? number.replace(/\.?0+$/, "") : number;
  return power === undefined ? short : `${short}e${power}`;
}

/** Texts of marks that lie `step` apart: as many digits as tell them apart. */
export function formatMarks(marks) {
  const step = marks.length > 1 ? Math.abs(marks[1] - marks[0]) : Math.abs(marks[0]);
  const largest = Math.max(...marks.map(Math.abs));
  const digits = step > 0 ? Math.ceil(Math.log10(largest / step) + 1e-9) + 2 : 4;
  return marks.map((mark) => formatNumber(mark, Math.max(4, digits)));
}

/** A share as "12.5 %". */
export function formatShare(value) {
  return value === null || Number.isNaN(value) ? "–" : `${formatNumber(value * 100, 3)} %`;
}

/** Cut a name that is too long for its place; its whole text belongs into a title. */
export function shortened(text, most) {
  const letters = Array.from(String(text));
  return letters.length <= most ? String(text) : `${letters.slice(0, Math.max(1, most - 1)).join("")}…`;
}

/** Values into `count` bins of one width: {edges: count + 1, counts: count}. What is not finite is left out. */
export function binned(values, count = 30) {
  const [low, high] = linear(extent([values]), [0, 1]).domain;
  const edges = Array.from({ length: count + 1 }, (_, k) => low + ((high - low) * k) / count);
  const counts = new Array(count).fill(0);
  for (let k = 0; k < values.length; k += 1) {
    if (!Number.isFinite(values[k])) continue;
    const bin = Math.floor(((values[k] - low) / (high - low)) * count);
    counts[Math.min(count - 1, Math.max(0, bin))] += 1;
  }
  return { edges, counts };
}

/** A quantile between 0 and 1 of sorted numbers, straight between neighbours; NaN of none. */
export function quantile(sorted, part) {
  if (sorted.length === 0) return NaN;
  const place = (sorted.length - 1) * part;
  const below = Math.floor(place);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}
