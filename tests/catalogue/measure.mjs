// Measures a catalogue in Chromium: node tests/catalogue/measure.mjs FOLDER, after generate.mjs and `run`. Fails if it is
// slower or larger than docs/catalogue.md promises.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { addressOf, launch } from "./browser/browser.mjs";

const folder = process.argv[2];
const browser = await launch(["--enable-precise-memory-info", "--js-flags=--expose-gc"]);
const say = (what, value) => console.log(`${what.padEnd(58)} ${value}`);
const ms = (time) => `${Math.round(time)} ms`;

// In the page: when something was first seen, and how long the page was busy at a stretch.
function watch() {
  window.seen = {};
  window.tasks = [];
  const note = (name) => (window.seen[name] = window.seen[name] ?? performance.now());
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => window.tasks.push(entry.duration))).observe({
    type: "longtask",
    buffered: true,
  });
  const isVisible = (selector) => document.querySelector(selector)?.getClientRects().length > 0;
  const look = () => {
    if (isVisible(".binders tbody tr")) note("binders");
    if (isVisible(".rows > li")) note("rows");
    if (isVisible(".tree .twist")) note("tree");
    if (isVisible(".find[aria-busy=false]")) note("done");
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  // The time of the last letter, and of the first answer to it.
  window.addEventListener(
    "input",
    () => {
      window.typed = performance.now();
      window.answered = null;
      window.answeredAll = null;
      requestAnimationFrame(() => setTimeout(() => (window.echoed = performance.now() - window.typed)));
    },
    true,
  );
  new MutationObserver((changes) => {
    if (window.typed && changes.some(({ target }) => target.closest?.(".count"))) {
      const typed = window.typed;
      requestAnimationFrame(() =>
        setTimeout(() => {
          if (typed !== window.typed) return;
          const isDone = Boolean(document.querySelector(".find[aria-busy=false]"));
          window.answered = window.answered ?? performance.now() - typed;
          if (isDone) window.answeredAll = window.answeredAll ?? performance.now() - typed;
        }),
      );
    }
  }).observe(document, { childList: true, subtree: true, characterData: true });
}

async function open(hash = "") {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, locale: "sv-SE" });
  await page.addInitScript(watch);
  await page.goto(addressOf(folder, hash));
  return page;
}

const heap = (page) =>
  page.evaluate(() => {
    window.gc();
    return performance.memory.usedJSHeapSize / 1e6;
  });
const longest = (page) => page.evaluate(() => Math.max(0, ...window.tasks.splice(0)));
const seen = async (page, name) => {
  await page.waitForFunction((wanted) => window.seen[wanted], name, { timeout: 120_000, polling: 50 });
  return page.evaluate((wanted) => window.seen[wanted], name);
};

const click = (page, selector) => page.evaluate((wanted) => document.querySelector(wanted).click(), selector);
const whenIdle = (page) => page.waitForSelector(".find[aria-busy=false]", { timeout: 120_000 });

// Limits that hold on a busy machine too. `FOLDER` of another size than 100,000 has no limit for hits.
const failures = [];
function limit(what, value, most) {
  if (value > most) failures.push(`${what}: ${Math.round(value)} instead of at most ${most}`);
}

async function measureOpening() {
  const data = readdirSync(join(folder, "index-data"));
  const sizeOf = (path) => statSync(join(folder, path)).size;
  const size = (prefix) =>
    data.filter((name) => name.startsWith(prefix)).reduce((sum, name) => sum + sizeOf(`index-data/${name}`), 0);
  const page = await open();
  const first = await seen(page, "binders");
  const documents = await page.evaluate(() =>
    Number(document.querySelector(".tiles b").textContent.replace(/\D/g, "")),
  );
  const each = size("search-") / documents;
  say("documents", documents.toLocaleString("en"));
  say("first screen", ms(first));
  say("search data", `${(size("search-") / 1e6).toFixed(1)} MB, ${each.toFixed(0)} bytes a document`);
  const small = (size("start") + size("binders-")) / 1000;
  say(
    "page, and what the first screen reads",
    `${(sizeOf("index.html") / 1000).toFixed(0)} kB, ${small.toFixed(0)} kB`,
  );
  limit("ms to the first screen", first, 1000);
  limit("bytes a document", each, 250);
  return { page, documents };
}

