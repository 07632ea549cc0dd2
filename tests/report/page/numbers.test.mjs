import assert from "node:assert/strict";
import { test } from "node:test";

import * as numbers from "../../../townlet/report/page/run/numbers.js";
import { pieces, refusals } from "../../../townlet/report/page/timeline/lanes.js";
import { smallModel } from "./fixture.mjs";

test("reward by term, of all and of one, in a span", () => {
  const model = smallModel();
  assert.deepEqual(numbers.rewardByTerm(model, 0, 3, 0), [4, -4.5]);
  assert.deepEqual(numbers.rewardByTerm(model, 0, 3, 1), [1.5, -1.5]);
  assert.deepEqual(numbers.rewardByTerm(model, 1, 1, 2), [1, -3]);
});

test("actions chosen, legal and refused", () => {
  const counts = numbers.actionCounts(smallModel(), 0, 3, 0);
  assert.deepEqual(counts.chosen, [4, 1, 1, 1]);
  assert.deepEqual(counts.refused, [0, 0, 1, 0]);
  assert.deepEqual(counts.legal, [7, 3, 2, 1]);
});

test("where everybody was, and how long they waited", () => {
  const model = smallModel();
  assert.deepEqual([...numbers.occupancy(model, 0, 3, 0)], [1, 0, 3, 3, 0, 0]);
  assert.deepEqual(numbers.waits(model, 0, 3, 0), [2]);
  assert.deepEqual(numbers.waits(model, 1, 3, 0), [1]);
});

test("the reward so far of a life begins with it", () => {
  const model = smallModel();
  assert.deepEqual(numbers.cumulativeReward(model, 0, 3, 1), {
    first: 0,
    values: Float64Array.of(0.5, 0.75, 1, 0),
  });
  assert.deepEqual(numbers.cumulativeReward(model, 1, 3, 2), { first: 1, values: Float64Array.of(-2) });
  assert.equal(numbers.cumulativeReward(model, 2, 3, 2), null);
});

test("uses of objects, and a row a life", () => {
  const model = smallModel();
  assert.deepEqual(numbers.uses(model, 0, 3), [{ name: "shower_1", spans: [{ from: 0, to: 2, life: 2 }] }]);
  assert.deepEqual(numbers.uses(model, 2, 3), []);
  const [alice, bob] = numbers.lifeRows(model, 0, 3);
  assert.deepEqual([alice.ticks, alice.reward, alice.refused, alice.idle], [4, 0, 1, 1]);
  assert.deepEqual([alice.rivalry, alice.wallet, bob.ticks, bob.needs], [0.25, 0.5, 2, [0.375]]);
  assert.deepEqual(
    numbers.lifeRows(model, 2, 2).map(({ life }) => life),
    [1],
  );
});

test("lanes are pieces of one colour, without the ticks in which nobody lives", () => {
  const model = smallModel();
  assert.deepEqual(pieces(model, 0), [
    [0, 2, -3],
    [2, 3, -2],
    [3, 4, -1],
  ]);
  assert.deepEqual(pieces(model, 1), [
    [0, 2, 0],
    [3, 4, -1],
  ]);
  assert.deepEqual([refusals(model, 0), refusals(model, 1)], [[0], []]);
});
