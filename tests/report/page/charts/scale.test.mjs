import assert from "node:assert/strict";
import { test } from "node:test";

import * as scale from "../../../../townlet/report/page/charts/scale.js";

test("a scale maps its domain onto its range, and back", () => {
  const sx = scale.linear([10, 20], [100, 200]);
  assert.equal(sx(10), 100);
  assert.equal(sx(15), 150);
  assert.equal(sx.invert(175), 17.5);
  const sy = scale.linear([0, 1], [90, 10]);
  assert.equal(sy(0.25), 70);
});

test("an empty domain is widened around its number", () => {
  const sx = scale.linear([4, 4], [0, 100]);
  assert.equal(sx(4), 50);
  assert.deepEqual(scale.linear([0, 0], [0, 1]).domain, [-0.5, 0.5]);
});

test("marks are round numbers inside the domain", () => {
  assert.deepEqual(scale.ticks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(scale.ticks(-3, 12, 4), [0, 5, 10]);
  assert.deepEqual(scale.ticks(0, 1440, 6), [0, 500, 1000]);
  assert.deepEqual(scale.ticks(0.1, 0.3, 2), [0.1, 0.2, 0.3]);
  assert.deepEqual(scale.ticks(-1, 1, 2), [-1, 0, 1]);
});

test("marks at whole ticks are whole, and one number has one mark", () => {
  assert.deepEqual(scale.ticks(0, 3, 12, true), [0, 1, 2, 3]);
  assert.deepEqual(scale.ticks(7, 7), [7]);
  assert.deepEqual(scale.ticks(0, Infinity), [0]);
});

test("the extent leaves out what is not finite", () => {
  assert.deepEqual(
    scale.extent([
      [3, NaN, -2],
      [Infinity, 8],
    ]),
    [-2, 8],
  );
  assert.deepEqual(scale.extent([[NaN], []]), [0, 1]);
});

test("numbers are written alike in every country", () => {
  const cases = [
    [12345, "12,345"], [1234567.8, "1,234,568"], [0.03125, "0.03125"], [0.1 + 0.2, "0.3"], [0, "0"], [-0, "0"],
    [-1440, "-1,440"], [1e-7, "1e-7"], [12.5, "12.5"], [2.5e12, "2.5e+12"], [NaN, "–"], [null, "–"],
    [Infinity, "∞"], [100, "100"], [999.96, "1,000"],
  ]; // prettier-ignore
  for (const [value, text] of cases) assert.equal(scale.formatNumber(value), text);
  assert.equal(scale.formatShare(0.125), "12.5 %");
});

test("a long name is cut by letters, not by halves of them", () => {
  assert.equal(scale.shortened("alice", 5), "alice");
  assert.equal(scale.shortened("alexandra", 5), "alex…");
  assert.equal(scale.shortened("😀😀😀😀", 3), "😀😀…");
});

test("values are counted in bins of one width", () => {
  const { edges, counts } = scale.binned([0, 1, 1, 2, 4, NaN], 4);
  assert.deepEqual(edges, [0, 1, 2, 3, 4]);
  assert.deepEqual(counts, [1, 2, 1, 1]);
  assert.equal(
    scale.binned([5, 5], 3).counts.reduce((a, b) => a + b),
    2,
  );
});

test("a quantile lies straight between its neighbours", () => {
  assert.equal(scale.quantile([1, 2, 3, 4], 0.5), 2.5);
  assert.equal(scale.quantile([0, 10], 0.9), 9);
  assert.equal(scale.quantile([7], 0.1), 7);
  assert.ok(Number.isNaN(scale.quantile([], 0.5)));
});

test("marks that lie close together have as many digits as tell them apart", () => {
  assert.deepEqual(scale.formatMarks([90.4425, 90.443, 90.4435]), ["90.4425", "90.443", "90.4435"]);
  assert.deepEqual(scale.formatMarks([0, 500, 1000]), ["0", "500", "1,000"]);
  assert.deepEqual(scale.formatMarks([5]), ["5"]);
});
