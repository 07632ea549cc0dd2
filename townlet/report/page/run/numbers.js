// Sums over a span of ticks, of one life or (0) of all: what plots and tables of a run show.

import { IDLE } from "#page/run/model.js";

/** Call `each(row, at, life, i)` for every tick that is lived in the ticks low..high; `i` counts from the first shown. */
export function eachTick(model, low, high, life, each) {
  const { who } = model.arrays;
  const rows = life > 0 ? [model.rowOf(life)] : Array.from({ length: model.rows }, (_, row) => row);
  for (const row of rows) {
    const base = row * model.ticks;
    for (let i = low - model.first; i <= high - model.first; i += 1) {
      const there = who[base + i];
      if (there > 0 && (life === 0 || there === life)) each(row, base + i, there, i);
    }
  }
}

/** [K] the sum of each reward term. */
export function rewardByTerm(model, low, high, life) {
  const kinds = model.run.terms.length;
  const { term } = model.arrays;
  const sums = new Float64Array(kinds);
  eachTick(model, low, high, life, (row, at, there, i) => {
    for (let k = 0; k < kinds; k += 1) sums[k] += term[(row * kinds + k) * model.ticks + i];
  });
  return Array.from(sums);
}

/** How often each action was chosen, legal, and refused: three lists, by id. */
export function actionCounts(model, low, high, life) {
  const found = { chosen: [], legal: [], refused: [] };
  for (const list of Object.values(found))
    for (let id = 0; id < model.run.actions.length; id += 1) list.push(0);
  const { action, refusal, mask } = model.arrays;
  const bytes = mask.shape[1];
  eachTick(model, low, high, life, (row, at, there, i) => {
    found.chosen[action[at]] += 1;
    if (refusal[at] > 0) found.refused[action[at]] += 1;
    for (let byte = 0; byte < bytes; byte += 1) {
      let bits = mask[(row * bytes + byte) * model.ticks + i];
      for (let id = byte * 8; bits > 0; id += 1, bits >>= 1) if (bits & 1) found.legal[id] += 1;
    }
  });
  return found;
}

/** [height * width] ticks that somebody stood on each tile. */
export function occupancy(model, low, high, life) {
  const { width, height } = model.town;
  const tiles = new Float64Array(width * height);
  const { x, y } = model.arrays;
  eachTick(model, low, high, life, (row, at) => {
    tiles[y[at] * width + x[at]] += 1;
  });
  return tiles;
}

/** How long everybody who waited in a queue waited in it, as far as the span shows: ticks, one a wait. */
export function waits(model, low, high, life) {
  const { queued_at: queue, place } = model.arrays;
  const found = [];
  let last = null;
  eachTick(model, low, high, life, (row, at, there) => {
    if (place[at] === 0) return;
    const goes = last !== null && last.at === at - 1 && last.there === there && last.queue === queue[at];
    if (goes) {
      found[found.length - 1] += 1;
      last.at = at;
    } else {
      found.push(1);
      last = { at, there, queue: queue[at] };
    }
  });
  return found;
}

/** The reward so far of a life, tick by tick: {first, values}; null where it is not in the span. */
export function cumulativeReward(model, low, high, life) {
  const lived = model.span(life);
  if (lived === null) return null;
  const [start, end] = [Math.max(low, lived[0]), Math.min(high, lived[1])];
  if (start > end) return null;
  const values = new Float64Array(end - start + 1);
  let sum = 0;
  const base = model.rowOf(life) * model.ticks - model.first;
  for (let tick = start; tick <= end; tick += 1)
    values[tick - start] = sum += model.arrays.reward[base + tick];
  return { first: start, values };
}

/** When each object was used, and by whom: [{name, spans: [{from, to, life}]}], objects never used left out. */
export function uses(model, low, high) {
  const { user } = model.arrays;
  const found = [];
  model.town.objects.forEach((object, o) => {
    const spans = [];
    const base = o * model.ticks - model.first;
    let from = low;
    for (let tick = low + 1; tick <= high + 1; tick += 1) {
      const life = user[base + from];
      if (tick <= high && user[base + tick] === life) continue;
      if (life > 0) spans.push({ from, to: tick, life });
      from = tick;
    }
    if (spans.length > 0) found.push({ name: object.id, spans });
  });
  return found;
}

/** A row a life that is in the span: what `townlet inspect` tells of lives, for these ticks. */
export function lifeRows(model, low, high) {
  const { reward, refusal, doing, need, wallet, rivalry, action } = model.arrays;
  const kinds = model.run.needs.length;
  const rows = [];
  model.lives.forEach((life, index) => {
    const sums = { ticks: 0, reward: 0, refused: 0, idle: 0, chats: 0, rivalry: 0, wallet: NaN };
    const needs = new Array(kinds).fill(0);
    eachTick(model, low, high, index + 1, (row, at, there, i) => {
      sums.ticks += 1;
      sums.reward += reward[at];
      sums.refused += refusal[at] > 0;
      sums.idle += doing[at] === IDLE;
      sums.chats += model.kinds[action[at]] === "chat" && refusal[at] === 0;
      sums.rivalry = Math.max(sums.rivalry, rivalry[at]);
      sums.wallet = wallet[at];
      for (let n = 0; n < kinds; n += 1) needs[n] += need[(row * kinds + n) * model.ticks + i];
    });
    if (sums.ticks > 0) rows.push({ life: index + 1, ...sums, needs: needs.map((sum) => sum / sums.ticks) });
  });
  return rows;
}

/** The numbers of an array where it is known, and those of another at the same places. */
export function pairs(model, low, high, life, one, other) {
  const [xs, ys] = [[], []];
  eachTick(model, low, high, life, (row, at) => {
    const [x, y] = [model.arrays[one][at], model.arrays[other][at]];
    if (Number.isNaN(x) || Number.isNaN(y)) return;
    xs.push(x);
    ys.push(y);
  });
  return [xs, ys];
}
