import assert from "node:assert/strict";
import { test } from "node:test";

import * as path from "../../../../townlet/report/page/charts/path.js";
import { linear } from "../../../../townlet/report/page/charts/scale.js";

const sx = linear([0, 4], [0, 40]);
const sy = linear([0, 1], [10, 0]);

test("a line goes through its places, with a gap where nothing is known", () => {
  const line = path.linePath(path.along(null, 5), [0, 1, NaN, 0.5, 1], sx, sy);
  assert.equal(line, "M0 10L10 0M30 5L40 0");
});

test("a step holds its value until the next", () => {
  assert.equal(path.linePath(path.along(null, 3), [0, 1, 0], sx, sy, true), "M0 10H10V0H20V10");
});

test("places of one's own may have any distance", () => {
  assert.equal(path.linePath([0, 3, 4], [0, 1, 0], sx, sy), "M0 10L30 0L40 10");
});

test("of a long row only the shown part is drawn, with a neighbour on each side", () => {
  assert.deepEqual(path.shownPart(path.along(null, 100), 100, [10, 20]), [9, 22]);
  assert.deepEqual(path.shownPart(path.along(null, 100, 50), 100, [60, 61]), [9, 13]);
  assert.deepEqual(path.shownPart([0, 5, 10], 3, [4, 6]), [0, 3]);
});

test("a dense row is drawn as the lowest and highest of each column of pixels", () => {
  const values = Float32Array.from({ length: 1000 }, (_, k) => (k === 505 ? 1 : 0));
  const narrow = linear([0, 999], [0, 10]);
  const line = path.linePath(path.along(null, 1000), values, narrow, sy);
  assert.ok(line.includes("5 0V10"), line); // the peak is not lost
  assert.ok(line.length < 200, line);
});

test("an area goes along its upper edge and back along the lower one", () => {
  const area = path.areaPath(path.along(null, 3), [0, 0.5, 0], [1, 1, 0.5], sx, sy);
  assert.equal(area, "M0 0L10 0L20 5L20 10L10 5L0 10Z");
  assert.equal(path.areaPath(path.along(null, 2), [NaN, 0], [1, 1], sx, sy), "");
});

test("the nearest place is found", () => {
  assert.equal(path.nearest([0, 10, 30], 3, 18), 1);
  assert.equal(path.nearest([0, 10, 30], 3, 21), 2);
  assert.equal(path.nearest(path.along(null, 10, 100), 10, 500), 9);
});
