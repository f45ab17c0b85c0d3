// Writes a made-up catalogue in the format of `ibinder-sync catalogue`, of any size, and real files for a few of its
// documents: node generate.mjs --documents 100000 --binders 12 --to DIR
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { builtPage } from "./build.mjs";
import { PDF, PNG } from "./samples.mjs";

const PER_SHARD = 20_000;
const NOW = Date.UTC(2026, 10, 28, 2, 14) / 1000;
const DAY = 86_400;

const HOUSES = [
  "Brf Eken",
  "Brf Ängslyckan",
  "Kv. Tärnan 4",
  "Förvaltning Söder",
  "Ö-kvarteret",
  "Centralskolan",
  "Parkeringshus Åby",
];
const TABS = ["Ritningar", "Avtal", "Drift och underhåll", "Besiktningar", "Ekonomi", "Myndighetskontakter"];
const FOLDERS = [
  "A – Arkitekt",
  "E – El",
  "V – Ventilation",
  "Hus A",
  "Hus B",
  "Plan 1",
  "Plan 2",
  "2019",
  "2023",
  "Garantier",
  "Protokoll",
];
const SUBJECTS = [
  "Planritning",
  "Hyresavtal",
  "OVK-protokoll",
  "Elschema",
  "Energideklaration",
  "Skötselanvisning",
  "Faktura",
  "Besiktning hiss",
  "Bygglov",
  "Relationshandling",
  "Ritning åskledare",
  "Räddningsplan",
  "Café Résumé",
  "Übersicht",
];
const ENDINGS = ["pdf", "pdf", "pdf", "pdf", "dwg", "docx", "xlsx", "jpg", "png", "msg", "tif", "zip", "html", "svg"];
const STATUS = ["Gällande", "Utgått", "Under arbete", "För granskning"];
const CATEGORIES = ["Ritning", "Avtal", "Protokoll", "Instruktion", "Intyg"];
const PEOPLE = ["Anna Åkesson", "Björn Öst", "Carla Nyström", "Dan Frid", "Eva Märk"];

// Names that must be shown as text and lead to their own file.
export const HOSTILE = [
  "<img src=x onerror=alert(1)>.pdf",
  "</script><script>alert(1)</script>.pdf",
  "javascript:alert(1).pdf",
  "..%2f..%2fetc%2fpasswd.pdf",
  "foto\u202egnp.exe",
  "50% #1 ? & \"citat\" 'apostrof'.pdf",
  "a\\b.pdf",
  "tab\tand\u2028line.pdf",
  "`${alert(1)}`.pdf",
  "e\u0301 sammansatt.pdf",
  "שלום.pdf",
  "emoji 🏠 ritning.pdf",
  "data:text,<b>x.html",
  'onclick="x".svg',
  "__proto__.pdf",
];

