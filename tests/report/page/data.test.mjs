import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";

import { arraysOf, fromBase64, inflate } from "../../../townlet/report/page/data.js";

test("arrays come out of the stream as they went in, bytes grouped or not", async () => {
  const numbers = Float32Array.of(1.5, -2, 3e-8, NaN);
  const plain = Buffer.from(numbers.buffer);
  const grouped = Buffer.from([0, 1, 2, 3].flatMap((byte) => [0, 1, 2, 3].map((i) => plain[4 * i + byte])));
  const words = Buffer.from(Int16Array.of(-1, 300).buffer);
  const stream = deflateSync(Buffer.concat([grouped, Buffer.from([7, 8, 9]), words]));

  const bytes = await inflate(fromBase64(stream.toString("base64")));
  const arrays = arraysOf(
    {
      need: { dtype: "<f4", shape: [2, 2], at: 0, shuffled: true },
      mask: { dtype: "u1", shape: [3], at: 16, shuffled: false },
      object: { dtype: "<i2", shape: [2], at: 19, shuffled: false }, // at an odd place
    },
    bytes,
  );

  assert.deepEqual(arrays.need, Object.assign(Float32Array.from(numbers), { shape: [2, 2] }));
  assert.deepEqual([...arrays.mask], [7, 8, 9]);
  assert.deepEqual([...arrays.object], [-1, 300]);
  assert.equal(arrays.need, arrays.need, "unpacked once");
});

test("an array that is cut off, or of a type that nobody knows, is refused", () => {
  const bytes = new Uint8Array(6);
  const table = (dtype, length) => ({ one: { dtype, shape: [length], at: 0, shuffled: true } });
  assert.throws(() => arraysOf(table("<f4", 2), bytes).one, /cut off/);
  assert.throws(() => arraysOf(table("<c8", 1), bytes).one, /unknown type <c8/);
});
