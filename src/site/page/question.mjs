// A question to the search, and its answer from one shard.

import { foldLetters, foldBases, findWord, foldQuery } from "./fold.mjs";
import { KINDS } from "./kind.mjs";
import { indexShard, matchTable } from "./shard.mjs";

// The filters whose choices are counted.
export const FACETS = ["tab", "category", "status", "type"];

// The question that an address asks.
export function questionOf(address) {
  return {
    words: foldQuery(address.q ?? ""),
    binder: address.b ?? "",
    folder: address.f ?? "",
    chosen: FACETS.map((facet) => address[facet] ?? ""),
    from: startOfDay(address.from, 0) ?? -Infinity,
    to: startOfDay(address.to, 1) ?? Infinity,
  };
}

// The first second of a day in the reader's time zone, or null if it is none.
function startOfDay(text, later) {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text ?? "");
  return parts && new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + later).getTime() / 1000;
}

// Scores: 0 no match, 1 with the help of the place or the metadata, 2 all words in the name, 3 and the name starts with the first.
function scoreShard(shard, words, binderName) {
  const index = indexShard(shard);
  const { folder, metadata, tab, category, status } = shard.data;
  const scores = new Uint8Array(shard.count).fill(words.length ? 2 : 1);
  const binderLetters = foldLetters(binderName);
  words.forEach((word, nth) => {
    const names = matchTable(index.names, word);
    const folders = matchTable(index.folders, word);
    const values = matchTable(index.values, word);
    const inBinder = findWord(binderLetters, foldBases(binderLetters), word) >= 0;
    const inMetadata = (at) => {
      const numbers = metadata[at];
      for (let n = 1; n < numbers.length; n += 2) if (values[numbers[n]]) return true;
      return values[tab[at]] || values[category[at]] || values[status[at]];
    };
    for (let at = 0; at < scores.length; at++) {
      if (scores[at] === 0) continue;
      if (names[at]) scores[at] += nth === 0 && names[at] === 2 ? 1 : 0;
      else scores[at] = inBinder || folders[folder[at]] || inMetadata(at) ? 1 : 0;
    }
  });
  return scores;
}

// Calls found(at, score) for each match, and counts the choices of each facet among the documents that pass all others.
export function askShard(shard, question, binderName, facets, found) {
  const scores = scoreShard(shard, question.words, binderName);
  const { data, index } = shard;
  const inFolder = data.folders.map(
    (path) => !question.folder || path === question.folder || path.startsWith(`${question.folder}/`),
  );
  const columns = [data.tab, data.category, data.status, index.kinds];
  const choices = [data.values, data.values, data.values, KINDS];
  // A choice that no document here has equals no index, not even the -1 of documents without one.
  const chosen = question.chosen
    .map((value, n) => (value ? choices[n].indexOf(value) : null))
    .map((at) => (at === -1 ? -2 : at));
  const counts = choices.map((list) => new Int32Array(list.length));
  for (let at = 0; at < scores.length; at++) {
    const time = data.modified[at];
    if (scores[at] === 0 || !inFolder[data.folder[at]] || time < question.from || time >= question.to) continue;
    let failed = -1;
    let failures = 0;
    for (let n = 0; n < columns.length; n++) {
      if (chosen[n] !== null && columns[n][at] !== chosen[n]) {
        failed = n;
        failures++;
      }
    }
    if (failures > 1) continue;
    for (let n = 0; n < columns.length; n++) {
      if ((failures === 0 || n === failed) && columns[n][at] >= 0) counts[n][columns[n][at]]++;
    }
    if (failures === 0) found(at, scores[at]);
  }
  counts.forEach((list, n) =>
    list.forEach((number, choice) => {
      if (number) facets[n].set(choices[n][choice], (facets[n].get(choices[n][choice]) ?? 0) + number);
    }),
  );
}