// A small generator of pseudo-random numbers (mulberry32), so that a catalogue is the same each time.
function dice(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function uuid(roll) {
  const hex = (digits) =>
    Math.floor(roll() * 16 ** digits)
      .toString(16)
      .padStart(digits, "0");
  return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(8)}${hex(4)}`;
}

// The argument's JSON can't end the script element: the same escapes as the program writes.
function call(name, ...values) {
  const text = values.map((value) => JSON.stringify(value)).join(",");
  return `ibinder.${name}(${text.replace(/[<>&\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)});\n`;
}

function table() {
  const places = new Map();
  return {
    rows: [],
    at(value) {
      if (!places.has(value)) {
        places.set(value, this.rows.length);
        this.rows.push(value);
      }
      return places.get(value);
    },
  };
}

function shardOf(documents, keys) {
  const folders = table();
  const values = table();
  const shard = {
    folders: folders.rows,
    values: values.rows,
    keys,
    ids: [],
    names: [],
    titles: [],
    folder: [],
    size: [],
    modified: [],
    metadata: [],
    tab: [],
    category: [],
    status: [],
  };
  for (const d of documents) {
    shard.ids.push(d.id);
    shard.names.push(d.name);
    shard.titles.push(d.title);
    shard.folder.push(folders.at(d.folder));
    shard.size.push(d.size);
    shard.modified.push(d.modified);
    shard.metadata.push(d.metadata.flatMap(([key, value]) => [key, values.at(value)]));
    for (const column of ["tab", "category", "status"])
      shard[column].push(d[column] === null ? -1 : values.at(d[column]));
  }
  return shard;
}

// The documents of one binder, in the order of their paths.
function documentsOf(binder, count, roll) {
  const pick = (list) => list[Math.floor(roll() * list.length)];
  const documents = [];
  for (let at = 0; at < count; at++) {
    const tab = pick(TABS);
    const folder = roll() < 0.06 ? tab : [tab, pick(FOLDERS), ...(roll() < 0.5 ? [pick(FOLDERS)] : [])].join("/");
    const ending = pick(ENDINGS);
    const stem = `${pick(SUBJECTS)} ${String.fromCharCode(65 + Math.floor(roll() * 6))}-${10 + Math.floor(roll() * 80)}.${at}`;
    documents.push({
      id: uuid(roll),
      name: `${stem}.${ending}`,
      title: roll() < 0.05 ? `${stem}: ändrad` : 0,
      folder,
      tab,
      size: Math.floor(2 ** (10 + roll() * 14)),
      modified: Math.floor(NOW - roll() ** 2 * 3000 * DAY),
      category: roll() < 0.8 ? pick(CATEGORIES) : null,
      status: roll() < 0.9 ? pick(STATUS) : null,
      metadata: [[0, pick(PEOPLE)], ...(roll() < 0.5 ? [[1, String(2000 + Math.floor(roll() * 27))]] : [])],
    });
  }
  if (binder === 0) {
    HOSTILE.slice(0, count).forEach((name, at) =>
      Object.assign(documents[at], { name, title: 0, folder: at % 2 ? "Ritningar/50% <b>#1?" : "" }),
    );
    Object.assign(documents[0], { metadata: [[0, "<img src=x onerror=alert(2)>"]] });
  }
  return documents.sort((a, b) => (a.folder < b.folder ? -1 : a.folder > b.folder ? 1 : a.name < b.name ? -1 : 1));
}

function detailsOf(documents, roll) {
  return Object.fromEntries(
    documents.map((d) => {
      const count = roll() < 0.2 ? 3 : 1;
      const versions = Array.from({ length: count }, (_, at) => [
        d.modified - at * 90 * DAY,
        d.size - at,
        createHash("sha256")
          .update(d.id + at)
          .digest("hex"),
        at < 2 ? 1 : 0,
        uuid(roll),
      ]);
      return [d.id, versions];
    }),
  );
}

function changesOf(binders, samples) {
  return Array.from({ length: 9 }, (_, at) => {
    const items = samples.slice(at * 8, at * 8 + (at === 3 ? 0 : 8)).map(({ binder, d }, n) => {
      const path = [binders[binder].path, d.folder, d.name].filter(Boolean).join("/");
      const kind = ["added", "updated", "moved", "added"][n % 4];
      return [
        kind,
        d.id,
        path,
        kind === "moved" ? `${binders[binder].path}/Gammal mapp/${d.name}` : 0,
        d.size,
        binders[binder].id,
      ];
    });
    const counts = at === 1 ? { removed: 2 } : {};
    for (const [kind] of items) counts[kind] = (counts[kind] ?? 0) + 1;
    return { run: 812 - at, finished: iso(NOW - at * 4 * DAY), counts, items };
  });
}

const iso = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

export function generate({ documents = 400, binders = 5, to, seed = 1, shard = PER_SHARD, page = true }) {
  const roll = dice(seed);
  const data = join(to, "index-data");
  mkdirSync(data, { recursive: true });
  const write = (stem, text) => {
    const name = `${stem}-${createHash("sha256").update(text).digest("hex").slice(0, 12)}.js`;
    writeFileSync(join(data, name), text);
    return name;
  };
  const rows = [];
  const samples = [];
  const sizes = { search: 0 };
  for (let at = 0; at < binders; at++) {
    const count = Math.floor((documents * (at + 1)) / binders) - Math.floor((documents * at) / binders);
    const all = documentsOf(at, count, roll);
    const house = HOUSES[at % HOUSES.length];
    const name = at < HOUSES.length ? house : `${house} ${Math.floor(at / HOUSES.length) + 1}`;
    const row = {
      id: `b${String(at + 1).padStart(3, "0")}`,
      name,
      path: name,
      documents: count,
      bytes: all.reduce((sum, d) => sum + d.size, 0),
      labels: at === 1 ? { category: "Handlingstyp" } : {},
      search: [],
      details: [],
      page: null,
    };
    for (let n = 0; n * shard < all.length; n++) {
      const part = all.slice(n * shard, (n + 1) * shard);
      const search = call("search", row.id, n, shardOf(part, ["Ansvarig", "Byggår"]));
      sizes.search += Buffer.byteLength(search);
      row.search.push(write(`search-${row.id}-${n}`, search));
      row.details.push(write(`details-${row.id}-${n}`, call("details", row.id, n, detailsOf(part, roll))));
    }
    samples.push(...all.slice(0, 24).map((d) => ({ binder: at, d })));
    rows.push(row);
    if (documents < 10_000) all.forEach((d) => writeDocument(to, row.path, d));
  }
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  const start = {
    format: 1,
    generator: "ibinder-sync 0.1.0",
    organisation: "Ekens Fastigheter",
    written: iso(NOW + 60),
    run: { number: 812, outcome: "partial", started: iso(NOW - 900), finished: iso(NOW) },
    certified: iso(NOW - 9 * DAY),
    documents,
    bytes,
    scope: null,
    read: Object.fromEntries(
      rows.map(({ id }, at) => [
        id,
        [iso(NOW), iso(at === 2 ? NOW - 9 * DAY : NOW), at === 3 ? iso(NOW - 5 * DAY) : null],
      ]),
    ),
    binders: write("binders", call("binders", rows)),
    changes: write("changes", call("changes", changesOf(rows, samples))),
    folder: "",
    gaps:
      binders < 4
        ? []
        : [
            { kind: "failed", count: 3, names: [rows[0].name, rows[1].name] },
            { kind: "withheld", count: 22 },
            { kind: "inaccessible", count: 1, names: [rows[3].name] },
            { kind: "uncertified", count: 1, names: [rows[2].name] },
          ],
  };
  writeFileSync(join(data, "start.js"), call("start", start));
  if (page) writeFileSync(join(to, "index.html"), builtPage());
  return { ...sizes, bytesPerDocument: sizes.search / documents };
}

function writeDocument(to, binder, d) {
  const file = join(to, binder, d.folder, d.name);
  mkdirSync(dirname(file), { recursive: true });
  const ending = d.name.split(".").pop();
  writeFileSync(file, ending === "pdf" ? PDF : ending === "png" ? PNG : `${d.id}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = {};
  for (let at = 2; at < process.argv.length; at += 2) {
    const value = process.argv[at + 1];
    options[process.argv[at].replace(/^--/, "")] = /^\d+$/.test(value) ? Number(value) : value;
  }
  console.log(JSON.stringify(generate(options)));
}
