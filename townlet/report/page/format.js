// Numbers and times as text.

const MINUS = "\u2212";

/** A number in few digits: 0.125, 1,440, −3.2e−7. */
export function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text =
    size >= 1e7 || size < 10 ** -(digits + 1)
      ? size.toExponential(2).replace("e+", "e").replace("e-", `e${MINUS}`)
      : Number.isInteger(value)
        ? grouped(size)
        : size >= 1000
          ? grouped(Math.round(size))
          : size.toFixed(digits);
  return value < 0 ? MINUS + text : text;
}

function grouped(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** With its sign: +0.2, −0.1. */
export function signed(value, digits = 3) {
  return value > 0 ? `+${number(value, digits)}` : number(value, digits);
}

export function percent(share) {
  return Number.isFinite(share) ? `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %` : "–";
}

/** `1 tick`, `2 ticks`. */
export function count(value, one, many = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** Day and time of day of a tick, where a day of `ticksPerDay` has 24 hours. */
export function timeOfDay(tick, ticksPerDay, atZero) {
  const since = tick + atZero;
  const minutes = Math.floor(((since % ticksPerDay) / ticksPerDay) * 1440);
  const two = (part) => String(part).padStart(2, "0");
  const day = Math.floor(since / ticksPerDay) + 1;
  return {
    day,
    time: `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`,
    share: (since % ticksPerDay) / ticksPerDay,
  };
}

/** Even places for marks on an axis from `low` to `high`, at most `most` of them. */
export function marks(low, high, most) {
  const rough = (high - low) / Math.max(1, most);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const places = [];
  for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k += 1) places.push(k * step);
  return places;
}
