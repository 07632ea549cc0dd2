// Features are stored as changes, those of a feature and a row one after another, by tick.

export class FeatureReader {
  constructor(arrays, count, first) {
    Object.assign(this, { arrays, count, first });
    this.rows = arrays.who.shape[0];
  }

  /** All features of a row as they are at a tick (of the run). */
  at(row, tick) {
    const { feature_at: when, feature_value: value, feature_start: start } = this.arrays;
    const found = new Float32Array(this.count);
    for (let f = 0; f < this.count; f += 1) {
      const first = start[f * this.rows + row];
      const change = latest(when, first, start[f * this.rows + row + 1], tick - this.first);
      if (change >= first) found[f] = value[change];
    }
    return found;
  }

  /** Whether the tick before is in this page, and was lived by the same one: who comes after somebody begins anew. */
  goesOn(row, tick) {
    const { who } = this.arrays;
    const at = row * who.shape[1] + tick - this.first;
    return tick > this.first && who[at - 1] === who[at];
  }

  /** What changed from the tick before to this one: [feature, before, after]; all, `before` unknown, in a first tick. */
  changes(row, tick) {
    const before = this.goesOn(row, tick) ? Float32Array.from(this.at(row, tick - 1)) : undefined;
    const now = this.at(row, tick);
    const found = [];
    now.forEach((value, i) => {
      if (before === undefined || value !== before[i]) found.push([i, before?.[i], value]);
    });
    return found;
  }
}

/** The last of the ticks `when[first]` to `when[end - 1]`, which rise, that is at most `tick`; first - 1 without one. */
function latest(when, first, end, tick) {
  let low = first;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (when[middle] <= tick) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
