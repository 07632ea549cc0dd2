import assert from "node:assert/strict";
import { test } from "node:test";

import { changesText } from "../../../townlet/report/page/replay/choices.js";
import { channelAt } from "../../../townlet/report/page/replay/sight.js";
import { labelsOf, RunModel } from "../../../townlet/report/page/run/model.js";
import { codesOf } from "../../../townlet/report/page/timeline/lanes.js";
import { smallModel, smallRun } from "./fixture.mjs";

/** The same four ticks as a part of a longer run, which begins ten ticks earlier. */
function laterModel() {
  const run = smallRun();
  run.head = { ...run.head, first: 10, ticks: 14 };
  run.lives = run.lives.map((life, k) => ({ ...life, born: k < 2 ? 0 : 13, end: life.end + 10 }));
  return new RunModel(run);
}

test("who lives where, and what of a life at a tick", () => {
  const model = smallModel();
  assert.deepEqual(
    [0, 1, 2, 3].map((tick) => model.who(1, tick)),
    [2, 2, 0, 3],
  );
  assert.equal(model.who(1, 4), 0);
  assert.equal(model.facts(3, 2), undefined);
  const facts = model.facts(1, 2);
  assert.deepEqual(facts.need, [0.25]);
  assert.deepEqual(facts.terms, [1, -3]);
  assert.deepEqual([facts.reward, facts.wallet, facts.left], [-2, 2, 1]);
  assert.deepEqual(facts.position, [2, 0]);
  assert.equal(model.doing(facts.doing), "use_shower");
  assert.equal(model.doing(model.facts(0, 1).doing), "queues");
  assert.deepEqual(model.span(3), [3, 3]);
});

test("masks are bits, the lowest first", () => {
  const model = smallModel();
  assert.deepEqual(model.mask(0, 0), [0, 2]);
  assert.deepEqual(model.mask(1, 0), [0, 3]);
});

test("features at a tick are all changes up to it, in any order of asking", () => {
  const { features } = smallModel();
  assert.deepEqual([...features.at(0, 0)], [0.5, 1]);
  assert.deepEqual([...features.at(0, 2)], [0.25, 1]);
  assert.deepEqual([...features.at(1, 0)], [0.75, 0]);
  assert.deepEqual([...features.at(0, 1)], [0.25, 1]);
  assert.deepEqual(features.changes(0, 1), [[0, 0.5, 0.25]]);
  assert.deepEqual(features.changes(0, 2), []);
  assert.deepEqual(features.changes(0, 3), [[1, 1, 0.5]]);
});

test("features are compared within a life, and not with a tick that the page does not have", () => {
  const told = (model, row, tick) => changesText(model, { row, tick }, model.features.changes(row, tick));
  const model = smallModel();
  assert.equal(told(model, 0, 0), "All features, as they are at the first tick of this life.");
  assert.equal(told(model, 0, 1), "1 of 2 features changed since the tick before.");
  assert.equal(told(model, 1, 3), "All features, as they are at the first tick of this life.");
  assert.deepEqual(model.features.changes(1, 3), [
    [0, undefined, 1],
    [1, undefined, 0],
  ]);
  model.arrays.who[5] = 3; // bob-2 comes right after bob
  model.lives[2].born = 1;
  assert.equal(model.features.changes(1, 1).length, 2, "not what bob saw");
  assert.equal(told(model, 1, 1), "All features, as they are at the first tick of this life.");
  const later = laterModel();
  assert.equal(told(later, 0, 10), "All features, as they are at the first tick shown.");
  assert.equal(told(later, 0, 11), "1 of 2 features changed since the tick before.");
  assert.equal(told(later, 1, 13), "All features, as they are at the first tick of this life.");
});

test("what was reserved before the first tick of a part is not known", () => {
  const later = laterModel();
  assert.equal(channelAt(later, 10, 0, "reservations"), null);
  assert.deepEqual([...channelAt(later, 11, 0, "reservations")], [0, 0, 1, 0, 0, 0, 0, 0, 0]);
  assert.notEqual(channelAt(later, 10, 0, "objects"), null);
});

test("a legend has what the living do", () => {
  const model = smallModel();
  assert.deepEqual(codesOf(model), [0, -1, -2, -3]);
  model.arrays.who[4] = 0;
  model.arrays.who[5] = 0; // nobody showers
  assert.deepEqual(codesOf(model), [-1, -2, -3]);
});

test("what an agent sees is drawn from the state of the town before acting", () => {
  const model = smallModel(); // alice stands on 0, 1 in tick 0: her window is x from -1 to 1, y from 0 to 2
  const seen = (channel, tick = 0, row = 0) => [...channelAt(model, tick, row, channel)];
  assert.deepEqual(seen("self"), [0, 0, 0, 0, 1, 0, 0, 0, 0]);
  assert.deepEqual(seen("objects"), [0, 0, 1, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(seen("object:shower"), seen("objects"));
  assert.deepEqual(seen("object:bed"), new Array(9).fill(0));
  assert.deepEqual(seen("walkable"), [0, 1, 1, 0, 1, 1, 0, 0, 0]);
  assert.deepEqual(seen("reservations", 0), new Array(9).fill(0), "nothing is taken before the first tick");
  assert.deepEqual(seen("reservations", 1), seen("objects"));
  assert.deepEqual(seen("reservations", 2), new Array(9).fill(0), "who used it has left");
  assert.deepEqual(seen("agents", 3, 1), new Array(9).fill(0));
  assert.equal(channelAt(model, 0, 0, "path_dx"), null);
});

test("letters tell agents apart", () => {
  assert.deepEqual(labelsOf(["alice", "bob", "cora"]), ["A", "B", "C"]);
  assert.deepEqual(labelsOf(["alice", "alice-2", "bob"]), ["Al", "A2", "B"]);
  assert.deepEqual(labelsOf(["\u202e<b>", "ümit", "東京"]), ["B", "Ü", "東"]);
  const many = labelsOf(Array.from({ length: 256 }, (_, i) => `agent_${String(i).padStart(3, "0")}`));
  assert.equal(new Set(many).size, 256);
  assert.deepEqual(labelsOf(["!!", "??"]).length, new Set(labelsOf(["!!", "??"])).size);
});
