// Asks all shards, those in memory first. A newer search cancels an older one, and typing never waits for one.

import { createHits } from "./hits.mjs";
import { askShard, FACETS } from "./question.mjs";
import { indexShard } from "./shard.mjs";

// Somebody who still types does not want files to be loaded for each letter.
const TYPING = 200;
const REPORT_EVERY = 300;

// Lets the browser handle input and paint.
function nextTurn() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

function emptyAnswer(question, order) {
  const facets = FACETS.map(() => new Map());
  const hits = createHits(order);
  return { question, hits, facets, binders: new Map(), searched: 0, unreadable: 0, done: false };
}

// Adds what a shard has.
function addAnswer(store, answer, shard) {
  const { hits, binders } = answer;
  const before = hits.total;
  const name = store.binder(shard.binder)?.name ?? "";
  askShard(shard, answer.question, name, answer.facets, (at, score) => hits.add(shard, at, score));
  answer.searched += shard.count;
  if (hits.total > before) binders.set(shard.binder, (binders.get(shard.binder) ?? 0) + hits.total - before);
}

export function createSearch(store) {
  let latest = 0;
  return {
    cancel() {
      latest++;
    },
    // Calls report(answer) at the first hits, now and then, and at the end; not once more when a newer search has begun.
    async run(question, order, report) {
      const mine = ++latest;
      const isCurrent = () => mine === latest;
      const answer = emptyAnswer(question, order);
      let reported = 0;
      const say = () => {
        if (reported && performance.now() - reported < REPORT_EVERY) return;
        reported = performance.now();
        report(answer);
      };
      const later = [];
      // The letter that was typed is shown first.
      await nextTurn();
      if (!isCurrent()) return;
      for (const place of store.placesOf(question.binder)) {
        const shard = store.held(place);
        if (!shard) {
          later.push(place);
          continue;
        }
        addAnswer(store, answer, shard);
        say();
        await nextTurn();
        if (!isCurrent()) return;
      }
      if (later.length && reported) await pause(TYPING);
      // While one is searched, the next one is read.
      const load = (place) => place && store.shard(place).catch(() => null);
      let ahead = isCurrent() && load(later[0]);
      for (let n = 0; n < later.length; n++) {
        if (!isCurrent()) return;
        const loading = ahead;
        ahead = load(later[n + 1]);
        const shard = await loading;
        await nextTurn();
        if (!isCurrent()) return;
        if (shard) addAnswer(store, answer, shard);
        else answer.unreadable++;
        say();
        await nextTurn();
      }
      if (!isCurrent()) return;
      answer.done = true;
      report(answer);
    },
    // Reads and folds a shard ahead of a search.
    async prepare(place) {
      const shard = await store.shard(place);
      await nextTurn();
      indexShard(shard);
    },
    // A document by its id: first in the binder where it was, then everywhere. Null if there is none, undefined if it is no longer wanted.
    async find(id, binder, isWanted, report) {
      const places = [...store.placesOf("")].sort(
        (a, b) => (b.binder === binder) - (a.binder === binder) || !!store.held(b) - !!store.held(a),
      );
      for (const [n, place] of places.entries()) {
        const shard = await store.shard(place);
        if (!isWanted()) return undefined;
        const at = shard.data.ids.indexOf(id);
        if (at >= 0) return { shard, at };
        report(n + 1, places.length);
        await nextTurn();
      }
      return null;
    },
    // Documents and bytes of each folder of a binder, or undefined if something else was asked meanwhile.
    async folders(binder, isWanted) {
      const counts = new Map();
      for (const place of store.placesOf(binder)) {
        const { data } = await store.shard(place);
        if (!isWanted()) return undefined;
        data.folder.forEach((index, at) => {
          const path = data.folders[index];
          const count = counts.get(path) ?? { documents: 0, bytes: 0 };
          count.documents++;
          count.bytes += data.size[at];
          counts.set(path, count);
        });
        await nextTurn();
      }
      return counts;
    },
  };
}
