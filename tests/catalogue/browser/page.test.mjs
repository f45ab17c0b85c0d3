// Drives the page as a person would, over file://.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { visible } from "../../../src/site/page/format.mjs";
import { generate, HOSTILE } from "../generate.mjs";
import { axe, launch, linkedFiles, open, searched } from "./browser.mjs";

let browser;
let tree;

before(async () => {
  // The folder's own name needs care in addresses, too.
  tree = mkdtempSync(join(tmpdir(), "catalogue #1 50% å-"));
  generate({ documents: 400, binders: 5, to: tree });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  rmSync(tree, { recursive: true, force: true });
});

const text = (page, selector) => page.textContent(selector);
const hash = (page) => page.evaluate(() => location.hash);
const names = (page) => page.$$eval(".rows .name", (links) => links.map((link) => link.textContent));

test("the first view shows how the copy is, and the binders", async () => {
  const { page, wrongs, close } = await open(browser, tree);
  assert.equal(await text(page, "h1"), "Ekens Fastigheter");
  assert.match(await text(page, ".state"), /Inte helt komplett.*19 november 2026/);
  assert.deepEqual(await page.$$eval(".binders tbody th a", (links) => links.map((link) => link.textContent)), [
    "Brf Eken",
    "Brf Ängslyckan",
    "Kv. Tärnan 4",
    "Förvaltning Söder",
    "Ö-kvarteret",
  ]);
  assert.match(await text(page, ".binders tbody tr:nth-child(4)"), /ingen åtkomst sedan/);
  assert.deepEqual(wrongs, []);
  await close();
});

test("search, filter, open, back", async () => {
  const { page, wrongs, close } = await open(browser, tree);
  await page.keyboard.type("ritning");
  await searched(page);
  assert.equal(await hash(page), "#q=ritning");
  const all = await text(page, ".count");
  await page.click("[data-choice='type pdf']");
  await page.waitForFunction(() => location.hash.includes("type=pdf"));
  await searched(page);
  assert.notEqual(await text(page, ".count"), all);
  assert.ok(
    (await page.$$eval(".rows .kind", (tags) => tags.map((tag) => tag.textContent))).every((tag) => tag === "PDF"),
  );
  const first = (await names(page))[0];
  await page.click(".rows .name");
  await page.waitForSelector(".beside h2");
  assert.equal(await text(page, ".beside h2"), first);
  await page.goBack();
  await page.waitForSelector(".beside", { state: "detached" });
  await page.goBack();
  await searched(page);
  assert.equal(await text(page, ".count"), all);
  await page.goBack();
  await page.waitForSelector(".binders");
  assert.equal(await page.inputValue("#search"), "");
  await page.goForward();
  await searched(page);
  assert.equal(await page.inputValue("#search"), "ritning");
  assert.deepEqual(wrongs, []);
  await close();
});

test("å finds only å, a finds both", async () => {
  const { page, close } = await open(browser, tree);
  const find = async (query) => {
    await page.fill("#search", query);
    await page.waitForFunction((wanted) => location.hash.includes(wanted), encodeURIComponent(query));
    await searched(page);
    return names(page);
  };
  const ring = await find("åskledare");
  assert.ok(ring.length > 3 && ring.every((name) => name.includes("åskledare")));
  assert.deepEqual(await find("askledare"), ring);
  assert.deepEqual(await find("äskledare"), []);
  assert.match(await text(page, ".notes"), /Inga dokument hittades/);
  assert.ok((await find("resume")).some((name) => name.includes("Résumé")));
  await close();
});

test("names from outside stay text, and each link leads to its own file", async () => {
  const { page, wrongs, close } = await open(browser, tree, "#b=b001");
  await searched(page);
  const seen = new Map();
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  for (let top = 0; top < height; top += 500) {
    await page.evaluate((y) => window.scrollTo(0, y), top);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const links = await linkedFiles(page, ".rows .open");
    (await names(page)).forEach((name, at) => seen.set(name, links[at]));
  }
  for (const name of HOSTILE) assert.ok(seen.has(visible(name)), name);
  assert.equal(seen.size, 80);
  for (const [name, [href, exists]] of seen) assert.ok(exists, `${name} ${href}`);
  assert.equal(await page.$$eval("#main script, #main img, #main b:not(.tiles b)", (elements) => elements.length), 0);
  for (const query of ["img src", "</script>", "javascript:", "%2f", "proto"]) {
    await page.fill("#search", query);
    await page.waitForFunction((wanted) => new URLSearchParams(location.hash.slice(1)).get("q") === wanted, query);
    await searched(page);
    await page.click(".rows .name");
    await page.waitForSelector(".beside h2");
    for (const [href, exists] of await linkedFiles(page, ".actions a[target]")) assert.ok(exists, href);
  }
  assert.deepEqual(wrongs, []);
  await close();
});

