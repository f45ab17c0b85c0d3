import assert from "node:assert/strict";
import { test } from "node:test";
import { HOSTILE } from "../generate.mjs";
import { linkTo } from "../../../src/site/page/link.mjs";
import { endingOf, kindOf, mayRun, previewOf } from "../../../src/site/page/kind.mjs";
import { visible } from "../../../src/site/page/format.mjs";

test("each name leads to its own file and nowhere else", () => {
  const page = "file:///srv/mirror/index.html";
  for (const name of HOSTILE) {
    const url = new URL(linkTo("", `Brf Eken/${name}`), page);
    assert.equal(url.protocol, "file:", name);
    assert.equal(url.search + url.hash, "", name);
    assert.equal(decodeURIComponent(url.pathname), `/srv/mirror/Brf Eken/${name}`, name);
  }
});

test("a path that leads out of the tree is no link", () => {
  for (const path of ["../x", "a/../b", ".", "a//b", "/etc/passwd", ""]) assert.equal(linkTo("", path), null, path);
});

test("a name alone is relative to the page, and the prefix leads to the tree's root", () => {
  assert.equal(linkTo("", "javascript:alert(1)"), "./javascript%3Aalert(1)");
  assert.equal(linkTo("../", "//evil"), null);
  assert.equal(linkTo("../", "A B/c#d?e%f'.pdf"), "./../A%20B/c%23d%3Fe%25f%27.pdf");
  assert.equal(linkTo("", "half \ud800.pdf"), "./half%20%EF%BF%BD.pdf");
});

test("only PDF and raster images are previewed", () => {
  for (const name of ["a.PDF", "b.jpeg", "c.webp"]) assert.ok(previewOf(name), name);
  for (const name of ["a.svg", "a.html", "a.htm", "a.pdf.html", "a.xml", "a.tif", "pdf", ".pdf", "a.pdf ", "a.docx"])
    assert.equal(previewOf(name), null, name);
});

test("kinds go by the ending", () => {
  assert.deepEqual(["x.DWG", "x.msg", "x.xlsx", "x.unknown", "x", ".png"].map(kindOf), [
    "drawing",
    "mail",
    "table",
    "other",
    "other",
    "other",
  ]);
  assert.equal(endingOf("Ritning A-40.1 plan nummer tolv"), "");
  assert.ok(mayRun("x.html") && mayRun("foto\u202egpj.exe") && mayRun("a.svg") && !mayRun("a.pdf"));
});

test("characters that turn or hide text are shown", () => {
  assert.equal(visible("foto\u202egpj.exe"), "foto\ufffdgpj.exe");
  assert.equal(visible("tab\tline\n"), "tab\ufffdline\ufffd");
  assert.equal(visible("Åäö 🏠"), "Åäö 🏠");
});
