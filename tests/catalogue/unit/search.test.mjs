import assert from "node:assert/strict";
import { test } from "node:test";
import { createHits } from "../../../src/site/page/hits.mjs";
import { questionOf } from "../../../src/site/page/question.mjs";
import { createSearch } from "../../../src/site/page/search.mjs";
import { documentOf, foldTable, matchTable, openShard } from "../../../src/site/page/shard.mjs";
import { createStore } from "../../../src/site/page/store.mjs";
import { folderTree } from "../../../src/site/page/tree.mjs";
import { foldQuery } from "../../../src/site/page/fold.mjs";

const DOCUMENTS = [
  ["1", "Planritning A.pdf", 0, 0, 100, 1_700_000_000, [0, 2], 3, 0, 4],
  ["2", "Hyresavtal.docx", "Avtal: hyra", 1, 200, 1_600_000_000, [0, 2, 1, 5], 6, -1, 4],
  ["3", "Avtal el.pdf", 0, 1, 300, 1_500_000_000, [], 6, 0, 7],
  ["4", "ritning\nplan.dwg", 0, 2, 400, 1_800_000_000, [], 3, 0, -1],
];
const FOLDERS = ["Ritningar", "Avtal", "Ritningar/Hus A"];
const VALUES = ["Handling", "", "Anna Åkesson", "Ritningar", "Gällande", "1974", "Avtal", "Utgått"];

function dataOf(documents) {
  const [ids, names, titles, folder, size, modified, metadata, tab, category, status] = Array.from(
    { length: 10 },
    (_, n) => documents.map((d) => d[n]),
  );
  return {
    folders: FOLDERS,
    values: VALUES,
    keys: ["Ansvarig", "Byggår"],
    ids,
    names,
    titles,
    folder,
    size,
    modified,
    metadata,
    tab,
    category,
    status,
  };
}

// A store of binders that each have the given shards.
function storeOf(binders, inMemory) {
  const loads = [];
  const files = {
    "start.js": [
      {
        format: 1,
        binders: "binders.js",
        changes: null,
        read: { b0: ["2026-01-01T00:00:00Z", null, null] },
        documents: 0,
      },
    ],
    "binders.js": [
      binders.map((shards, n) => ({
        id: `b${n}`,
        name: `Brf ${n}`,
        path: `B${n}`,
        documents: 0,
        labels: {},
        search: shards.map((_, m) => `s-${n}-${m}.js`),
        details: shards.map((_, m) => `d-${n}-${m}.js`),
      })),
    ],
  };
  binders.forEach((shards, n) =>
    shards.forEach((documents, m) => {
      files[`s-${n}-${m}.js`] = [`b${n}`, m, dataOf(documents)];
      files[`d-${n}-${m}.js`] = [`b${n}`, m, { 1: [[1, 2, "ab", 1, "v"]] }];
    }),
  );
  const store = createStore(async (name) => {
    loads.push(name);
    if (!files[name]) throw new Error(name);
    return files[name];
  }, inMemory);
  return { store, loads, files };
}

async function find(address, documents = DOCUMENTS) {
  const { store } = storeOf([[documents]]);
  await store.open();
  let last = null;
  await createSearch(store).run(questionOf(address), address.sort ?? "place", (answer) => (last = answer));
  return last;
}

const idsOf = (answer) =>
  answer.hits
    .rows()
    .map((row) => row.id)
    .join("");

test("words are looked for in names, titles, folders, metadata and the binder's name", async () => {
  for (const [q, expected] of [
    ["planritning", "1"],
    ["avtal hyra", "2"],
    ["hus", "4"],
    ["åkesson", "12"],
    ["1974", "2"],
    ["gällande", "12"],
    ["brf", "1234"],
    ["avtal", "23"],
    ["plan", "14"],
    ["xyz", ""],
    ["ritning plan", "14"],
    ["handling", "134"],
  ]) {
    assert.equal(idsOf(await find({ q })), expected, q);
  }
});

test("names come before places and metadata, and names that start with the word first", async () => {
  assert.equal(idsOf(await find({ q: "ritning", sort: "best" })), "41");
  assert.equal(idsOf(await find({ q: "avtal", sort: "best" })), "32");
});