test("a document has a page of its own at a stable address", async () => {
  const { page, close } = await open(browser, tree, "#q=planritning");
  await searched(page);
  await page.click(".rows .name");
  await page.waitForSelector(".beside h2");
  const name = await text(page, ".beside h2");
  const id = await page.getAttribute(".beside", "data-id");
  await close();
  for (const address of [`#d=${id}`, `#d=${id}&in=b005`, `#d=${id}&in=gone`]) {
    const other = await open(browser, tree, address);
    await other.page.waitForSelector(".document h1");
    assert.equal(await text(other.page, "h1"), name);
    assert.match(await text(other.page, ".about"), new RegExp(id));
    await other.page.waitForSelector(".versions tbody tr");
    assert.deepEqual(other.wrongs, []);
    await other.close();
  }
  const none = await open(browser, tree, "#d=none");
  await none.page.waitForSelector(".message");
  assert.match(await text(none.page, "#main"), /finns inte i kopian/);
  await none.close();
});

test("an earlier version has its command", async () => {
  const { page, close } = await open(browser, tree, "#b=b002");
  await searched(page);
  for (const link of await page.$$(".rows .name")) {
    await link.click();
    await page.waitForFunction(
      (id) => document.querySelector(".beside")?.dataset.id === id,
      await link.getAttribute("data-id"),
    );
    await page.waitForSelector(".versions tbody tr, .versions .soft");
    if (await page.$(".versions button")) break;
  }
  await page.click(".versions button");
  const command = await text(page, ".command code");
  assert.ok(command.startsWith(`ibinder-sync restore --dest '${tree}' --version `), command);
  await close();
});

test("PDF and pictures are previewed, and nothing else", async () => {
  const { page, wrongs, close } = await open(browser, tree);
  for (const [query, selector] of [
    ["planritning .pdf", ".preview object[type='application/pdf']"],
    [".png", ".preview img"],
    [".svg", null],
    [".html", null],
    [".exe", null],
  ]) {
    await page.fill("#search", query);
    await page.waitForFunction((wanted) => new URLSearchParams(location.hash.slice(1)).get("q") === wanted, query);
    await searched(page);
    await page.click(".rows .name");
    await page.waitForFunction(
      (ending) => document.querySelector(".beside h2")?.textContent.endsWith(ending),
      query.split(" ").pop(),
    );
    if (selector) await page.waitForSelector(selector);
    assert.equal(
      await page.$$eval("object, img, iframe, embed", (elements) => elements.length),
      selector ? 1 : 0,
      query,
    );
    if (query === ".png")
      assert.equal(await page.$eval(".preview img", (image) => image.decode().then(() => image.naturalWidth)), 240);
    if (!selector) assert.ok(await page.$(".beside .warn"), query);
  }
  assert.deepEqual(wrongs, []);
  await close();
});

test("the folder tree narrows the list", async () => {
  const { page, close } = await open(browser, tree, "#b=b003");
  await page.waitForSelector(".tree .twist");
  await searched(page);
  const all = await text(page, ".count");
  await page.click(".tree [data-choice='f Ritningar']");
  await page.waitForFunction(() => location.hash.includes("f=Ritningar"));
  await searched(page);
  assert.notEqual(await text(page, ".count"), all);
  const count = await text(page, ".tree .folder:has([aria-current]) .counts");
  assert.ok((await text(page, ".count")).startsWith(`${count} `));
  assert.ok(
    (await page.$$eval(".where", (places) => places.map((place) => place.textContent))).every((place) =>
      place.startsWith("Ritningar"),
    ),
  );
  await page.click(".tree [data-choice^='f Ritningar/']");
  await page.waitForFunction(() => location.hash.includes("f=Ritningar%2F"));
  await searched(page);
  assert.ok(Number((await text(page, ".count")).split(" ")[0]) < Number(count));
  await page.click(".tree [data-choice='f Avtal']");
  await page.waitForFunction(() => location.hash.includes("f=Avtal"));
  await page.click(".tree li:has(> .folder [data-choice='f Ekonomi']) > .twist");
  await page.waitForSelector(".tree [data-choice^='f Ekonomi/']");
  await page.click(".chips li:last-child a");
  await page.waitForFunction(() => !location.hash.includes("f="));
  await searched(page);
  assert.equal(await text(page, ".count"), all);
  await close();
});

