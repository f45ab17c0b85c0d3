// The hits of a search in order. Only the first LIMIT are kept, however many there are.

const LIMIT = 10_000;
export const ORDERS = ["best", "place", "name", "newest", "oldest", "largest"];
const collator = new Intl.Collator("sv", { numeric: true, sensitivity: "base" });
export const compareNames = collator.compare;

const byPlace = (a, b) => a.position - b.position;
const COMPARE = {
  best: (a, b) => b.score - a.score || byPlace(a, b),
  place: byPlace,
  name: (a, b) => compareNames(a.name, b.name) || byPlace(a, b),
  newest: (a, b) => b.modified - a.modified || byPlace(a, b),
  oldest: (a, b) => a.modified - b.modified || byPlace(a, b),
  largest: (a, b) => b.size - a.size || byPlace(a, b),
};

export function createHits(order, limit = LIMIT) {
  const compare = COMPARE[order] ?? COMPARE.best;
  let kept = [];
  let worst = null;
  let isSorted = true;
  const sort = () => {
    if (isSorted) return;
    kept.sort(compare);
    if (kept.length > limit) kept = kept.slice(0, limit);
    if (kept.length === limit) worst = kept[limit - 1];
    isSorted = true;
  };
  return {
    total: 0,
    bytes: 0,
    add(row) {
      this.total++;
      this.bytes += row.size;
      if (worst && compare(row, worst) >= 0) return;
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
