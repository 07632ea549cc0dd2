import assert from "node:assert/strict";
import { test } from "node:test";

import { readAddress, writeAddress } from "../../../townlet/report/page/address.js";
import { shown } from "../../../townlet/report/page/dom.js";
import { marks, number, percent, signed, timeOfDay } from "../../../townlet/report/page/format.js";

test("numbers as text", () => {
  assert.deepEqual(
    [0, 12, 1440, 0.125, -0.5, 1234.5].map((value) => number(value)),
    ["0", "12", "1,440", "0.125", "−0.500", "1,235"],
  );
  assert.deepEqual([number(NaN), number(Infinity), number(-Infinity)], ["–", "∞", "−∞"]);
  assert.equal(number(0.0000004), "4.00e−7");
  assert.deepEqual([signed(0.25, 2), signed(-0.25, 2), signed(0)], ["+0.25", "−0.25", "0"]);
  assert.deepEqual([percent(0.5), percent(0.012), percent(0)], ["50 %", "1.2 %", "0 %"]);
});

test("marks of an axis are round numbers inside it", () => {
  assert.deepEqual(marks(0, 100, 5), [0, 20, 40, 60, 80, 100]);
  assert.deepEqual(marks(3, 3, 5), [3]);
  assert.deepEqual(
    marks(-1, 1, 4).map((mark) => Math.round(mark * 10) / 10),
    [-1, -0.5, 0, 0.5, 1],
  );
});

test("a day of any length has 24 hours", () => {
  assert.deepEqual(timeOfDay(70, 1440, 0), { day: 1, time: "01:10", share: 70 / 1440 });
  assert.deepEqual(timeOfDay(40, 48, 12), { day: 2, time: "02:00", share: 4 / 48 });
});

test("an address is read as it was written, whatever the name", () => {
  for (const agent of ["alice", "a&b=c#d", "</script>", "\u202eada", "100 %", undefined]) {
    assert.deepEqual(readAddress(writeAddress(70, agent)), { tick: 70, agent });
  }
  assert.equal(writeAddress(7, "bob", "#run=2&t=3&agent=alice"), "#run=2&t=7&agent=bob");
  assert.equal(writeAddress(7, undefined, "#t=3&agent=alice"), "#t=7");
  assert.deepEqual(readAddress(""), { tick: undefined, agent: undefined });
  assert.deepEqual(readAddress("#t=seven"), { tick: undefined, agent: undefined });
});

test("what cannot be seen is written out, as the terminal writes it", () => {
  assert.equal(shown("a\x1b[31m\u202eb\u{e0041}"), "a\\x1b[31m\\u202eb\\U000e0041");
  assert.equal(shown("<b>ü東👩\u200d🚀</b>"), "<b>ü東👩\u200d🚀</b>");
  assert.equal(shown("\ud800x"), "\\ud800x");
});