test("changes by period and binder, and what is missing", async () => {
  const { page, wrongs, close } = await open(browser, tree, "#changes=31");
  await page.waitForSelector(".docs");
  const all = await page.$$eval(".docs li", (items) => items.length);
  await page.selectOption("#main select", "b001");
  await page.waitForFunction(() => location.hash.includes("b=b001"));
  await page.waitForFunction((before) => document.querySelectorAll(".docs li").length < before, all);
  await page.click(".docs a");
  await page.waitForSelector(".document h1");
  await page.click("[data-view=missing]");
  await page.waitForSelector(".missing");
  assert.match(await text(page, ".missing"), /Gick inte att kopiera 3 dokument|Gick inte att kopiera3 dokument/);
  assert.deepEqual(wrongs, []);
  await close();
});

test("the language is the browser's, and the switch is remembered", async () => {
  const { page, close } = await open(browser, tree, "", { locale: "en-GB" });
  assert.equal(await page.getAttribute("html", "lang"), "en");
  assert.equal(await text(page, "[data-view=home]"), "Binders");
  await page.click(".languages [lang=sv]");
  assert.equal(await text(page, "[data-view=home]"), "Pärmar");
  await page.reload();
  await page.waitForSelector(".binders");
  assert.equal(await page.getAttribute("html", "lang"), "sv");
  await close();
});

test("everything is reached by keyboard", async () => {
  const { page, close } = await open(browser, tree, "#missing");
  await page.keyboard.press("/");
  await page.keyboard.type("avtal");
  await searched(page);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const second = (await names(page))[1];
  assert.equal(await page.evaluate(() => document.activeElement.textContent), second);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".beside h2");
  assert.equal(await text(page, ".beside h2"), second);
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "H2");
  await page.keyboard.press("Escape");
  await page.waitForSelector(".beside", { state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.textContent), second);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  assert.equal(await page.evaluate(() => document.activeElement.id), "search");
  for (let n = 0; n < 40; n++) await page.keyboard.press("ArrowDown");
  assert.equal(await page.evaluate(() => document.activeElement.closest("li").ariaPosInSet), "40");
  // A row keeps the focus while it is out of sight.
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.waitForFunction(() => document.querySelector(".rows > li").dataset.index === "0");
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.evaluate(() => document.activeElement.closest("li").ariaPosInSet), "41");
  await close();
});

test("a document takes a narrow window, and the list is where it was left", async () => {
  const { page, close } = await open(browser, tree, "#b=b001", { viewport: { width: 400, height: 800 } });
  await searched(page);
  await page.evaluate(() => window.scrollTo(0, 2000));
  await page.waitForFunction(() => Number(document.querySelector(".rows > li").dataset.index) > 5);
  const id = await page.evaluate(() => {
    const link = [...document.querySelectorAll(".rows .name")].find((each) => each.getBoundingClientRect().top > 200);
    link.click();
    return link.dataset.id;
  });
  await page.waitForSelector(".beside h2", { state: "visible" });
  assert.ok(!(await page.isVisible(".middle")));
  assert.equal(await page.evaluate(() => window.scrollY), 0);
  await page.click(".back");
  await page.waitForSelector(".middle", { state: "visible" });
  assert.equal(await page.evaluate(() => window.scrollY), 2000);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), id);
  await close();
});

