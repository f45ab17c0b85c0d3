import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { modules, PAGE, script } from "../build.mjs";
import { chosenRuns, formerPlace } from "../../../src/site/page/changes.mjs";
import { formatSize, shellQuoted } from "../../../src/site/page/format.mjs";
import { mirrorFolder, restoreCommand } from "../../../src/site/page/versions.mjs";
import { chooseLanguage, LANGUAGES, say, sayCount, useLanguage } from "../../../src/site/page/words.mjs";

const PREFIXES = ["gap_", "kind_", "addedCount", "updatedCount", "movedCount", "removedCount"];
const marks = (text) => [text].flat().map((line) => (line.match(/\{\d\}/g) ?? []).sort().join());

test("both languages have the same words with the same values", () => {
  const { sv, en } = LANGUAGES;
  assert.deepEqual(Object.keys(sv).sort(), Object.keys(en).sort());
  for (const key of Object.keys(en)) assert.deepEqual(marks(sv[key]), marks(en[key]), key);
});

test("every word is used, and every word that is used exists", () => {
  const source = modules()
    .filter((name) => name !== "words.mjs")
    .map((name) => readFileSync(PAGE + name, "utf8"))
    .join("\n");
  for (const key of Object.keys(LANGUAGES.en)) {
    if (!PREFIXES.some((prefix) => key.startsWith(prefix)))
      assert.ok(source.includes(`"${key}"`), `${key} is not used`);
  }
  for (const [, key] of source.matchAll(/say(?:Count)?\("([a-zA-Z_]+)"/g))
    assert.ok(key in LANGUAGES.en, `${key} has no words`);
});

test("the reader's first known language is taken", () => {
  for (const [wanted, expected] of [
    [["sv-SE", "en"], "sv"],
    [["de", "sv"], "sv"],
    [["en-US", "sv"], "en"],
    [["fr"], "en"],
    [[], "en"],
  ])
    assert.equal(chooseLanguage(wanted), expected);
});

test("one and many, and values as they are written", () => {
  useLanguage("sv");
  assert.equal(sayCount("hits", 1, "1"), "1 träff");
  assert.equal(say("remove", "$& {0}"), "Ta bort filter: $& {0}");
  assert.equal(formatSize(1_234_567), "1,2 MB");
  useLanguage("en");
  assert.equal(sayCount("hits", 0, "0"), "0 hits");
  assert.deepEqual([0, 1, 999, 1000, 999_949, 999_950, 5e12].map(formatSize), [
    "0 bytes",
    "1 byte",
    "999 bytes",
    "1.0 kB",
    "999.9 kB",
    "1.0 MB",
    "5.0 TB",
  ]);
});

test("the modules fit into one script of which nothing leaks", () => {
  const names = modules().flatMap((name) =>
    [...readFileSync(PAGE + name, "utf8").matchAll(/^(?:export )?(?:async )?(?:const|let|function|class) (\w+)/gm)].map(
      (match) => match[1],
    ),
  );
  assert.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
    "names that two modules have",
  );
  const text = script();
  assert.doesNotThrow(() => new Function(text));
  assert.ok(!/^\s*(import|export)\b/m.test(text));
  assert.ok(!/<\/script|<!--/i.test(text), "would end the script element");
});

test("nothing is ever parsed as markup or run as code", () => {
  assert.ok(
    !/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc|DOMParser|createContextualFragment/.test(
      script(),
    ),
  );
});

test("changes are chosen by period and binder", () => {
  const now = Date.parse("2026-11-28T00:00:00Z");
  const run = (days, kinds, binder = "b1") => ({
    finished: new Date(now - days * 86_400_000).toISOString(),
    counts: Object.fromEntries(kinds.map((kind) => [kind, 1])),
    items: kinds.filter((kind) => kind !== "removed").map((kind) => [kind, "1", "B/x", 0, 1, binder]),
  });
  const runs = [run(1, ["added"]), run(3, ["removed"]), run(6, []), run(9, ["moved"], "b2"), run(40, ["added"])];
  assert.equal(chosenRuns(runs, "", "", now).length, 4);
  assert.equal(chosenRuns(runs, "7", "", now).length, 2);
  assert.equal(chosenRuns(runs, "31", "b2", now).length, 1);
  assert.equal(chosenRuns(runs, "31", "b2", now)[0].counts.moved, 1);
});

test("of a former place only what has changed is told", () => {
  assert.equal(formerPlace("B/Old/a.pdf", "B/New", "a.pdf"), "B › Old");
  assert.equal(formerPlace("B/New/b.pdf", "B/New", "a.pdf"), "b.pdf");
  assert.equal(formerPlace("B/Old/b.pdf", "B/New", "a.pdf"), "B › Old › b.pdf");
});

test("the command to get a version back can be pasted", () => {
  useLanguage("en");
  assert.equal(shellQuoted("it's $HOME"), "'it'\\''s $HOME'");
  assert.equal(
    restoreCommand("/srv/mi rror", "7c9e-1"),
    "ibinder-sync restore --dest '/srv/mi rror' --version 7c9e-1 --to restored",
  );
  const at = (href, start = {}) => mirrorFolder(start, new URL(href));
  assert.equal(at("file:///srv/mi%20rror/index.html"), "/srv/mi rror");
  assert.equal(at("file:///srv/mirror/Brf/index.html", { folder: "../" }), "/srv/mirror");
  assert.equal(at("file:///home/a/cat/index.html", { folder: "../../../srv/x%20y/" }), "/srv/x y");
  assert.equal(at("file:///index.html"), "/");
  for (const href of [
    "file:///C:/share/index.html",
    "file://server/share/index.html",
    "https://example.org/x/index.html",
  ])
    assert.equal(at(href), "FOLDER-OF-THE-COPY");
  assert.equal(at("file:///x/index.html", { destination: "/srv/a" }), "/srv/a");
});