test("filters", async () => {
  for (const [address, expected] of [
    [{ f: "Ritningar" }, "14"],
    [{ f: "Ritningar/Hus A" }, "4"],
    [{ f: "Ritn" }, ""],
    [{ tab: "Avtal" }, "23"],
    [{ status: "Gällande" }, "12"],
    [{ category: "Handling" }, "134"],
    [{ type: "pdf" }, "13"],
    [{ type: "nothing" }, ""],
    [{ status: "No" }, ""],
    [{ from: "2023-01-01" }, "14"],
    [{ to: "2020-12-31" }, "23"],
    [{ from: "2020-01-01", to: "2020-12-31" }, "2"],
    [{ q: "avtal", type: "pdf", status: "Utgått" }, "3"],
    [{ b: "b9" }, ""],
    [{ from: "rubbish" }, "1234"],
  ]) {
    assert.equal(idsOf(await find(address)), expected, JSON.stringify(address));
  }
});

test("a day belongs to its filter from its first to its last second", async () => {
  const noon = new Date(2026, 2, 29, 12).getTime() / 1000;
  const day = (hour, minute, second) => new Date(2026, 2, 29, hour, minute, second).getTime() / 1000;
  const at = (time) => [["1", "x", 0, 0, 1, time, [], -1, -1, -1]];
  for (const [time, expected] of [
    [day(0, 0, 0), 1],
    [noon, 1],
    [day(23, 59, 59), 1],
    [day(0, 0, 0) - 1, 0],
    [day(23, 59, 59) + 1, 0],
  ]) {
    assert.equal((await find({ from: "2026-03-29", to: "2026-03-29" }, at(time))).hits.total, expected, String(time));
  }
});

test("choices are counted as if their own filter were not set", async () => {
  const { facets } = await find({ status: "Gällande", type: "pdf" });
  assert.deepEqual(
    [...facets[2]],
    [
      ["Gällande", 1],
      ["Utgått", 1],
    ],
  );
  assert.deepEqual(
    [...facets[3]],
    [
      ["pdf", 1],
      ["text", 1],
    ],
  );
  assert.deepEqual([...facets[0]], [["Ritningar", 1]]);
});

test("orders", async () => {
  for (const [sort, expected] of [
    ["newest", "4123"],
    ["oldest", "3214"],
    ["largest", "4321"],
    ["name", "3214"],
    ["place", "1234"],
  ])
    assert.equal(idsOf(await find({ sort })), expected, sort);
  const numbered = ["Plan 10", "plan 2", "Ö", "Ä", "Å", "Z"].map((name, n) => [
    String(n),
    name,
    0,
    0,
    1,
    1,
    [],
    -1,
    -1,
    -1,
  ]);
  assert.deepEqual(
    (await find({ sort: "name" }, numbered)).hits.rows().map((row) => row.name),
    ["plan 2", "Plan 10", "Z", "Å", "Ä", "Ö"],
  );
});

test("of many hits the first in order are kept and all are counted", () => {
  const hits = createHits("newest", 10);
  const documents = Array.from({ length: 1000 }, (_, n) => [
    String(n),
    "x",
    0,
    0,
    1,
    (n * 7919) % 1000,
    [],
    -1,
    -1,
    -1,
  ]);
  const shard = openShard({ binder: "b0", number: 0, position: 0 }, dataOf(documents));
  for (let at = 0; at < 1000; at++) hits.add(shard, at, 1);
  assert.equal(hits.total, 1000);
  assert.deepEqual(
    hits.rows().map((row) => row.modified),
    [999, 998, 997, 996, 995, 994, 993, 992, 991, 990],
  );
});

test("a table of texts is searched line by line", () => {
  const table = foldTable(["Åre", "", "bår", "a\nb", "re"]);
  const matches = (query) => [...matchTable(table, foldQuery(query)[0])];
  assert.deepEqual(matches("a"), [2, 0, 1, 2, 0]);
  assert.deepEqual(matches("å"), [2, 0, 1, 0, 0]);
  assert.deepEqual(matches("re"), [1, 0, 0, 0, 2]);
  assert.deepEqual(matches("b"), [0, 0, 2, 1, 0]);
  assert.deepEqual([...matchTable(foldTable([]), foldQuery("a")[0])], []);
});