// A word letter by letter, each after the first hits of the one before.
async function typeWord(page, word) {
  await page.fill("#search", "");
  await page.waitForTimeout(300);
  await page.focus("#search");
  const hits = [];
  const echoes = [];
  for (const letter of word) {
    await page.keyboard.insertText(letter);
    await page.waitForFunction(() => typeof window.answered === "number", null, { timeout: 120_000, polling: 10 });
    hits.push(await page.evaluate(() => window.answered));
    echoes.push(await page.evaluate(() => window.echoed));
  }
  await page.waitForFunction(() => window.answeredAll, null, { timeout: 120_000, polling: 50 });
  return [Math.max(...hits), await page.evaluate(() => window.answeredAll), Math.max(...echoes)];
}

async function measureTyping(page, documents) {
  for (const [when, wait] of [
    ["at once", 0],
    ["later", 6000],
  ]) {
    await page.waitForTimeout(wait);
    await longest(page);
    for (const word of ["ritning", "å", "hyresavtal c-4 gällande", "finns inte alls"]) {
      const [hits, all, echo] = await typeWord(page, word);
      const count = await page.textContent(".count");
      say(`"${word}", ${when}: first hits, all, letter shown`, `${ms(hits)}, ${ms(all)}, ${ms(echo)}  (${count})`);
      if (wait && documents <= 100_000) limit(`ms to the first hits of "${word}"`, hits, 200);
    }
    say(`longest task, ${when}`, ms(await longest(page)));
  }
}

// While everything is searched.
async function measureFastTyping(page) {
  await page.fill("#search", "");
  await page.focus("#search");
  const echoes = [];
  for (const letter of "planritning hus a") {
    await page.keyboard.insertText(letter);
    await page.waitForTimeout(90);
    echoes.push(await page.evaluate(() => window.echoed));
  }
  await page.waitForFunction(() => window.answeredAll, null, { timeout: 120_000, polling: 50 });
  const all = await page.evaluate(() => window.answeredAll);
  say("a letter each 90 ms: letter shown, all hits", `${ms(Math.max(...echoes))}, ${ms(all)}`);
  say("longest task then", ms(await longest(page)));
}

async function measureOrders(page) {
  await page.fill("#search", "a");
  await page.waitForFunction(() => window.answeredAll, null, { timeout: 120_000, polling: 50 });
  for (const order of ["name", "newest", "largest"]) {
    const before = Date.now();
    await page.selectOption(".bar select", order);
    await page.waitForFunction((wanted) => location.hash.includes(wanted), order);
    await whenIdle(page);
    say(`"a" by ${order}`, `${ms(Date.now() - before)}  (${await page.textContent(".count")})`);
  }
  say("longest task in these", ms(await longest(page)));
  say("memory after all this", `${(await heap(page)).toFixed(0)} MB`);
}

// As a person goes: search, filter, open, back, language, print.
async function walk(page) {
  const times = [];
  const step = async (name, act) => {
    const before = Date.now();
    await act();
    times.push(`${name} ${ms(Date.now() - before)}`);
  };
  await page.fill("#search", "hyresavtal");
  await whenIdle(page);
  const all = await page.textContent(".count");
  await step("filter", async () => {
    await click(page, "[data-choice='type pdf']");
    await whenIdle(page);
  });
  if ((await page.textContent(".count")) === all) failures.push("the filter changed nothing");
  await step("open", async () => {
    await click(page, ".rows .name");
    await page.waitForSelector(".versions tbody tr", { timeout: 120_000 });
  });
  await step("back", async () => {
    await page.goBack();
    await page.waitForSelector(".beside", { state: "detached" });
    await page.goBack();
    await whenIdle(page);
  });
  if ((await page.textContent(".count")) !== all) failures.push("back led elsewhere");
  await step("language", async () => {
    await click(page, ".languages [lang=en]");
    await whenIdle(page);
  });
  if (!(await page.textContent(".count")).includes("hits")) failures.push("the language did not change");
  await step("print", () => page.pdf());
  say("a walk", times.join(", "));
}

async function measureBinder() {
  const page = await open("#b=b003");
  const times = [await seen(page, "rows"), await seen(page, "done"), await seen(page, "tree")];
  say("a binder: first rows, all, folders", times.map(ms).join(", "));
  say("longest task", ms(await longest(page)));
  limit("ms to a binder's first rows", times[0], 2000);
  await page.close();
}

const { page, documents } = await measureOpening();
await measureTyping(page, documents);
await measureFastTyping(page);
await measureOrders(page);
await walk(page);
await page.close();
await measureBinder();
await browser.close();
failures.forEach((failure) => console.error(failure));
process.exitCode = failures.length ? 1 : 0;
