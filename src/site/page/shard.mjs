// One shard of the search data: columns of documents, and tables of the texts that repeat in them.

import { findWord, foldBases, foldLetters } from "./fold.mjs";
import { KINDS, kindOf } from "./kind.mjs";

// `position` orders the documents of all shards.
export function openShard(place, data) {
  return { ...place, data, count: data.ids.length, index: null };
}

// Folds the shard's texts, when it is first searched.
export function indexShard(shard) {
  if (!shard.index) {
    const { names, titles, folders, values } = shard.data;
    shard.index = {
      names: foldTable(names.map((name, at) => (titles[at] ? `${name} ${titles[at]}` : name))),
      folders: foldTable(folders),
      values: foldTable(values),
      kinds: Uint8Array.from(names, (name) => KINDS.indexOf(kindOf(name))),
    };
  }
  return shard.index;
}

// Many texts are folded and searched as one, a line each, which is much faster than one by one.
export function foldTable(texts) {
  const lines = texts.map((text) => (/[\n\r\u2028\u2029\u0085]/.test(text) ? text.replace(/\s/g, " ") : text));
  const letters = foldLetters(lines.join("\n"));
  const ends = new Int32Array(texts.length);
  for (let at = 0, end = -1; at < texts.length; at++) {
    end = letters.indexOf("\n", end + 1);
    ends[at] = end < 0 ? letters.length : end;
  }
  return { letters, bases: foldBases(letters), ends };
}

// For each text 0, 1 if the word is in it, 2 if it starts with it.
export function matchTable(table, word) {
  const { letters, bases, ends } = table;
  const matches = new Uint8Array(ends.length);
  let line = 0;
  let from = 0;
  for (let hit = findWord(letters, bases, word); hit >= 0; hit = findWord(letters, bases, word, from)) {
    while (ends[line] < hit) line++;
    matches[line] = hit === (line ? ends[line - 1] + 1 : 0) ? 2 : 1;
    from = ends[line];
  }
  return matches;
}

// A document as lists show it.
export function rowOf(shard, at) {
  const { ids, names, folders, folder, size, modified } = shard.data;
  return {
    id: ids[at],
    name: names[at],
    folder: folders[folder[at]],
    size: size[at],
    modified: modified[at],
    binder: shard.binder,
    shard: shard.number,
    key: 0,
    position: 0,
  };
}

// Everything that is known of a document, with its metadata as pairs of label and value.
export function documentOf(shard, at) {
  const { data } = shard;
  const value = (index) => (index < 0 ? "" : data.values[index]);
  const metadata = [];
  const numbers = data.metadata[at] || [];
  for (let n = 0; n < numbers.length; n += 2) metadata.push([data.keys[numbers[n]], data.values[numbers[n + 1]]]);
  return {
    ...rowOf(shard, at),
    title: data.titles[at] || "",
    tab: value(data.tab[at]),
    category: value(data.category[at]),
    status: value(data.status[at]),
    metadata,
  };
}
