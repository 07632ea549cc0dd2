// Lanes: what each agent does over time, as pieces of one colour, with marks for what stands out.

import { colours, doingColour, fit } from "#page/colours.js";

export const LANE = 20; // pixels from lane to lane
const BAR = 13; // of them coloured

/** The pieces of a row: [first tick, end, what it does], those in which nobody lives left out. */
export function pieces(model, row) {
  const { who, doing } = model.arrays;
  const found = [];
  let start = 0;
  const base = row * model.ticks;
  for (let i = 1; i <= model.ticks; i += 1) {
    const same =
      i < model.ticks && who[base + i] === who[base + start] && doing[base + i] === doing[base + start];
    if (same) continue;
    if (who[base + start] > 0) found.push([start + model.first, i + model.first, doing[base + start]]);
    start = i;
  }
  return found;
}

/** What those who live do somewhere: affordances by number, then idle, walks and so on. */
export function codesOf({ arrays: { who, doing } }) {
  return inOrder(new Set(doing.filter((_, i) => who[i] > 0)));
}

/** Codes of what agents do as a legend lists them. */
export function inOrder(codes) {
  const rank = (code) => (code >= 0 ? [0, code] : [1, -code]);
  return [...codes].sort((one, other) => {
    const [a, b] = [rank(one), rank(other)];
    return a[0] - b[0] || a[1] - b[1];
  });
}

/** Ticks of a row in which an attempt was refused. */
export function refusals(model, row) {
  const { who, refusal } = model.arrays;
  const found = [];
  for (let i = 0, at = row * model.ticks; i < model.ticks; i += 1, at += 1) {
    if (refusal[at] > 0 && who[at] > 0) found.push(i + model.first);
  }
  return found;
}

export class Lanes {
  constructor(model, canvas) {
    Object.assign(this, { model, canvas });
    this.pieces = new Map();
    this.refusals = new Map();
  }

  of(store, make, row) {
    if (!store.has(row)) store.set(row, make(this.model, row));
    return store.get(row);
  }

  /** Draw the rows from..to over the ticks of `view`; `scroll` pixels of the lanes are above. */
  draw({ width, height, scroll, view, followed }) {
    const context = fit(this.canvas, width, height);
    const all = colours();
    context.clearRect(0, 0, width, height);
    const scale = width / (view[1] - view[0]);
    const x = (tick) => (tick - view[0]) * scale;
    const first = Math.max(0, Math.floor(scroll / LANE));
    const end = Math.min(this.model.rows, Math.ceil((scroll + height) / LANE));
    for (let row = first; row < end; row += 1) {
      const top = row * LANE - scroll + (LANE - BAR) / 2;
      this.drawPieces(context, row, top, x, view, width);
      this.drawRefusals(context, row, top, x, view, all);
    }
    this.drawLives(context, scroll, height, x, view, all);
    if (followed > 0) {
      const row = this.model.rowOf(followed);
      context.strokeStyle = all.accent;
      context.lineWidth = 1.5;
      context.strokeRect(0.75, row * LANE - scroll + 1.25, width - 1.5, LANE - 2.5);
    }
  }

  drawPieces(context, row, top, x, view, width) {
    for (const [start, until, code] of this.of(this.pieces, pieces, row)) {
      if (until <= view[0] || start >= view[1]) continue;
      const left = Math.max(0, x(start));
      const right = Math.min(width, x(until));
      context.fillStyle = doingColour(code);
      context.fillRect(left, top, Math.max(0.75, right - left), BAR);
    }
  }

  drawRefusals(context, row, top, x, view, all) {
    context.fillStyle = all.bad;
    const size = Math.min(3, Math.max(1.5, x(view[0] + 1)));
    for (const tick of this.of(this.refusals, refusals, row)) {
      if (tick < view[0] || tick >= view[1]) continue;
      context.fillRect(x(tick + 0.5) - size / 2, top - 3, size, 7);
    }
  }

  /** A triangle where a life begins after the start, a cross where one ends before the end. */
  drawLives(context, scroll, height, x, view, all) {
    for (const life of this.model.lives) {
      const middle = life.row * LANE - scroll + LANE / 2;
      if (middle < -LANE || middle > height + LANE) continue;
      if (life.born > this.model.first && life.born >= view[0] && life.born <= view[1]) {
        const left = x(life.born);
        context.fillStyle = all.ink;
        context.beginPath();
        context.moveTo(left, middle - 7);
        context.lineTo(left + 8, middle);
        context.lineTo(left, middle + 7);
        context.fill();
      }
      if (life.left && life.end >= view[0] && life.end <= view[1]) {
        const at = x(life.end);
        context.strokeStyle = all.bad;
        context.lineWidth = 2.5;
        context.beginPath();
        context.moveTo(at - 5, middle - 5);
        context.lineTo(at + 5, middle + 5);
        context.moveTo(at - 5, middle + 5);
        context.lineTo(at + 5, middle - 5);
        context.stroke();
      }
    }
  }
}
