// The hits of a search in order. Only the first LIMIT are kept, however many there are.

import { rowOf } from "./shard.mjs";

const LIMIT = 5000;
export const ORDERS = ["best", "place", "name", "newest", "oldest", "largest"];
export const compareNames = new Intl.Collator("sv", { numeric: true, sensitivity: "base" }).compare;

// What comes first has the smallest key; equal keys go by place.
const KEYS = {
  best: (data, at, score) => -score,
  place: () => 0,
  name: (data, at) => data.names[at],
  newest: (data, at) => -data.modified[at],
  oldest: (data, at) => data.modified[at],
  largest: (data, at) => -data.size[at],
};

export function createHits(order, limit = LIMIT) {
  const keyOf = KEYS[order] ?? KEYS.best;
  const compareKeys = order === "name" ? compareNames : (a, b) => a - b;
  const compare = (a, b) => compareKeys(a.key, b.key) || a.position - b.position;
  let kept = [];
  let worst = null;
  let isSorted = true;
  const sort = () => {
    if (isSorted) return;
    kept.sort(compare);
    if (kept.length > limit) kept.length = limit;
    if (kept.length === limit) worst = kept[limit - 1];
    isSorted = true;
  };
  return {
    total: 0,
    bytes: 0,
    // Makes no row for what comes after all that are kept.
    add(shard, at, score) {
      this.total++;
      this.bytes += shard.data.size[at];
      const key = keyOf(shard.data, at, score);
      const position = shard.position + at;
      if (worst && (compareKeys(key, worst.key) || position - worst.position) > 0) return;
      const row = rowOf(shard, at);
      row.key = key;
      row.position = position;
      kept.push(row);
      isSorted = false;
      if (kept.length >= 2 * limit) sort();
    },
    rows() {
      sort();
      return kept;
    },
  };
}
