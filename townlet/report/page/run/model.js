// A run as questions that have an answer: who lived where, what it did, how it fared. Ticks are those of the run.

import { FeatureReader } from "#page/run/features.js";

export const IDLE = -1;
export const WALKS = -2;
export const QUEUES = -3;
export const HOLDS = -4;
export const WORKS = -5;
const DOING = {
  [IDLE]: "idle",
  [WALKS]: "walks",
  [QUEUES]: "queues",
  [HOLDS]: "holds a reservation",
  [WORKS]: "works",
};

export class RunModel {
  constructor(run) {
    this.run = run;
    Object.assign(this, { head: run.head, town: run.town, lives: run.lives, arrays: run.arrays });
    [this.rows, this.ticks] = this.arrays.who.shape;
    this.first = run.head.first;
    this.last = this.first + this.ticks - 1;
    this.objects = this.town.objects.length;
    this.labels = labelsOf(this.lives.map((life) => life.name));
    this.features = new FeatureReader(this.arrays, run.features.length, this.first);
    this.kinds = actionKinds(run.actions);
  }

  /** Where the number of a row and tick stands in an array of rows and ticks. */
  at(row, tick) {
    return row * this.ticks + tick - this.first;
  }

  holds(tick) {
    return tick >= this.first && tick <= this.last;
  }

  /** Life number of who lives on the row in the tick; 0 = nobody. */
  who(row, tick) {
    return this.holds(tick) ? this.arrays.who[this.at(row, tick)] : 0;
  }

  life(number) {
    return this.lives[number - 1];
  }

  name(number) {
    return number > 0 ? (this.lives[number - 1]?.name ?? `life ${number}`) : "nobody";
  }

  number(name) {
    return this.lives.findIndex((life) => life.name === name) + 1;
  }

  rowOf(number) {
    return this.life(number)?.row ?? -1;
  }

  /** Whether the life is there in the tick. */
  lived(number, tick) {
    return number > 0 && this.who(this.rowOf(number), tick) === number;
  }

  /** One number of an array of rows and ticks. */
  one(name, row, tick) {
    return this.arrays[name][this.at(row, tick)];
  }

  /** The numbers of an array of rows, kinds and ticks: one a kind. */
  several(name, row, tick) {
    const array = this.arrays[name];
    const kinds = array.shape[1];
    const found = new Array(kinds);
    for (let k = 0; k < kinds; k += 1) found[k] = array[(row * kinds + k) * this.ticks + tick - this.first];
    return found;
  }

  doing(code) {
    return DOING[code] ?? this.run.affordances[code]?.name ?? "?";
  }

  /** Whether the action is in the mask that was seen. */
  legal(row, tick, action) {
    const bytes = this.arrays.mask.shape[1];
    const byte = this.arrays.mask[(row * bytes + (action >> 3)) * this.ticks + tick - this.first];
    return ((byte >> (action & 7)) & 1) === 1;
  }

  refused(row, tick) {
    return this.one("refusal", row, tick) > 0;
  }

  /** [x, y] before acting. */
  place(row, tick) {
    return [this.one("x", row, tick), this.one("y", row, tick)];
  }

  object(index) {
    return this.town.objects[index];
  }

  /** A text that differs where the state of any object does. */
  objectStates(tick) {
    const { user, holder, waiting, stock } = this.arrays;
    const found = [];
    for (let o = 0, at = tick - this.first; o < this.objects; o += 1, at += this.ticks) {
      const kept = o * this.ticks + at; // two kinds of stock an object
      found.push(user[at], holder[at], waiting[at], stock[kept], stock[kept + this.ticks]);
    }
    return found.join();
  }

  /** Events of one tick, of a life or (0) of all. */
  eventsAt(tick, life = 0) {
    this.byTick ??= Map.groupBy
      ? Map.groupBy(this.run.events, (event) => event[0])
      : grouped(this.run.events);
    return (this.byTick.get(tick) ?? []).filter((event) => life === 0 || event[1] === life);
  }

  /** Everything of a life at a tick; undefined where it does not live then. */
  facts(tick, number) {
    const row = this.rowOf(number);
    if (!this.lived(number, tick)) return undefined;
    const one = (name) => this.one(name, row, tick);
    return {
      row,
      tick,
      need: this.several("need", row, tick),
      wallet: one("wallet"),
      rivalry: one("rivalry"),
      reward: one("reward"),
      terms: this.several("term", row, tick),
      position: this.place(row, tick),
      action: one("action"),
      object: one("object"),
      target: one("target"),
      success: one("success") === 1,
      refusal: one("refusal"),
      doing: one("doing"),
      left: one("left"),
      queuedAt: one("queued_at"),
      place: one("place"),
      logProb: one("log_prob"),
      value: one("value"),
      entropy: one("entropy"),
      advantage: one("advantage"),
      returnToGo: one("return_to_go"),
    };
  }

  /** Ids of the actions that were legal. */
  mask(row, tick) {
    return this.run.actions.map((_, id) => id).filter((id) => this.legal(row, tick, id));
  }

  /** Ticks in which the life is shown: first and last; null where it is not. */
  span(number) {
    const life = this.life(number);
    const low = Math.max(life.born, this.first);
    const high = Math.min(life.end - 1, this.last);
    return low <= high ? [low, high] : null;
  }

  /** Whether a network acted anywhere. */
  get network() {
    return this.arrays.prob !== undefined;
  }
}

function grouped(events) {
  const found = new Map();
  for (const event of events) {
    if (!found.has(event[0])) found.set(event[0], []);
    found.get(event[0]).push(event);
  }
  return found;
}

function actionKinds(actions) {
  return actions.map((action) => action.split(" ")[0]);
}

/** A letter or two for each name, different as far as that is possible. */
export function labelsOf(names) {
  const first = names.map(
    (name) => [...name].find((letter) => /[\p{L}\p{N}]/u.test(letter))?.toUpperCase() ?? "?",
  );
  const often = new Map();
  for (const letter of first) often.set(letter, (often.get(letter) ?? 0) + 1);
  const taken = new Set(first.filter((letter) => often.get(letter) === 1));
  return names.map((name, i) => {
    if (often.get(first[i]) === 1) return first[i];
    const digits = name.match(/(\d{1,3})$/)?.[1];
    const letters = [...name].filter((letter) => /[\p{L}\p{N}]/u.test(letter));
    const candidates = [
      digits && first[i] + Number(digits),
      ...letters.slice(1, 4).map((letter) => first[i] + letter),
    ];
    const label = candidates.find((text) => text && !taken.has(text)) ?? `${first[i]}${i + 1}`;
    taken.add(label);
    return label;
  });
}