test("a document has its metadata under the labels", () => {
  const shard = openShard({ binder: "b0", number: 3, position: 0 }, dataOf(DOCUMENTS));
  const row = documentOf(shard, 1);
  assert.deepEqual(row.metadata, [
    ["Ansvarig", "Anna Åkesson"],
    ["Byggår", "1974"],
  ]);
  assert.deepEqual(
    [row.title, row.tab, row.category, row.status, row.shard],
    ["Avtal: hyra", "Avtal", "", "Gällande", 3],
  );
});

test("a newer search stops an older one", async () => {
  const { store } = storeOf(Array.from({ length: 6 }, () => [DOCUMENTS]));
  await store.open();
  const search = createSearch(store);
  const reports = [];
  const first = search.run(questionOf({ q: "avtal" }), "place", () => reports.push("old"));
  const second = search.run(
    questionOf({ q: "plan" }),
    "place",
    (answer) => answer.done && reports.push(answer.hits.total),
  );
  await Promise.all([first, second]);
  assert.deepEqual(
    reports.filter((report) => report !== "old"),
    [12],
  );
  assert.ok(!reports.includes("old"));
});

test("memory holds a few shards, and what is in memory is asked first and not loaded again", async () => {
  const { store, loads } = storeOf(
    Array.from({ length: 8 }, () => [DOCUMENTS]),
    12,
  );
  await store.open();
  const search = createSearch(store);
  const found = [];
  for (let n = 0; n < 2; n++)
    await search.run(
      questionOf({ q: "avtal" }),
      "place",
      (answer) => answer.done && found.push(answer.hits.total, answer.searched),
    );
  assert.deepEqual(found, [16, 32, 16, 32]);
  assert.equal(store.places.filter((place) => store.held(place)).length, 3);
  assert.equal(loads.filter((name) => name.startsWith("s-")).length, 8 + 5);
  assert.ok(
    (
      await search.find(
        "3",
        "b7",
        () => true,
        () => {},
      )
    ).shard.binder === "b7",
  );
});

test("a part that can't be read is told, and the others are searched", async () => {
  const { store, files } = storeOf([[DOCUMENTS], [DOCUMENTS]]);
  await store.open();
  delete files["s-0-0.js"];
  let last;
  await createSearch(store).run(questionOf({ q: "avtal" }), "place", (answer) => (last = answer));
  assert.deepEqual([last.hits.total, last.unreadable, last.done], [2, 1, true]);
  await assert.rejects(store.shard(store.places[0]));
});

test("binders get their times from the start, and versions come from their own file", async () => {
  const { store, loads } = storeOf([[DOCUMENTS], [DOCUMENTS]]);
  await store.open();
  assert.equal(store.binder("b0").mirrored, "2026-01-01T00:00:00Z");
  assert.equal(store.binder("b1").mirrored, null);
  assert.ok(!loads.some((name) => name.startsWith("d-")));
  assert.deepEqual(await store.versions({ binder: "b0", shard: 0, id: "1" }), [[1, 2, "ab", 1, "v"]]);
  assert.equal(await store.versions({ binder: "b0", shard: 0, id: "__proto__" }), null);
  assert.equal(store.binder("__proto__"), null);
  assert.deepEqual(await store.changes(), []);
});

test("folders count what is below them", async () => {
  const { store } = storeOf([[DOCUMENTS]]);
  await store.open();
  const tree = folderTree(await createSearch(store).folders("b0", () => true));
  assert.equal(tree.documents, 4);
  assert.deepEqual(
    tree.children.map((node) => [node.name, node.documents]),
    [
      ["Avtal", 2],
      ["Ritningar", 2],
    ],
  );
  assert.deepEqual(
    tree.children[1].children.map((node) => node.path),
    ["Ritningar/Hus A"],
  );
});
