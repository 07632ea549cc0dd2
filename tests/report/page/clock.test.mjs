import assert from "node:assert/strict";
import { test } from "node:test";

import { Clock } from "../../../townlet/report/page/clock.js";

test("a tick outside is the nearest inside, and each move is told once", () => {
  const clock = new Clock(10, 19);
  const told = [];
  clock.on("tick", ({ tick }) => told.push(tick));
  clock.go(12);
  clock.go(12);
  clock.go(500);
  clock.go(-3);
  clock.go(NaN);
  assert.deepEqual(told, [12, 19, 10]);
});

test("playing goes on by parts of ticks and stops at the last", () => {
  const clock = new Clock(0, 2);
  const told = [];
  clock.on("tick", ({ tick }) => told.push(tick));
  clock.playing = true;
  clock.advance(0.75);
  assert.deepEqual([clock.tick, clock.phase], [0, 0.75]);
  clock.advance(0.5);
  assert.deepEqual([clock.tick, clock.phase], [1, 0.25]);
  clock.advance(40);
  assert.deepEqual([clock.tick, clock.phase, clock.playing], [2, 0, false]);
  assert.deepEqual(told, [1, 2]);
});

test("where motion is not wanted nothing glides, and the ticks are the same", () => {
  const clock = new Clock(0, 9, true);
  for (let frame = 0; frame < 8; frame += 1) {
    clock.advance(0.25);
    assert.equal(clock.phase, 0);
  }
  assert.equal(clock.tick, 2);
});

test("a span lies inside, from either side, and is dropped with null", () => {
  const clock = new Clock(0, 99);
  clock.select([30, 10]);
  assert.deepEqual(clock.chosen, [10, 30]);
  clock.select([90, 400]);
  assert.deepEqual(clock.chosen, [90, 99]);
  clock.select(null);
  assert.deepEqual(clock.chosen, [0, 99]);
  clock.go(40);
  clock.beginSpan();
  clock.go(60);
  clock.endSpan();
  assert.deepEqual(clock.chosen, [40, 60]);
});

test("a zoom keeps the tick under the pointer, ends at the run's ends, and follows the cursor", () => {
  const clock = new Clock(0, 99);
  clock.scale(0.5, 50);
  assert.deepEqual(clock.view, [25, 75]);
  clock.go(90);
  assert.ok(clock.view[0] <= 90 && 90 < clock.view[1]);
  assert.equal(clock.view[1] - clock.view[0], 50);
  clock.scale(100);
  assert.deepEqual(clock.view, [0, 100]);
  clock.scale(0.0001, 50);
  assert.equal(clock.view[1] - clock.view[0], 10);
});

test("speeds go up and down by steps and no further", () => {
  const clock = new Clock(0, 9);
  clock.setSpeed(64);
  clock.faster(1);
  assert.equal(clock.speed, 128);
  clock.faster(5);
  assert.equal(clock.speed, 256);
  for (let k = 0; k < 20; k += 1) clock.faster(-1);
  assert.equal(clock.speed, 1);
});