test("dates are typed digit by digit", async () => {
  const { page, close } = await open(browser, tree, "#b=b001", { locale: "en-GB" });
  await searched(page);
  const all = await text(page, ".count");
  await page.focus("input[name=from]");
  await page.keyboard.type("01012024");
  await page.waitForFunction(() => location.hash.includes("from=2024-01-01"));
  await searched(page);
  assert.notEqual(await text(page, ".count"), all);
  await page.goBack();
  await searched(page);
  assert.equal(await hash(page), "#b=b001");
  assert.equal(await text(page, ".count"), all);
  await close();
});

test("all rows are printed, and the controls are not", async () => {
  const { page, close } = await open(browser, tree, "#b=b001");
  await searched(page);
  await page.evaluate(() =>
    window.addEventListener("beforeprint", () => (window.printed = document.querySelectorAll(".rows > li").length)),
  );
  const pdf = await page.pdf();
  assert.ok(pdf.length > 10_000);
  assert.equal(await page.evaluate(() => window.printed), 80);
  // Nothing scrolls them away meanwhile.
  assert.equal(
    await page.evaluate(async () => {
      window.dispatchEvent(new Event("beforeprint"));
      window.dispatchEvent(new Event("scroll"));
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const rows = document.querySelectorAll(".rows > li").length;
      window.dispatchEvent(new Event("afterprint"));
      return rows;
    }),
    80,
  );
  await page.emulateMedia({ media: "print" });
  assert.deepEqual(
    await page.$$eval(".top, .side, .bar label", (elements) =>
      elements.map((element) => getComputedStyle(element).display),
    ),
    ["none", "none", "none"],
  );
  // A document beside the list is printed in its place.
  await page.evaluate(() => document.querySelector(".rows .name").click());
  await page.waitForSelector(".beside h2", { state: "visible" });
  assert.ok(!(await page.isVisible(".middle")));
  await close();
});

test("axe-core finds nothing serious", async () => {
  for (const [view, options] of [
    ["", {}],
    ["#q=ritning", {}],
    ["#b=b001", {}],
    ["#b=b001", { viewport: { width: 400, height: 800 } }],
    ["#changes", {}],
    ["#missing", { colorScheme: "dark" }],
    ["#q=ritning", { colorScheme: "dark", locale: "en" }],
    ["", { viewport: { width: 400, height: 800 }, colorScheme: "dark" }],
  ]) {
    const { page, close } = await open(browser, tree, view, options);
    if (view.includes("=")) await searched(page);
    await page.waitForSelector(".binders, .rows li, .docs, .missing");
    if (view === "#b=b001") await page.waitForSelector(".tree .twist", { state: "attached" });
    assert.deepEqual(await axe(page), [], `${view} ${JSON.stringify(options)}`);
    if (view === "#q=ritning") {
      await page.click(".rows .name");
      await page.waitForSelector(".versions tbody");
      assert.deepEqual(await axe(page), [], `a document ${JSON.stringify(options)}`);
    }
    await close();
  }
});

test("nothing is wider than the window", async () => {
  for (const width of [320, 400, 900, 1280]) {
    for (const view of ["", "#q=ritning", "#b=b001", "#changes", "#missing"]) {
      const { page, close } = await open(browser, tree, view, { viewport: { width, height: 800 } });
      if (view.includes("=")) await searched(page);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${view} at ${width}`);
      await close();
    }
  }
});

test("without its data the page says what is missing", async () => {
  renameSync(join(tree, "index-data"), join(tree, "elsewhere"));
  const { page, close } = await open(browser, tree);
  assert.match(await text(page, "#main"), /index-data/);
  await close();
  renameSync(join(tree, "elsewhere"), join(tree, "index-data"));
});

test("without a complete run nobody says that nothing is missing", async () => {
  const file = join(tree, "index-data", "start.js");
  const before = readFileSync(file, "utf8");
  const json = before.slice(before.indexOf("(") + 1, before.lastIndexOf(")"));
  for (const run of [null, { ...JSON.parse(json).run, outcome: "failed" }]) {
    writeFileSync(file, `ibinder.start(${JSON.stringify({ ...JSON.parse(json), run, gaps: [] })});\n`);
    const { page, close } = await open(browser, tree, "#missing");
    await page.waitForSelector(".missing");
    assert.match(await text(page, ".missing"), /Okänt/);
    assert.doesNotMatch(await text(page, ".missing"), /Inget saknas/);
    await close();
  }
  writeFileSync(file, before);
});
