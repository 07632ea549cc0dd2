// A run of four ticks that is small enough to be worked out by hand: two rows, three lives, one shower.

import { RunModel } from "../../../townlet/report/page/run/model.js";

export const NAN = Number.NaN;

function array(Type, shape, numbers) {
  const made = Type.from(numbers);
  made.shape = shape;
  return made;
}

const rows = (Type, numbers) => array(Type, [2, 4], numbers);

/**
 * Row 0: alice, who requests (refused), waits in the queue, walks, idles. Row 1: bob, who showers for two ticks and
 * faints; an empty tick; then bob-2.
 */
export function smallRun() {
  return {
    head: {
      scenario: "small",
      first: 0,
      ticks: 4,
      fingerprint: "f".repeat(64),
      verdict: [],
      notices: [],
      warnings: [],
    },
    town: {
      width: 3,
      height: 2,
      walls: ["...", "..#"],
      ticks_per_day: 48,
      tick_of_day_at_0: 12,
      types: ["shower", "bed"],
      objects: [{ id: "shower_1", type: 0, x: 1, y: 0 }],
      sites: [],
      window: 1,
      channels: ["self", "agents", "objects", "reservations", "walkable", "object:shower", "path_dx"],
      events: [{ kind: "blackout", first: 2, until: 3, text: "blackout" }],
    },
    lives: [
      { name: "alice", row: 0, born: 0, end: 4, left: null, policy: "needs", scripted: false },
      { name: "bob", row: 1, born: 0, end: 2, left: "fainted", policy: "needs", scripted: false },
      { name: "bob-2", row: 1, born: 3, end: 4, left: null, policy: "needs", scripted: false },
    ],
    actions: ["wait", "move north", "request use_shower", "start use_shower"],
    affordances: [{ name: "use_shower", duration: 2 }],
    terms: ["survival", "needs"],
    needs: ["hunger"],
    thresholds: [0.4],
    features: ["need_hunger", "wallet"],
    reasons: ["", "reserved"],
    events: [
      [0, 1, "request", "request use_shower at shower_1", "refused: reserved by bob", true, false],
      [0, 2, "start", "start use_shower at shower_1", "2 ticks", false, false],
      [1, 2, "leaves", "faints", "", false, false],
      [2, 1, "move", "move north", "", false, false],
      [3, 3, "arrives", "arrives", "", false, false],
    ],
    arrays: {
      who: rows(Uint16Array, [1, 1, 1, 1, 2, 2, 0, 3]),
      x: rows(Uint16Array, [0, 0, 0, 0, 2, 2, 0, 2]),
      y: rows(Uint16Array, [1, 1, 1, 0, 0, 0, 0, 0]),
      action: rows(Uint16Array, [2, 0, 1, 0, 3, 0, 0, 0]),
      object: rows(Int16Array, [0, -1, -1, -1, 0, -1, -1, -1]),
      target: rows(Int16Array, [0, 0, 0, 0, 0, 0, 0, 0]),
      success: rows(Uint8Array, [0, 1, 1, 1, 1, 1, 0, 1]),
      refusal: rows(Uint8Array, [1, 0, 0, 0, 0, 0, 0, 0]),
      doing: rows(Int16Array, [-3, -3, -2, -1, 0, 0, 0, -1]),
      left: rows(Uint16Array, [0, 0, 0, 0, 2, 1, 0, 0]),
      queued_at: rows(Int16Array, [0, 0, -1, -1, -1, -1, -1, -1]),
      place: rows(Uint8Array, [1, 1, 0, 0, 0, 0, 0, 0]),
      need: array(Float32Array, [2, 1, 4], [0.9, 0.8, 0.7, 0.6, 0.5, 0.25, 0, 1]),
      wallet: rows(Float32Array, [1, 1, 1, 0.5, 2, 2, 0, 3]),
      rivalry: rows(Float32Array, [0, 0.25, 0.25, 0.125, 0, 0, 0, 0]),
      reward: rows(Float32Array, [0.5, 0.25, 0.25, -1, 1, -2, 0, 0.5]),
      term: array(
        Float32Array,
        [2, 2, 4],
        [0.5, 0.5, 0.5, 0, 0, -0.25, -0.25, -1, 1, 1, 0, 0.5, 0, -3, 0, 0],
      ),
      log_prob: rows(Float32Array, [0, 0, 0, 0, 0, 0, NAN, 0]),
      value: rows(Float32Array, [0, 0, 0, 0, 0, 0, NAN, 0]),
      entropy: rows(Float32Array, [NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN]),
      advantage: rows(Float32Array, [0, -0.5, -0.75, -1, -1, -2, NAN, 0.5]),
      return_to_go: rows(Float32Array, [0, -0.5, -0.75, -1, -1, -2, NAN, 0.5]),
      mask: array(Uint8Array, [2, 1, 4], [0b0101, 0b0001, 0b0011, 0b0011, 0b1001, 0b0001, 0, 0b0111]),
      user: array(Uint16Array, [1, 4], [2, 2, 0, 0]),
      holder: array(Uint16Array, [1, 4], [0, 0, 1, 0]),
      waiting: array(Uint8Array, [1, 4], [1, 1, 0, 0]),
      stock: array(Int16Array, [1, 2, 4], [0, 0, 0, 0, 0, 0, 0, 0]),
      price: array(Float32Array, [4], [1, 1, 2, 1]),
      utility: array(Uint8Array, [4], [3, 3, 2, 3]),
      feature_at: array(Uint32Array, [6], [0, 1, 0, 3, 0, 3]),
      feature_value: array(Float32Array, [6], [0.5, 0.25, 0.75, 1, 1, 0.5]),
      feature_start: array(Uint32Array, [5], [0, 2, 4, 6, 6]),
    },
  };
}

export function smallModel() {
  return new RunModel(smallRun());
}
