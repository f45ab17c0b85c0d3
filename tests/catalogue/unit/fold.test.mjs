import assert from "node:assert/strict";
import { test } from "node:test";
import { findWord, foldBases, foldLetters, foldQuery, matchedRanges } from "../../../src/site/page/fold.mjs";

function finds(query, text) {
  const letters = foldLetters(text);
  return foldQuery(query).every((word) => findWord(letters, foldBases(letters), word) >= 0);
}

test("a plain letter finds its relatives, and a letter of its own only itself", () => {
  for (const [query, text, expected] of [
    ["angstrom", "Ångström", true],
    ["ångström", "Ångström", true],
    ["ångström", "angstrom", false],
    ["ÅNG", "långt", true],
    ["å", "ABC", false],
    ["å", "ä", false],
    ["ä", "å", false],
    ["a", "á", true],
    ["a", "å", true],
    ["o", "ø", true],
    ["ö", "ø", false],
    ["malmö", "Mälmö", true],
    ["malmö", "Malmo", false],
    ["é", "resume", true],
    ["resume", "Résumé", true],
    ["ubersicht", "Übersicht", true],
    ["strasse", "Straße", true],
    ["åäö", "x ÅÄÖ y", true],
    ["åö", "aö åö", true],
    ["lodz", "Łódź", true],
    ["m2", "120 m²", true],
  ])
    assert.equal(finds(query, text), expected, `${query} in ${text}`);
});

test("letters and their marks are the same whether composed or not", () => {
  assert.ok(finds("räkning", "ra\u0308kning"));
  assert.ok(finds("ra\u0308kning", "räkning"));
  assert.ok(finds("e", "e\u0301"));
});

test("characters that nobody sees don't part words", () => {
  assert.ok(finds("fotogpj", "foto\u202egpj"));
  assert.ok(finds("ritning", "rit\u00adning"));
});

test("all words must match, in any order, and case does not count", () => {
  assert.ok(finds("PLAN hus", "Hus A planritning"));
  assert.ok(!finds("plan garage", "Hus A planritning"));
  assert.deepEqual(foldQuery("  "), []);
  assert.equal(foldQuery("a A á").length, 1);
});

test("both forms of a text have the same length", () => {
  for (const text of ["Ångström ÆØ", "Straße ﬁ …", "İstanbul", "שָׁלוֹם", "🏠 ö"]) {
    const letters = foldLetters(text);
    assert.equal(foldBases(letters).length, letters.length, text);
  }
});

test("matches are marked in the original text", () => {
  const marked = (text, query) => matchedRanges(text, foldQuery(query)).map(([start, end]) => text.slice(start, end));
  assert.deepEqual(marked("Räddningsplan Rad", "rad"), ["Räd", "Rad"]);
  assert.deepEqual(marked("ra\u0308kning", "räk"), ["ra\u0308k"]);
  assert.deepEqual(marked("Straße 4", "ss"), ["ß"]);
  assert.deepEqual(marked("abcabc", "ab bca"), ["abcab"]);
  assert.deepEqual(marked("emoji 🏠 hus", "hus"), ["hus"]);
});
