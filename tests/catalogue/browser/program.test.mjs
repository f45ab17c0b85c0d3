// The program's own catalogue of a made-up organisation, beside its tree and by binder. PROGRAM is its path.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { builtPage } from "../build.mjs";
import { axe, launch, linkedFiles, open, searched } from "./browser.mjs";

const program = process.env.PROGRAM;
const skip = program ? false : "PROGRAM names no program";
let browser;
let tree;

before(async () => {
  if (skip) return;
  tree = mkdtempSync(join(tmpdir(), "mirror #1 50% å-"));
  for (const day of ["1", "2"]) run("demo", "--day", day);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  if (tree) rmSync(tree, { recursive: true, force: true });
});

function run(command, ...args) {
  execFileSync(program, [command, "--quiet", "--dest", tree, ...args], { stdio: ["ignore", "ignore", "inherit"] });
}

const number = async (page, selector) => Number((await page.textContent(selector)).replace(/\D/g, ""));

// Every document of a binder is listed with a link to its file, and has a page with its versions.
async function walk(folder, binder) {
  const { page, wrongs, close } = await open(browser, folder, `#b=${binder}`);
  await searched(page);
  const files = new Set();
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  for (let top = 0; top < height; top += 400) {
    await page.evaluate((y) => window.scrollTo(0, y), top);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    for (const [href, exists] of await linkedFiles(page, ".rows .open")) {
      assert.ok(exists, href);
      files.add(href);
    }
  }
  await page.waitForSelector(".tree ul");
  await page.evaluate(() => document.querySelector(".rows .name").click());
  await page.waitForSelector(".versions tbody tr");
  assert.match(await page.textContent(".versions tbody"), /[0-9a-f]{64}/);
  for (const [href, exists] of await linkedFiles(page, ".actions a[target]")) assert.ok(exists, href);
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(wrongs, []);
  await close();
  return files.size;
}

test("the catalogue beside the tree shows all documents", { skip }, async () => {
  run("catalogue");
  // The same page, but for a line by which the program knows its own.
  const page = readFileSync(join(tree, "index.html"), "utf8").replace(/<!-- [^>]* -->\n/, "");
  assert.equal(page, builtPage());
  const home = await open(browser, tree);
  const documents = await number(home.page, ".tiles b");
  const binders = await home.page.$$eval(".binders tbody th a", (links) =>
    links.map((link) => new URLSearchParams(link.hash.slice(1)).get("b")),
  );
  await home.page.click("[data-view=changes]");
  await home.page.waitForSelector(".docs li");
  assert.deepEqual(await axe(home.page), []);
  await home.page.click(".docs a");
  await home.page.waitForSelector(".document h1");
  assert.deepEqual(home.wrongs, []);
  await home.close();
  let listed = 0;
  for (const binder of binders) listed += await walk(tree, binder);
  assert.ok(listed > 0);
  assert.equal(listed, documents);
});

test("each binder's own catalogue shows its documents, and the one at the top leads there", { skip }, async () => {
  run("catalogue", "--catalogue-per-binder");
  const { page, wrongs, close } = await open(browser, tree);
  const documents = await number(page, ".tiles b");
  assert.equal(await page.$("#search"), null);
  let listed = 0;
  for (const href of await page.$$eval(".binders tbody th a", (links) => links.map((link) => link.href))) {
    const folder = decodeURIComponent(new URL(href).pathname).replace(/\/index\.html$/, "");
    const own = await open(browser, folder);
    const binder = await own.page.$eval(".binders tbody th a", (link) =>
      new URLSearchParams(link.hash.slice(1)).get("b"),
    );
    await own.close();
    listed += await walk(folder, binder);
  }
  assert.equal(listed, documents);
  assert.deepEqual(wrongs, []);
  await close();
});
