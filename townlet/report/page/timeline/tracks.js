// Tracks under the lanes: needs with their thresholds, wallet and rivalry, over the same ticks.

import { colours, fit, lifeColour } from "#page/colours.js";
import { number } from "#page/format.js";

export const TRACK = 58; // pixels a track is high
const MOST_LINES = 24; // thin lines of the others, where somebody is followed or nobody

/** What tracks there are: a title, and where the number of a row and tick stands. */
export function tracksOf(model) {
  const { needs, thresholds } = model.run;
  const { need, wallet, rivalry } = model.arrays;
  const found = needs.map((title, n) => ({
    title,
    array: need,
    at: (row) => (row * needs.length + n) * model.ticks,
    low: 0,
    high: 1,
    threshold: thresholds[n],
  }));
  const flat = (row) => row * model.ticks;
  found.push({ title: "wallet", array: wallet, at: flat, ...range(wallet, model) });
  found.push({
    title: "rivalry",
    array: rivalry,
    at: flat,
    low: 0,
    high: Math.max(0.1, range(rivalry, model).high),
  });
  return found;
}

function range(array, model) {
  let [low, high] = [0, 0];
  const { who } = model.arrays;
  for (let i = 0; i < array.length; i += 1) {
    if (who[i] === 0) continue;
    if (array[i] < low) low = array[i];
    if (array[i] > high) high = array[i];
  }
  return { low, high: high > low ? high : low + 1 };
}

export class Tracks {
  constructor(model, canvas) {
    Object.assign(this, { model, canvas, tracks: tracksOf(model) });
  }

  get height() {
    return this.tracks.length * TRACK;
  }

  draw({ width, view, followed }) {
    const context = fit(this.canvas, width, this.height);
    const all = colours();
    context.clearRect(0, 0, width, this.height);
    this.tracks.forEach((track, k) => {
      const top = k * TRACK;
      const y = (value) => top + TRACK - 5 - ((value - track.low) / (track.high - track.low)) * (TRACK - 12);
      context.strokeStyle = all.line;
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(0, top + TRACK - 0.5);
      context.lineTo(width, top + TRACK - 0.5);
      context.stroke();
      if (track.threshold !== undefined) {
        context.strokeStyle = all.bad;
        context.setLineDash([4, 4]);
        context.beginPath();
        context.moveTo(0, y(track.threshold));
        context.lineTo(width, y(track.threshold));
        context.stroke();
        context.setLineDash([]);
      }
      this.drawLines(context, track, y, { width, view, followed });
    });
  }

  drawLines(context, track, y, { width, view, followed }) {
    const { model } = this;
    const others = model.lives.map((_, i) => i + 1).filter((life) => life !== followed);
    context.lineJoin = "round";
    context.globalAlpha = followed > 0 ? 0.22 : 0.8;
    context.lineWidth = 1;
    for (const life of others.slice(0, MOST_LINES)) drawLine(context, model, track, y, width, view, life);
    context.globalAlpha = 1;
    context.lineWidth = 2;
    if (followed > 0) drawLine(context, model, track, y, width, view, followed);
  }

  /** The number of each track for a life at a tick, as text. */
  texts(life, tick) {
    const { model } = this;
    if (!model.lived(life, tick)) return this.tracks.map(() => "");
    const row = model.rowOf(life);
    return this.tracks.map((track) => number(track.array[track.at(row) + tick - model.first]));
  }
}

/** A life's line: where several ticks share a pixel, from the lowest to the highest of them. */
function drawLine(context, model, track, y, width, view, life) {
  const span = model.span(life);
  if (span === null) return;
  const low = Math.max(span[0], Math.floor(view[0]));
  const high = Math.min(span[1], Math.ceil(view[1]) - 1);
  if (low > high) return;
  const base = track.at(model.rowOf(life)) - model.first;
  const scale = width / (view[1] - view[0]);
  const step = Math.max(1, Math.floor(1 / scale));
  context.strokeStyle = lifeColour(life);
  context.beginPath();
  for (let tick = low; tick <= high; tick += step) {
    let [least, most] = [Infinity, -Infinity];
    for (let t = tick; t < tick + step && t <= high; t += 1) {
      const value = track.array[base + t];
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const x = (tick + 0.5 - view[0]) * scale;
    if (tick === low) context.moveTo(x, y(least));
    else context.lineTo(x, y(least));
    if (most > least) context.lineTo(x, y(most));
  }
  // A line of one place has no length: a life of one tick is as wide as its tick.
  if (high - low < step) {
    const [left, level] = [(low - view[0]) * scale, y(track.array[base + low])];
    context.moveTo(left, level);
    context.lineTo(left + Math.max(1.5, scale), level);
  }
  context.stroke();
}
