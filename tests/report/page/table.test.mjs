import assert from "node:assert/strict";
import { test } from "node:test";

import { csv, order } from "../../../townlet/report/page/table.js";

test("rows are sorted by numbers, equal ones stay in order, what is missing comes last both ways", () => {
  const rows = [
    ["b", 2],
    ["a", 10],
    ["c", null],
    ["d", 2],
    ["e", NaN],
  ];
  assert.deepEqual(order(rows, 1), [0, 3, 1, 2, 4]);
  assert.deepEqual(order(rows, 1, true), [1, 0, 3, 2, 4]);
  assert.deepEqual(order(rows, 0, true), [4, 3, 2, 0, 1]);
});

test("seeds, which are text, are sorted by size, before other texts", () => {
  const rows = ["10", "9", "1a", "18446744073709551615", "18446744073709551614", "007", null].map((one) => [
    one,
  ]);
  const sorted = (descending) => order(rows, 0, descending).map((k) => rows[k][0]);
  const rising = ["007", "9", "10", "18446744073709551614", "18446744073709551615", "1a"];
  assert.deepEqual(sorted(false), [...rising, null]);
  assert.deepEqual(sorted(true), [...rising.reverse(), null]);
});

test("CSV quotes what has commas, quotes and lines", () => {
  const text = csv(
    [{ name: "who" }, { name: "how much" }],
    [
      ['a "b", c', 1.5],
      ["two\nlines", null],
    ],
  );
  assert.equal(text, 'who,how much\r\n"a ""b"", c",1.5\r\n"two\nlines",\r\n');
});

test("no text is a formula for a spreadsheet, and a negative number stays one", () => {
  const text = csv(
    [{ name: "x" }, { name: "y" }],
    [
      ["=cmd()", -2],
      ["@a", 1],
      ["-1+1", 0],
    ],
  );
  assert.equal(text, "x,y\r\n'=cmd(),-2\r\n'@a,1\r\n'-1+1,0\r\n");
});
