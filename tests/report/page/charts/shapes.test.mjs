import assert from "node:assert/strict";
import { test } from "node:test";

import { layout } from "../../../../townlet/report/page/charts/bars.js";
import { summary } from "../../../../townlet/report/page/charts/box.js";
import { stretches } from "../../../../townlet/report/page/charts/gantt.js";
import { shade } from "../../../../townlet/report/page/charts/heat.js";

test("bars are stacked by sign: each side begins at zero", () => {
  const data = {
    categories: ["alice"],
    series: [
      { name: "wages", values: [2] },
      { name: "lateness", values: [-1] },
      { name: "social", values: [3] },
      { name: "cap", values: [-0.5] },
      { name: "clip", values: [0] },
    ],
  };
  const found = layout(data).map(({ from, to, series }) => [series, from, to]);
  assert.deepEqual(found, [
    [0, 0, 2],
    [1, 0, -1],
    [2, 2, 5],
    [3, -1, -1.5],
  ]);
});

test("grouped bars each begin at zero, in lanes of their own", () => {
  const data = { categories: ["wait", "move"], series: [{ values: [1, 2] }, { values: [3, NaN] }] };
  const found = layout(data, "grouped").map(({ to, category, lane }) => [category, lane, to]);
  assert.deepEqual(found, [
    [0, 0, 1],
    [0, 1, 3],
    [1, 0, 2],
    [1, 1, 0],
  ]);
});

test("a box plot's whiskers end within 1.5 boxes, the rest are outliers", () => {
  const found = summary([1, 2, 3, 4, 5, 100, NaN]);
  assert.equal(found.count, 6);
  assert.equal(found.median, 3.5);
  assert.equal(found.first, 2.25);
  assert.equal(found.third, 4.75);
  assert.deepEqual([found.low, found.high, found.outliers], [1, 5, [100]]);
  assert.ok(Number.isNaN(summary([]).median));
});

test("stretches of equal values, without those of nothing", () => {
  assert.deepEqual(stretches([0, 3, 3, 0, 2, 3], 0, 10), [
    { from: 11, to: 13, code: 3 },
    { from: 14, to: 15, code: 2 },
    { from: 15, to: 16, code: 3 },
  ]);
  assert.deepEqual(stretches([], 0), []);
  assert.deepEqual(stretches([5], 0), [{ from: 0, to: 1, code: 5 }]);
});

test("shades go from little to much", () => {
  assert.deepEqual(shade(0), [237, 244, 250]);
  assert.deepEqual(shade(1), [8, 29, 88]);
  assert.deepEqual(shade(2), shade(1));
  assert.deepEqual(shade(0, true), [24, 34, 48]);
});
