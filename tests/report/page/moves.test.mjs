import assert from "node:assert/strict";
import { test } from "node:test";

import { Clock } from "../../../townlet/report/page/clock.js";
import { linkedClock } from "../../../townlet/report/page/comparison/linked.js";
import { withEffect } from "../../../townlet/report/page/comparison/metrics.js";
import { rewardSeries, titleOf } from "../../../townlet/report/page/comparison/rewards.js";
import { followNext } from "../../../townlet/report/page/replay/agent.js";
import { filtered, nearestEvent } from "../../../townlet/report/page/run/events.js";
import { RunModel } from "../../../townlet/report/page/run/model.js";
import { correlation } from "../../../townlet/report/page/run/scatter.js";
import { mostDone, overRows } from "../../../townlet/report/page/run/whole.js";
import { smallModel, smallRun } from "./fixture.mjs";

test("the next event and the one before, of all and of one; walking is none", () => {
  const model = smallModel();
  assert.equal(nearestEvent(model, 0, 1, 0), 1);
  assert.equal(nearestEvent(model, 1, 1, 0), 3, "the move at tick 2 is no event");
  assert.equal(nearestEvent(model, 3, 1, 0), undefined);
  assert.equal(nearestEvent(model, 3, -1, 0), 1);
  assert.equal(nearestEvent(model, 3, -1, 1), 0);
});

test("events by agent, kind, words and span", () => {
  const model = smallModel();
  const all = { life: 0, kind: "", words: "", low: 0, high: 3 };
  const ticks = (asked) => filtered(model, { ...all, ...asked }).map(([tick]) => tick);
  assert.deepEqual(ticks({}), [0, 0, 1, 2, 3]);
  assert.deepEqual(ticks({ life: 2 }), [0, 1]);
  assert.deepEqual(ticks({ kind: "refused" }), [0]);
  assert.deepEqual(ticks({ kind: "start" }), [0]);
  assert.deepEqual(ticks({ words: "RESERVED by" }), [0]);
  assert.deepEqual(ticks({ words: "bob-2" }), [3]);
  assert.deepEqual(ticks({ low: 1, high: 2 }), [1, 2]);
});

test("following goes round among those who live", () => {
  const model = smallModel();
  const clock = new Clock(0, 3);
  const lives = [];
  for (const by of [1, 1, 1, -1]) {
    followNext(model, clock, by);
    lives.push(clock.life);
  }
  assert.deepEqual(lives, [1, 2, 1, 2]);
  clock.go(3);
  followNext(model, clock, 1);
  assert.equal(clock.life, 1, "bob is gone: it begins again");
});

test("a second replay goes with the first, and follows by name", () => {
  const mine = smallModel();
  const run = smallRun();
  run.lives = [run.lives[1], { ...run.lives[0], name: "zoe" }, run.lives[2]];
  const other = new RunModel(run); // bob is life 1 there, and alice is not
  const clock = new Clock(0, 3);
  const linked = linkedClock(clock, mine, other);
  const told = [];
  linked.on("tick span life", ({ tick, span, life }) => told.push([tick, span, life]));
  clock.go(2);
  linked.select([1, 2]);
  assert.deepEqual(clock.span, [1, 2]);
  clock.follow(2);
  clock.follow(1);
  linked.follow(1);
  assert.deepEqual(told, [
    [2, null, 0],
    [2, [1, 2], 0],
    [2, [1, 2], 1],
    [2, [1, 2], 0],
    [2, [1, 2], 1],
  ]);
  assert.equal(clock.life, 2);
  linked.follow(2);
  assert.deepEqual([linked.life, clock.life], [2, 0], "zoe lives there alone");
});

test("who lives in one run alone has a reward there alone", () => {
  const mine = smallModel();
  const run = smallRun();
  run.lives = [{ ...run.lives[0], name: "zoe" }, run.lives[1], run.lives[2]];
  const models = [mine, new RunModel(run)];
  const found = (...lives) =>
    rewardSeries(models, lives, 0, 3).map(({ colour, values }) => [colour, [...values]]);
  assert.deepEqual(found(1, 0), [[0, [0.5, 0.75, 1, 0]]]);
  assert.deepEqual(found(0, 1), [[1, [0.5, 0.75, 1, 0]]]);
  assert.deepEqual(
    found(2, 2),
    [0, 1].map((k) => [k, [1, -1, -1, -1]]),
  );
  assert.equal(titleOf(models, [0, 1]), "Reward so far, zoe");
  assert.equal(titleOf(models, [1, 0]), "Reward so far, alice");
  assert.equal(titleOf(models, [0, 0]), "Reward so far, mean of all lives");
  assert.deepEqual(found(0, 0)[0], [0, [1.5 / 3, -0.25 / 3, 0, -0.5 / 3]]);
  assert.deepEqual(rewardSeries(models, [3, 3], 0, 2), [], "bob-2 comes later");
});

test("of two pairs no effect size is told", () => {
  const row = (differences) => {
    const n = differences.length;
    const mean = differences.reduce((sum, one) => sum + one, 0) / n;
    const sd = Math.sqrt(differences.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (n - 1));
    return ["reward", 0, mean, mean, sd / Math.sqrt(n), mean / sd];
  };
  assert.equal(withEffect(row([0.1, 0.3]))[5], null);
  assert.equal(withEffect(row([-5, 0.7]))[5], null);
  const three = row([0.1, 0.3, 0.35]);
  assert.deepEqual(withEffect(three), three);
  const one = ["faints", 0, 1, 1, null, null];
  assert.deepEqual(withEffect(one), one);
});

test("what was done most is a lane a row, without the bins in which nobody lived", () => {
  const model = smallModel();
  model.head.ticks = 7;
  model.run.bins = { ticks: 2 };
  model.arrays.bin_doing = Object.assign(Int16Array.of(-1, -1, 0, 0, -2, -1, -1, -1), { shape: [2, 4] });
  model.arrays.bin_need = Object.assign(Float32Array.of(1, 1, 1, 1, 1, NaN, 1, 1), { shape: [2, 1, 4] });
  assert.deepEqual(mostDone(model), [
    {
      name: "alice",
      spans: [
        { from: 0, to: 4, code: -1 },
        { from: 4, to: 7, code: 0 },
      ],
    },
    {
      name: "bob, bob-2",
      spans: [
        { from: 0, to: 2, code: -2 },
        { from: 4, to: 7, code: -1 },
      ],
    },
  ]);
});

test("bins are added up over rows, or their mean, without those that are not known", () => {
  const array = Float32Array.of(1, NaN, 3, 2, NaN, 5);
  const at = (row) => row * 3;
  assert.deepEqual([...overRows(array, 2, 3, at, false)], [3, NaN, 8]);
  assert.deepEqual([...overRows(array, 2, 3, at, true)], [1.5, NaN, 4]);
});

test("a correlation of points on a line is 1 or -1, and none where nothing varies", () => {
  assert.equal(correlation({ x: [1, 2, 3], y: [2, 4, 6] }), 1);
  assert.equal(correlation({ x: [1, 2, 3], y: [3, 2, 1] }), -1);
  assert.ok(Number.isNaN(correlation({ x: [1, 1], y: [1, 2] })));
});
