// What the page is about: JSON, and arrays out of one deflated stream.

const TYPES = {
  u1: Uint8Array,
  i1: Int8Array,
  "<u2": Uint16Array,
  "<i2": Int16Array,
  "<u4": Uint32Array,
  "<i4": Int32Array,
  "<f4": Float32Array,
  "<f8": Float64Array,
};

/** Read the page's two blocks: `head` is the JSON document, in which every table `arrays` has become arrays. */
export async function load(root = document) {
  const head = JSON.parse(root.getElementById("townlet-data").textContent);
  const packed = root.getElementById("townlet-arrays");
  const bytes = await inflate(fromBase64(packed.textContent.trim()));
  packed.remove(); // a megabyte of text that nobody reads again
  for (const holder of [head, head.dataset, head.training, head.comparison, ...(head.runs ?? [])]) {
    if (holder?.arrays) holder.arrays = arraysOf(holder.arrays, bytes);
  }
  return { head, arrays: head.arrays ?? {} };
}

export function fromBase64(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/** The bytes of a zlib stream. */
export async function inflate(bytes) {
  if (bytes.length === 0) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Arrays by name, each unpacked when it is first asked for: a typed array with its `shape`. */
export function arraysOf(table, bytes) {
  const arrays = {};
  for (const [name, place] of Object.entries(table)) {
    let found;
    Object.defineProperty(arrays, name, {
      enumerable: true,
      get: () => (found ??= unpack(place, bytes)),
    });
  }
  return arrays;
}

function unpack({ dtype, shape, at, shuffled }, bytes) {
  const Type = TYPES[dtype];
  if (Type === undefined) throw new Error(`an array of the unknown type ${dtype}`);
  const size = Type.BYTES_PER_ELEMENT;
  const count = shape.reduce((product, length) => product * length, 1);
  if (at + count * size > bytes.length) throw new Error("the page's arrays are cut off");
  const packed = bytes.slice(at, at + count * size);
  const plain = shuffled && size > 1 ? regroup(packed, count, size) : packed;
  const array = new Type(plain.buffer, 0, count);
  array.shape = shape;
  return array;
}

/** Bytes that are grouped by their place in a number, number by number again. */
function regroup(packed, count, size) {
  const plain = new Uint8Array(count * size);
  for (let byte = 0; byte < size; byte += 1) {
    const first = byte * count;
    for (let i = 0, to = byte; i < count; i += 1, to += size) plain[to] = packed[first + i];
  }
  return plain;
}
